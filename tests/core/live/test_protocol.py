"""graphql-transport-ws word by word: what each message is answered with, and each close code."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest

from hansa_core.graphql.subscriptions import PER_CONNECTION_MAX, PER_PRINCIPAL_MAX, Streams
from hansa_core.graphql.wire import BODY_BYTES_MAX
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Json, WebServer, open_server
from tests.core.live.sockets import Socket, socket

TAGS = "subscription { contactsTagChanges { id } }"


@dataclass(frozen=True)
class Desk:
    tenant: Tenant
    key: str


@pytest.fixture(scope="module")
async def desk(platform: Platform) -> Desk:
    tenant = await platform.tenant("contacts")
    return Desk(tenant, await platform.key(await platform.user(tenant, "contacts.manager")))


@pytest.fixture(scope="module")
async def hasty(platform: Platform) -> AsyncGenerator[WebServer]:
    """A server that waits for nobody."""
    streams = Streams(init_seconds=0.2, idle_seconds=0.2)
    async with open_server(platform.runtime, streams=streams) as server:
        yield server


async def test_subscribing_before_saying_who_one_is_closes_4401(web: WebServer, desk: Desk) -> None:
    async with socket(web, desk.tenant) as client:
        await client.subscribe("1", TAGS)
        assert (await client.closed())[0] == 4401


async def test_wrong_key_closes_4401_with_the_words_of_a_request(
    web: WebServer, desk: Desk
) -> None:
    async with socket(web, desk.tenant) as client:
        await client.send(type="connection_init", payload={"authorization": "Bearer hansa_x"})
        code, reason = await client.closed()
    assert (code, reason[:44]) == (4401, "Unauthorized: You are not signed in, or your")


async def test_no_credential_at_all_closes_4401(web: WebServer, desk: Desk) -> None:
    async with socket(web, desk.tenant) as client:
        await client.send(type="connection_init")
        assert (await client.closed())[0] == 4401


async def test_key_in_the_header_of_the_handshake_is_enough(web: WebServer, desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {desk.key}"}
    async with socket(web, desk.tenant, headers=headers) as client:
        await client.begin()
        await client.subscribe("1", "{ me { name } }")
        assert (await client.receive())["type"] == "next"


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        "[]",
        '{"id": "1"}',
        '{"type": "start"}',
        '{"type": "subscribe", "payload": {"query": "{ me { name } }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ me { name } }"}}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "1", "payload": {"query": 7}}',
        '{"type": "subscribe", "id": "1", "payload": {"query": "{ me }", "variables": []}}',
        b'{"type": "ping"}',
    ],
)
async def test_message_that_is_none_closes_4400(
    web: WebServer, desk: Desk, message: str | bytes
) -> None:
    async with socket(web, desk.tenant, desk.key) as client:
        await client.connection.send(message)
        assert (await client.closed())[0] == 4400


async def test_other_subprotocol_closes_4406(web: WebServer, desk: Desk) -> None:
    async with socket(web, desk.tenant, protocol=None) as client:
        assert (await client.closed())[0] == 4406


async def test_silence_closes_4408(hasty: WebServer, desk: Desk) -> None:
    async with socket(hasty, desk.tenant) as client:
        assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_connection_without_an_operation_is_closed_and_may_come_back(
    hasty: WebServer, desk: Desk
) -> None:
    async with socket(hasty, desk.tenant, desk.key) as client:
        assert (await client.closed())[0] == 1001


async def test_connection_with_a_subscription_stays(hasty: WebServer, desk: Desk) -> None:
    async with socket(hasty, desk.tenant, desk.key) as client:
        await client.subscribe("1", TAGS)
        other = socket(hasty, desk.tenant, desk.key)
        async with other as idle:
            await idle.closed()  # that long it takes
        await client.send(type="ping")
        assert await client.receive() == {"type": "pong"}


async def test_same_id_twice_closes_4409_and_a_freed_one_does_not(
    web: WebServer, desk: Desk
) -> None:
    async with socket(web, desk.tenant, desk.key) as client:
        await client.subscribe("a", TAGS)
        await client.send(type="complete", id="a")
        await client.subscribe("a", TAGS)
        await client.subscribe("a", TAGS)
        assert await client.closed() == (4409, "Subscriber for a already exists")


async def test_second_init_closes_4429(web: WebServer, desk: Desk) -> None:
    async with socket(web, desk.tenant, desk.key) as client:
        await client.send(type="connection_init")
        assert await client.closed() == (4429, "Too many initialisation requests")


async def test_ping_is_answered_at_any_time_with_its_payload(web: WebServer, desk: Desk) -> None:
    async with socket(web, desk.tenant) as client:
        await client.send(type="ping", payload={"n": 1})
        assert await client.receive() == {"type": "pong", "payload": {"n": 1}}
        await client.begin(desk.key)
        await client.send(type="pong")
        await client.send(type="ping")
        assert await client.receive() == {"type": "pong"}


async def test_query_and_mutation_are_answered_once_and_completed(
    web: WebServer, desk: Desk
) -> None:
    async with socket(web, desk.tenant, desk.key) as client:
        await client.subscribe("q", "{ me { roles } }")
        answer = await client.receive()
        assert answer["payload"]["data"]["me"]["roles"][0] == "contacts.manager"
        assert await client.receive() == {"id": "q", "type": "complete"}
        create = """mutation { contactsTagCreate(input: {name: "by socket"}) {
            record { name } errors { message } } }"""
        await client.subscribe("m", create)
        answer = await client.receive()
        assert answer["payload"]["data"]["contactsTagCreate"]["record"] == {"name": "by socket"}
        assert await client.receive() == {"id": "m", "type": "complete"}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("subscription { nothing }", "invalid_query"),
        ("subscription {", "syntax"),
        ("subscription { contactsTagChanges { id } changes { id } }", "invalid_query"),
        ("subscription { changes @skip(if: true) { id } }", "invalid_query"),
        ("subscription { crmDealChanges { id } }", "invalid_query"),
        ('subscription { contactsTagChanges(since: "x") { id } }', "invalid"),
        ("subscription { systemApiKeyChanges { id } }", "denied"),
    ],
)
async def test_refused_subscription_is_an_error_and_the_connection_goes_on(
    web: WebServer, desk: Desk, document: str, code: str
) -> None:
    async with socket(web, desk.tenant, desk.key) as client:
        await client.subscribe("1", document)
        answer = await client.receive()
        assert (answer["id"], answer["type"]) == ("1", "error")
        assert answer["payload"][0]["extensions"]["code"] == code, answer
        await client.subscribe("1", "{ me { name } }")
        assert (await client.receive())["type"] == "next"


async def past_changes(client: Socket) -> Json:
    """Return the next message that is not a tag of another test, sealed meanwhile."""
    answer = await client.receive()
    while answer["type"] == "next":
        answer = await client.receive()
    return answer


async def test_too_many_operations_of_a_connection_are_refused(web: WebServer, desk: Desk) -> None:
    async with socket(web, desk.tenant, desk.key) as client:
        for number in range(PER_CONNECTION_MAX + 1):
            await client.subscribe(str(number), TAGS)
        answer = await past_changes(client)
        assert (answer["id"], answer["type"]) == (str(PER_CONNECTION_MAX), "error")
        assert answer["payload"][0]["extensions"]["code"] == "limit"


async def test_too_many_subscriptions_of_a_key_are_refused(web: WebServer, desk: Desk) -> None:
    async with (
        socket(web, desk.tenant, desk.key) as one,
        socket(web, desk.tenant, desk.key) as two,
        socket(web, desk.tenant, desk.key) as three,
    ):
        for number in range(PER_PRINCIPAL_MAX // 2):
            await one.subscribe(str(number), TAGS)
            await two.subscribe(str(number), TAGS)
        for each in (one, two):  # all were heard
            await each.send(type="complete", id="none")
            await each.send(type="ping")
            assert await past_changes(each) == {"type": "pong"}
        # the server may still be at work on what it heard: until then there is room
        answer: Json = {}
        for number in range(PER_PRINCIPAL_MAX // 2 - 1):
            await three.subscribe(str(number), TAGS)
            await three.send(type="ping")
            answer = await past_changes(three)
            if answer["type"] == "error":
                break
        assert answer["payload"][0]["extensions"]["code"] == "limit", answer


async def test_message_longer_than_a_body_closes_1009(web: WebServer, desk: Desk) -> None:
    async with socket(web, desk.tenant, desk.key) as client:
        await client.send(type="ping", payload={"x": "x" * BODY_BYTES_MAX})
        assert (await client.closed())[0] == 1009


async def test_subscription_by_plain_post_is_refused_with_the_ways_that_work(
    web: WebServer, desk: Desk
) -> None:
    client = await web.client(desk.tenant, desk.key)
    answer = await client.answer(TAGS)
    assert "text/event-stream" in answer["errors"][0]["message"]
