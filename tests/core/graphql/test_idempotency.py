"""A mutation sent twice under one key has one effect, and one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from litestar import Litestar

from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.http import graphql_handlers
from hansa_core.graphql.wire import encoded
from hansa_core.idempotency import CLEANED_MAX, KEPT, idempotency_table
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform
from tests.core.graphql.conftest import Answer
from tests.core.graphql.test_operations import payload

NEW = """mutation ($name: String!) { contactsTagCreate(input: {name: $name}) {
  record { id name createdAt } errors { code path message } } }"""


async def submit(
    graphql: GraphQL, caller: Caller, key: str, name: str, document: str = NEW
) -> bytes:
    return encoded(await graphql.answer(caller, document, {"name": name}, None, key))


async def error_of(graphql: GraphQL, caller: Caller, key: str, document: str, name: str) -> Answer:
    answer = await graphql.execute(caller, document, {"name": name}, None, key)
    (error,) = cast("list[Answer]", answer["errors"])
    return error


async def tags_named(graphql: GraphQL, caller: Caller, name: str) -> int:
    text = """query ($name: String!) {
      contactsTags(where: {name: {startsWith: $name}}) { totalCount } }"""
    count: int = payload(await graphql.execute(caller, text, {"name": name}))["totalCount"]
    return count


async def test_fifty_submissions_at_once_have_one_effect(graphql: GraphQL, manager: Caller) -> None:
    key, name = uuid4().hex, uuid4().hex
    answers: Sequence[bytes] = await asyncio.gather(
        *(submit(graphql, manager, key, name) for _ in range(50))
    )
    assert len(set(answers)) == 1
    assert name.encode() in answers[0]
    assert await tags_named(graphql, manager, name) == 1


async def test_the_first_answer_is_replayed_byte_by_byte(graphql: GraphQL, manager: Caller) -> None:
    key, name = uuid4().hex, uuid4().hex
    first = await submit(graphql, manager, key, name)
    changed = """mutation ($name: String!) { contactsTagUpsertMany(
      rows: [{name: $name, colour: "#000000"}], by: name) { results { status } } }"""
    await graphql.execute(manager, changed, {"name": name})
    assert await submit(graphql, manager, key, name) == first  # as it was then


async def test_every_kind_of_write_is_replayed(graphql: GraphQL, manager: Caller) -> None:
    name = uuid4().hex
    await graphql.execute(manager, NEW, {"name": name})
    delete = """mutation ($name: String!) {
      contactsTagDeleteMany(where: {name: {eq: $name}}, expectedCount: 1) {
        count records { name } errors { code } } }"""
    upsert = """mutation ($name: String!) { __typename contactsTagUpsertMany(
      rows: [{name: $name}]) { r: results { status } __typename errors { code } } }"""
    for document in (delete, upsert):
        key = uuid4().hex
        first = await submit(graphql, manager, key, name, document)
        assert b'"errors":[]' in first
        assert await submit(graphql, manager, key, name, document) == first


async def test_a_key_with_another_request_is_refused(graphql: GraphQL, manager: Caller) -> None:
    key, name = uuid4().hex, uuid4().hex
    await submit(graphql, manager, key, name)
    for document, other in ((NEW, f"{name} 2"), (NEW.replace("createdAt", ""), name)):
        error = await error_of(graphql, manager, key, document, other)
        assert error["extensions"]["code"] == "idempotency_key"
        assert "sent with another request" in error["message"]
    assert await tags_named(graphql, manager, name) == 1


async def test_a_key_of_somebody_else_is_refused(
    graphql: GraphQL, platform: Platform, tenant: Tenant, manager: Caller
) -> None:
    key, name = uuid4().hex, uuid4().hex
    other = await platform.user(tenant, "contacts.manager")
    await submit(graphql, manager, key, name)
    error = await error_of(graphql, other, key, NEW, name)
    assert error["extensions"]["code"] == "idempotency_key"
    assert "somebody else" in error["message"]
    assert name not in str(error)


async def test_a_refused_write_leaves_its_key_free(graphql: GraphQL, manager: Caller) -> None:
    key, name = uuid4().hex, uuid4().hex
    refused = await submit(graphql, manager, key, name + "x" * 60)
    assert b'"code":"invalid"' in refused
    assert b'"errors":[]' in await submit(graphql, manager, key, name)


async def test_a_dry_run_leaves_its_key_free(graphql: GraphQL, manager: Caller) -> None:
    key, name = uuid4().hex, uuid4().hex
    tried = """mutation ($name: String!) { contactsTagUpsertMany(
      rows: [{name: $name}], dryRun: true) { results { status } } }"""
    await submit(graphql, manager, key, name, tried)
    assert b'"errors":[]' in await submit(graphql, manager, key, name)


@pytest.mark.parametrize("key", ["", "x" * 201, "line\nbreak", "caf\u00e9"])
async def test_what_is_no_key_is_refused(graphql: GraphQL, manager: Caller, key: str) -> None:
    name = uuid4().hex
    error = await error_of(graphql, manager, key, NEW, name)
    assert "1 to 200 printable" in error["message"]
    assert await tags_named(graphql, manager, name) == 0


async def test_a_key_for_several_mutations_is_refused(graphql: GraphQL, manager: Caller) -> None:
    name = uuid4().hex
    one = "contactsTagCreate(input: {name: $name}) { errors { code } }"
    document = f"mutation ($name: String!) {{ a: {one} b: {one} }}"
    error = await error_of(graphql, manager, uuid4().hex, document, name)
    assert "for one mutation, found 2" in error["message"]
    assert await tags_named(graphql, manager, name) == 0


async def test_answers_past_their_time_make_room_a_few_at_once(
    graphql: GraphQL, platform: Platform, manager: Caller
) -> None:
    table = idempotency_table(sa.MetaData())
    old, name = uuid4().hex, uuid4().hex
    await submit(graphql, manager, old, name)
    count = sa.select(sa.func.count()).select_from(table).where(table.c.identity == old)
    just = platform.runtime.clock.now() - KEPT - timedelta(seconds=1)
    past = just - timedelta(minutes=1)
    async with platform.runtime.database.transaction(manager.tenant) as session:
        stale = sa.select(
            sa.func.gen_random_uuid().cast(sa.Text),
            sa.literal(old),
            sa.literal(b"", sa.LargeBinary),
            sa.literal(past, sa.DateTime(timezone=True)),
        ).select_from(sa.func.generate_series(1, CLEANED_MAX + 5))
        names = ["key", "identity", "request_hash", "at"]
        await session.execute(sa.insert(table).from_select(names, stale))
        await session.execute(sa.update(table).where(table.c.key == old).values(at=just))

    async def left() -> object:
        async with platform.runtime.database.transaction(manager.tenant) as session:
            return await session.fetch_value(count)

    # its own answer is past its time too: it is a new submission, refused as a duplicate
    assert b'"code":"duplicate"' in await submit(graphql, manager, old, name)
    assert await left() == CLEANED_MAX + 5  # rolled back with it
    await submit(graphql, manager, uuid4().hex, f"{name} 1")
    assert await left() == 5
    await submit(graphql, manager, old, f"{name} 2")
    assert await left() == 0
    assert await tags_named(graphql, manager, name) == 3


@pytest.fixture
async def client(
    platform: Platform, tenant: Tenant, manager: Caller
) -> AsyncGenerator[httpx.AsyncClient]:
    async def tenant_of(_: str) -> Tenant:
        return tenant

    key = await platform.key(manager)
    app = Litestar([*graphql_handlers(platform.runtime, tenant_of)], openapi_config=None)
    transport = httpx.ASGITransport(cast(Any, app))  # Litestar types its scope more closely
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost:8000", headers=headers
    ) as opened:
        yield opened


async def test_the_key_is_a_header_over_http(client: httpx.AsyncClient) -> None:
    key, name = uuid4().hex, uuid4().hex
    body = {"query": NEW, "variables": {"name": name}}
    first, again = [
        await client.post("/graphql", json=body, headers={"Idempotency-Key": key}) for _ in "ab"
    ]
    assert first.content == again.content
    assert first.json()["data"]["contactsTagCreate"]["record"]["name"] == name
    without = await client.post("/graphql", json=body)
    assert without.json()["data"]["contactsTagCreate"]["errors"][0]["code"] == "duplicate"
