"""A kernel of each module's own behind a real web server, and its ledger as its owner sees it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier

from hansa_core.events.chain import verify_chain
from hansa_core.events.sealer import unsealed_age
from hansa_core.plugins.discovery import installed_plugins
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import Platform, open_platform
from hansa_core.testing.server import Client, WebServer, open_server
from hansa_core.testing.waiting import eventually


@pytest.fixture(scope="module")
async def platform(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Platform]:
    """A kernel on a database of this module's own, so that its sealer minds no other test."""
    with fresh_database(postgres_url) as url:
        home = tmp_path_factory.mktemp("home")
        async with open_platform(url, home, installed_plugins()) as opened:
            yield opened


@pytest.fixture(scope="module")
async def web(platform: Platform) -> AsyncGenerator[WebServer]:
    """The web server of that kernel, with its sealer."""
    async with open_server(platform.runtime) as server:
        yield server


@dataclass(frozen=True)
class Ledger:
    """What the owner of the database finds, on a connection the kernel has no part in."""

    platform: Platform

    async def rows(self, tenant: Tenant, statement: str, *values: object) -> list[DictRow]:
        """Read with the tenant's schema as the search path."""
        url = self.platform.owner_url
        opening = psycopg.AsyncConnection[DictRow].connect(url, row_factory=dict_row)
        async with await opening as connection:
            path = SQL("SET search_path TO {}").format(Identifier(tenant.schema))
            await connection.execute(path)
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall()

    async def count(self, tenant: Tenant, table: str) -> int:
        """Count the rows of a table."""
        rows = await self.rows(tenant, f'SELECT count(*) AS n FROM "{table}"')  # noqa: S608  # our own name
        return int(rows[0]["n"])

    async def record(self, tenant: Tenant, table: str, id: str) -> DictRow:
        """Read one row."""
        rows = await self.rows(tenant, f'SELECT * FROM "{table}" WHERE id = %s', id)  # noqa: S608  # our own name
        return rows[0]

    async def fingerprint(self, tenant: Tenant) -> dict[str, int]:
        """Count the rows of every table of a tenant but those that sealing fills and empties."""
        tables = await self.rows(
            tenant,
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace"
            " AND relname NOT IN ('system_event_pending', 'system_event_seal') ORDER BY relname",
            tenant.schema,
        )
        counts = [
            f"SELECT '{row['relname']}' AS name, count(*) AS n FROM \"{row['relname']}\""  # noqa: S608  # our own name
            for row in tables
        ]
        rows = await self.rows(tenant, " UNION ALL ".join(counts))
        return {str(row["name"]): int(row["n"]) for row in rows}

    async def sealed(self, tenant: Tenant) -> None:
        """Wait until every event is sealed, then verify the chain."""
        runtime = self.platform.runtime

        async def nothing_waits() -> bool:
            async with runtime.database.transaction(tenant, read_only=True) as session:
                return await unsealed_age(session, runtime.events) == 0

        await eventually(nothing_waits, what="sealing every event")
        async with runtime.database.transaction(tenant, timeout_seconds=60) as session:
            report = await verify_chain(session, runtime.events)
        assert report.fault is None
        assert report.checked == await self.count(tenant, "system_event")


@pytest.fixture(scope="module")
def ledger(platform: Platform) -> Ledger:
    return Ledger(platform)


CREATE_PARTY = """mutation ($input: ContactsPartyCreateInput!) {
  contactsPartyCreate(input: $input) { record { id } errors { code path message params } } }"""
CREATE_TAG = """mutation ($name: String!) {
  contactsTagCreate(input: {name: $name}) { record { id } errors { code path message } } }"""


@dataclass(frozen=True)
class Desk:
    """Somebody who may do everything in one company, and one of its parties."""

    tenant: Tenant
    client: Client
    party: str
    key: str


@pytest.fixture(scope="module")
async def desk(platform: Platform, web: WebServer) -> Desk:
    tenant = await platform.tenant("crm", slug="desk")
    key = await platform.key(await platform.user(tenant, "system.administrator"))
    client = await web.client(tenant, key)
    party = await client.change(
        CREATE_PARTY, input={"name": "Known", "source": "test", "externalId": "1"}
    )
    await client.change(CREATE_TAG, name="taken")
    return Desk(tenant, client, party["id"], key)


@pytest.fixture
async def nothing_is_written(desk: Desk, ledger: Ledger) -> AsyncIterator[None]:
    """A test of bad input leaves each table, the ledger among them, as it was."""
    before = await ledger.fingerprint(desk.tenant)
    yield
    assert await ledger.fingerprint(desk.tenant) == before
