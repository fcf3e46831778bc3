"""Who loses the right to listen hears nothing more within a second, and why."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from hansa_core.auth.passwords import Passwords
from hansa_core.records.unit import UnitOfWork
from hansa_core.storage.transaction import Tenant
from hansa_core.system import accounts
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Client, WebServer
from hansa_core.testing.waiting import eventually
from hansa_sdk import User
from tests.core.live.sockets import Socket, socket

DEALS = "subscription { crmDealChanges { cursor kind id } }"
Work = Callable[[UnitOfWork], Awaitable[object]]


@pytest.fixture(scope="module")
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant("crm")


@asynccontextmanager
async def listening(web: WebServer, tenant: Tenant, key: str) -> AsyncGenerator[Socket]:
    async with socket(web, tenant, key) as client:
        await client.subscribe("1", DEALS)
        await client.send(type="ping")
        assert await client.receive() == {"type": "pong"}
        yield client


async def closed_in_time(client: Socket) -> tuple[int, str]:
    started = time.monotonic()
    closed = await client.closed()
    assert time.monotonic() - started < 1
    return closed


async def test_revoked_key_closes_4401(platform: Platform, web: WebServer, tenant: Tenant) -> None:
    user = await platform.user(tenant, "crm.sales_manager")
    key = await platform.key(user)
    async with listening(web, tenant, key) as client:
        key_id = (await platform.caller(tenant, key)).principal.key_id
        assert key_id is not None
        revoked = key_id
        await _write(platform, tenant, lambda unit: accounts.revoke_key(unit, revoked))
        code, reason = await closed_in_time(client)
    assert (code, reason[:34]) == (4401, "Unauthorized: You are not signed i")


async def test_deactivated_user_closes_4401(
    platform: Platform, web: WebServer, tenant: Tenant
) -> None:
    user = await platform.user(tenant, "crm.sales_manager")
    user_id = _id(user.principal.user_id)

    async def deactivate(unit: UnitOfWork) -> None:
        found = await unit.get(User, user_id)
        found.active = False
        await unit.save(found)

    async with listening(web, tenant, await platform.key(user)) as client:
        await _write(platform, tenant, deactivate)
        assert (await closed_in_time(client))[0] == 4401


async def test_withdrawn_role_closes_4403_though_another_still_lets_read(
    platform: Platform, web: WebServer, tenant: Tenant
) -> None:
    user = await platform.user(tenant, "crm.sales_manager", "crm.viewer")
    user_id = _id(user.principal.user_id)
    async with listening(web, tenant, await platform.key(user)) as client:
        await _write(
            platform,
            tenant,
            lambda unit: accounts.withdraw_role(unit, user_id, "crm.sales_manager"),
        )
        code, reason = await closed_in_time(client)
    assert (code, reason[:28]) == (4403, "Forbidden: A role you had wa")


async def test_session_that_signs_out_closes_4401(
    platform: Platform, web: WebServer, tenant: Tenant
) -> None:
    person, cookie = await _signed_in(platform, web, tenant)
    headers = {"Cookie": cookie, "Origin": f"http://{tenant.slug}.localhost:{web.port}"}
    async with socket(web, tenant, headers=headers) as client:
        await client.begin()
        await client.subscribe("1", DEALS)
        assert (await person.http.post("/auth/sign-out")).status_code == 204
        assert (await closed_in_time(client))[0] == 4401


async def test_cookie_from_another_sites_page_closes_4403(
    platform: Platform, web: WebServer, tenant: Tenant
) -> None:
    _, cookie = await _signed_in(platform, web, tenant)
    headers = {"Cookie": cookie, "Origin": "http://elsewhere.example"}
    async with socket(web, tenant, headers=headers) as client:
        await client.send(type="connection_init")
        assert (await client.closed())[0] == 4403


async def test_stream_of_events_ends_with_the_cursor_to_go_on_with(
    platform: Platform, web: WebServer, tenant: Tenant
) -> None:
    user = await platform.user(tenant, "crm.sales_manager")
    key = await platform.key(user)
    client = await web.client(tenant, key)
    request = client.http.stream(
        "POST", "/graphql", json={"query": DEALS}, headers={"Accept": "text/event-stream"}
    )
    async with request as response:
        lines = response.aiter_lines()
        assert await anext(lines) == ":"
        user_id = _id(user.principal.user_id)
        started = time.monotonic()
        await _write(
            platform,
            tenant,
            lambda unit: accounts.withdraw_role(unit, user_id, "crm.sales_manager"),
        )
        rest = [line async for line in lines if line]
        assert time.monotonic() - started < 1
    assert rest[0] == "event: next"
    assert '"code":"denied","since":"' in rest[1]
    assert rest[2:] == ["event: complete", "data:"]


async def test_nobody_polls_once_nobody_listens(platform: Platform, web: WebServer) -> None:
    tenant = await platform.tenant("crm")
    key = await platform.key(await platform.user(tenant, "crm.sales_manager"))
    feeds = platform.runtime.feeds
    before = len(feeds)
    async with (
        listening(web, tenant, key),
        listening(web, tenant, key),
    ):
        assert len(feeds) == before + 1

    async def nobody_polls() -> bool:
        return len(feeds) == before

    await eventually(nobody_polls)


async def _write(platform: Platform, tenant: Tenant, work: Work) -> None:
    await platform.runtime.write(await platform.system(tenant), work)


async def _signed_in(platform: Platform, web: WebServer, tenant: Tenant) -> tuple[Client, str]:
    email, password = f"{uuid4().hex[:12]}@test.example", "correct horse battery"
    hashed = await Passwords(memory_kib=64, passes=1).hash(password)

    async def make(unit: UnitOfWork) -> None:
        await accounts.create_user(
            unit, email=email, name="Ada", password_hash=hashed, roles=["crm.sales_manager"]
        )

    await _write(platform, tenant, make)
    person = await web.sign_in(tenant, email, password)
    ((name, value),) = person.http.cookies.items()
    return person, f"{name}={value}"


def _id(id: UUID | None) -> UUID:
    assert id is not None
    return id
