"""What 64 companies of 8 shapes take: of the server's memory, and of its database's backends.

`uv run pytest -m bench -s tests/bench/test_many_tenants.py` prints the figures; making the
companies takes most of its time.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx
import psycopg
import pytest
from graphql import get_introspection_query

from hansa_core.migrate.autogenerate import make_migration
from hansa_core.plugins.compile import compile_shape
from hansa_core.storage.tables import build_metadata
from hansa_core.storage.transaction import Tenant
from hansa_core.system.plugin import plugin as system
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import Platform, installed_of, open_platform
from hansa_core.testing.server import Json
from hansa_core.testing.waiting import eventually
from tests.bench.many import ENTITIES_EACH, SHAPES, made_plugins, plugins_of

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3_600)]

TENANTS: Final = 64
ROUNDS: Final = 4
AT_ONCE: Final = 20
ENTITIES_ASKED: Final = 12

PAGE = """query ($text: String!) {{ {plural}(where: {{text0: {{startsWith: $text}}}}, first: 20,
  orderBy: {{field: createdAt}}) {{ totalCount nodes {{ id text0 amount status
  owner {{ name }} parent {{ id }} }} pageInfo {{ endCursor }} }} }}"""
GROUPS = "{{ {plural}Group(by: {{field: status}}) {{ keys {{ status }} count sum {{ share }} }} }}"
CREATE = """mutation ($input: {type}CreateInput!) {{ {single}Create(input: $input) {{
  record {{ id version }} errors {{ code }} }} }}"""
NEW = {f"text{number}": "written" for number in range(5)} | {
    "currency": "EUR",
    "amount": "12.50",
    "count": 3,
    "share": "0.25",
}


async def test_memory_of_many_companies(postgres_url: str, tmp_path: Path) -> None:
    with fresh_database(postgres_url) as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(tmp_path), *sys.path])
        write_migrations(url, tmp_path)
        home = tmp_path / "home"
        home.mkdir()
        async with open_platform(url, home, installed_of(made_plugins())) as platform:
            companies = [await company(platform, number) for number in range(TENANTS)]
        async with server(url, home) as (pid, port):
            print(f"\nserver started: {pss(pid) / 1e6:.0f} MB")
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
                for round_ in range(ROUNDS):
                    asked = await ask_all(http, companies, round_)
                    show(url, pid, f"round {round_ + 1}, {asked:,} requests")
                for tenant, key, _ in companies[:SHAPES]:
                    answer = await post(http, tenant, key, get_introspection_query(), {})
                    assert len(answer["__schema"]["types"]) > 4_000
                show(url, pid, "each shape's schema read whole")
                asked = await ask_all(http, companies, ROUNDS)
                show(url, pid, f"{asked:,} requests more")


def write_migrations(url: str, folder: Path) -> None:
    """Write a first migration of each plugin below `folder`, which is importable."""
    plugins = made_plugins()
    with owner_engine(url) as engine, engine.connect() as connection:
        for plugin in plugins:
            scripts = folder / plugin.migrations
            (scripts / "versions").mkdir(parents=True)
            (scripts / "__init__.py").touch()
            shape = compile_shape([system, replace(plugin, migrations="")])
            make_migration(
                connection,
                plugin.name,
                build_metadata(shape.entities),
                scripts,
                "initial",
                requires=[("system", system.migrations)],
            )


async def company(platform: Platform, number: int) -> tuple[Tenant, str, list[str]]:
    """Make a company; return it with its administrator's key and its plugins."""
    plugins = plugins_of(number % SHAPES)
    tenant = await platform.tenant(*plugins, slug=f"company-{number}")
    user = await platform.user(tenant, "system.administrator")
    return tenant, await platform.key(user), plugins


@asynccontextmanager
async def server(url: str, home: Path) -> AsyncGenerator[tuple[int, int]]:
    """Start a server of its own process; yield its process id and its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.many", url, str(home)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield process.pid, int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


async def ask_all(
    http: httpx.AsyncClient, companies: Sequence[tuple[Tenant, str, list[str]]], round_: int
) -> int:
    """Ask every company of some of its entities, many companies at once; return how often."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(number: int) -> int:
        tenant, key, plugins = companies[number]
        names = [(plugin, each) for plugin in plugins for each in range(ENTITIES_EACH)]
        first = (number * 7 + round_) % len(names)
        asked = 0
        for plugin, each in (names * 2)[first : first + ENTITIES_ASKED]:
            texts = {
                "plural": f"{plugin}Thing{each}s",
                "single": f"{plugin}Thing{each}",
                "type": f"{plugin.capitalize()}Thing{each}",
            }
            async with turns:
                await post(http, tenant, key, PAGE.format(**texts), {"text": "w"})
                await post(http, tenant, key, GROUPS.format(**texts), {})
            asked += 2
            if each == 0:  # its parent is a user
                me = await post(http, tenant, key, "{ me { id } }", {})
                by = {"connect": me["me"]["id"]}
                new = {"input": {**NEW, "owner": by, "parent": by}}
                written = await post(http, tenant, key, CREATE.format(**texts), new)
                assert next(iter(written.values()))["errors"] == []
                asked += 2
        return asked

    return sum(await asyncio.gather(*(ask(number) for number in range(len(companies)))))


async def post(
    http: httpx.AsyncClient, tenant: Tenant, key: str, document: str, variables: object
) -> Json:
    """Return the data a document answers; nothing may be refused."""

    async def answered() -> Json:
        answer = await http.post(
            "/graphql",
            json={"query": document, "variables": variables},
            headers={"Host": f"{tenant.slug}.localhost", "Authorization": f"Bearer {key}"},
        )
        # a database that works hard on a small machine says so, and to come again
        return None if '"busy"' in answer.text else answer.json()

    found = await eventually(answered, timeout_seconds=60, what="an answer")
    assert "errors" not in found, found
    return found["data"]


def show(url: str, pid: int, when: str) -> None:
    """Print what the server and its backends take now."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
    backends = [pss(row[0]) for row in rows]
    print(
        f"{when}: server {pss(pid) / 1e6:.0f} MB; {len(backends)} backends together "
        f"{sum(backends) / 1e6:.0f} MB, the largest {max(backends) / 1e6:.0f} MB"
    )


def pss(pid: int) -> int:
    """Return the bytes a process takes, what it shares counted in proportion."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
