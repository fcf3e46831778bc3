"""The kit's data in a tenant's tables, and the people whose records they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
from psycopg.rows import TupleRow

from hansa_core.records.unit import UnitOfWork
from hansa_core.storage.statements import quote_name
from hansa_core.storage.transaction import Tenant
from hansa_core.system.accounts import create_key, create_user
from hansa_core.testing.platform import Platform
from hansa_sdk import Team, User
from hansa_sdk.system import UserTeam
from tests.bench.plugin import plugin

TEAMS: Final = ("East", "North", "South", "West")
_FOLDER: Final = Path(__file__).parent
_COPY: Final = re.compile(r"COPY (\w+) \(([\w,]+)\) FROM stdin;")
_STAGED: Final = {"contact": "kit_contact"}


@dataclass(frozen=True, slots=True)
class BenchCaller:
    """Who asks in the benchmark: the user's id and API key."""

    user_id: UUID
    key: str


async def make_people(platform: Platform, tenant: Tenant) -> BenchCaller:
    """Make the kit's twenty owners, each with a role of its own, and the teams; return the caller.

    The caller is in every team but the last: see kit_rows.sql.
    """

    async def work(unit: UnitOfWork) -> BenchCaller:
        users: list[User] = []
        for number, role in enumerate(plugin.roles, start=1):
            name = f"user{number:02}"
            email = f"{name}@bench.example"
            users.append(await create_user(unit, email=email, name=name, roles=[role.name]))
        caller = users[0]
        for name in TEAMS:
            team = Team(name=name)
            await unit.save(team)
            if name != TEAMS[-1]:
                await unit.save(UserTeam(user=caller, team=team))
        key = await create_key(
            unit, user_id=caller.id, label="benchmark", roles=[plugin.roles[0].name]
        )
        return BenchCaller(caller.id, key)

    return await platform.runtime.write(await platform.system(tenant), work)


def load(owner_url: str, tenant: Tenant, script: Iterable[str]) -> None:
    """Put the rows of a COPY script, as the kit's data/gen.py prints it, into a tenant's tables."""
    with psycopg.connect(owner_url) as connection:
        connection.execute("SET search_path TO public")
        connection.execute((_FOLDER / "kit_tables.sql").read_bytes())
        _copy(connection, iter(script))
        connection.execute(f"SET search_path TO {quote_name(tenant.schema)}, public".encode())
        connection.execute((_FOLDER / "kit_rows.sql").read_bytes())
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")


def _copy(connection: psycopg.Connection[TupleRow], lines: Iterator[str]) -> None:
    for line in lines:
        found = _COPY.match(line)
        if found is None:
            continue
        table = quote_name(_STAGED.get(found[1], found[1]))
        columns = ", ".join(map(quote_name, found[2].split(",")))
        statement = f"COPY {table} ({columns}) FROM stdin".encode()
        with connection.cursor() as cursor, cursor.copy(statement) as copied:
            for row in lines:
                if row.startswith("\\."):
                    break
                copied.write(row)
