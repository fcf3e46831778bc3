"""Statements that take too long or hold too much: who hangs up, limits, and the pool after."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import LiteralString

import httpx
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from hansa_core.graphql import hanging_up
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import WebServer
from hansa_core.testing.waiting import eventually
from tests.scenarios.conftest import Desk

READ = "{ contactsTags { nodes { name } } }"
WRITE = (
    'mutation { contactsTagUpdate(id: "%s", version: 1, input: {name: "x"}) { errors { code } } }'
)
POOL = 10
_BUSY = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
AND usename LIKE '%%_app' AND state <> 'idle' AND query LIKE %s"""


async def asked(platform: Platform, statement: str, *values: object) -> int:
    """Return a number from the server, asked as its superuser."""
    opening = psycopg.AsyncConnection.connect(platform.owner_url, autocommit=True)
    async with await opening as connection:
        cursor = await connection.execute(statement.encode(), values)
        row = await cursor.fetchone()
        assert row is not None
        return int(row[0])


async def running(platform: Platform, part: str) -> int:
    """Count the backends that are busy with a statement like this, for the application."""
    return await asked(platform, _BUSY, part)


@asynccontextmanager
async def reading_tags(
    platform: Platform, desk: Desk, expression: LiteralString
) -> AsyncGenerator[None]:
    """Let the database evaluate an expression for each tag the company reads."""
    names = {"schema": Identifier(desk.tenant.schema), "role": Identifier(desk.tenant.role)}
    on = SQL("""ALTER TABLE {schema}.contacts_tag ENABLE ROW LEVEL SECURITY;
      CREATE POLICY tried ON {schema}.contacts_tag TO {role} USING ({expression} IS NOT NULL)""")
    off = SQL("""DROP POLICY tried ON {schema}.contacts_tag;
      ALTER TABLE {schema}.contacts_tag DISABLE ROW LEVEL SECURITY""")
    opening = psycopg.AsyncConnection.connect(platform.owner_url, autocommit=True)
    async with await opening as connection:
        await connection.execute(on.format(**names, expression=SQL(expression)))
        try:
            yield
        finally:
            await connection.execute(off.format(**names))


@pytest.fixture
async def slow(platform: Platform, desk: Desk) -> AsyncIterator[None]:
    """Reading any tag takes the database half a minute."""
    async with reading_tags(platform, desk, "pg_sleep(30)"):
        yield


async def begun(web: WebServer, desk: Desk, document: str) -> asyncio.StreamWriter:
    """Send a request on a connection of its own and leave it open."""
    _, writer = await asyncio.open_connection("127.0.0.1", web.port)
    body = json.dumps({"query": document})
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {desk.tenant.slug}.localhost:{web.port}\r\n"
        f"Authorization: Bearer {desk.key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    writer.write((head + body).encode())
    await writer.drain()
    return writer


@pytest.mark.parametrize("document", [READ, WRITE], ids=["query", "mutation"])
@pytest.mark.usefixtures("slow")
async def test_client_that_hangs_up_ends_its_statement(
    platform: Platform, web: WebServer, desk: Desk, document: str
) -> None:
    if document == WRITE:
        id_of = SQL("SELECT id::text FROM {}.contacts_tag").format(Identifier(desk.tenant.schema))
        async with await psycopg.AsyncConnection.connect(platform.owner_url) as connection:
            row = await (await connection.execute(id_of)).fetchone()
        assert row is not None
        document = WRITE % row[0]
    tags = partial(running, platform, "%contacts_tag%")

    async def all_run() -> bool:
        return await tags() == POOL

    async def none_runs() -> bool:
        return await running(platform, "%") == 0

    connections = [await begun(web, desk, document) for _ in range(POOL)]
    await eventually(all_run, what="a statement on each connection of the pool")
    for writer in connections:
        writer.close()
    await eventually(none_runs, timeout_seconds=2, what="the end of the statements")
    answers = await asyncio.gather(
        *(desk.client.ask("{ contactsParties(first: 1) { nodes { name } } }") for _ in range(30))
    )
    assert len(answers) == 30


@pytest.mark.usefixtures("slow")
async def test_client_that_waits_is_answered_however_long_it_takes(desk: Desk) -> None:
    """It is looked for its hanging up many times longer than that takes."""
    answer = await desk.client.post(READ)
    assert answer.elapsed.total_seconds() > 10 * hanging_up.LOOKED_AFTER_SECONDS
    assert answer.json()["errors"][0]["extensions"]["code"] == "busy"


@pytest.mark.usefixtures("slow")
async def test_time_limit_has_a_code_and_a_hint_and_leaves_the_pool_whole(
    platform: Platform, desk: Desk
) -> None:
    refused: list[httpx.Response] = []
    for _ in range(3):  # as many at once as there are connections
        refused += await asyncio.gather(*(desk.client.post(READ) for _ in range(POOL)))
    for answer in refused:
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]["code"]) == (503, "busy")
        assert "longer than it may" in error["message"]
        assert "ask for less" in error["message"]
        assert answer.headers["retry-after"] == "2"
    assert len(refused) == 30
    assert await running(platform, "%") == 0
    assert (await desk.client.ask("{ contactsParties(first: 1) { nodes { name } } }"))["nodes"]


@pytest.mark.parametrize(
    "expression",
    ["repeat(id::text, 100000000)", "lpad(id::text, 2000000000)"],
    ids=["a value", "a text"],
)
async def test_what_is_too_much_for_the_database_is_a_limit(
    platform: Platform, desk: Desk, expression: LiteralString
) -> None:
    async with reading_tags(platform, desk, expression):
        answer = await desk.client.answer(READ)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "limit"
    assert "smaller pages" in error["message"]
    assert (await desk.client.ask(READ))["nodes"]
