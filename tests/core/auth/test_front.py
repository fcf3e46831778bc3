"""How a request reached us: hosts, proxies, and a database that does not answer."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, cast

import asyncpg
import httpx
import pytest
import sqlalchemy as sa

from hansa_core import server as server_module
from hansa_core.app import create_app
from hansa_core.listening import listen
from hansa_core.server import serve
from hansa_core.settings import Network
from hansa_core.storage.connections import Connections
from hansa_core.testing.waiting import eventually
from tests.core.auth.office import PASSWORD, Office

PUBLIC = "books.example.com"
BY_HTTPS = {"Host": PUBLIC, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
BY_HTTP = {"Host": PUBLIC, "X-Forwarded-Proto": "http"}


@asynccontextmanager
async def served(office: Office, *proxies: str) -> AsyncGenerator[httpx.AsyncClient]:
    """Serve on a loopback port; the client is a peer of address 127.0.0.1."""
    listening, ready = listen("127.0.0.1", 0), asyncio.Event()

    async def tell() -> None:
        ready.set()

    networks: list[Network] = [ipaddress.ip_network(name) for name in proxies]
    serving = asyncio.create_task(
        serve(office.runtime, listening, ready=tell, signals=False, trusted_proxies=networks)
    )
    try:
        async with asyncio.timeout(10):
            await ready.wait()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            yield client
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        listening.close()


@pytest.fixture
async def web(office: Office) -> AsyncGenerator[httpx.AsyncClient]:
    app = create_app(office.runtime, bound_to="127.0.0.1")
    # Any: httpx's type of an ASGI application is wider than Litestar's
    transport = httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def test_trusted_proxy_says_scheme_and_address(office: Office) -> None:
    _, email = await office.add_user(password=PASSWORD)
    values = {"email": email, "password": PASSWORD}
    async with served(office, "10.0.0.0/8", "127.0.0.0/8") as client:
        answer = await client.post("/auth/sign-in", json=values, headers=BY_HTTPS)
        assert answer.status_code == 200, answer.text
        assert answer.headers["set-cookie"].startswith("__Host-hansa=")
        plain = await client.post("/auth/sign-in", json=values, headers=BY_HTTP)
        assert plain.status_code == 400
    async with office.database.transaction(office.tenant, read_only=True) as session:
        addresses = await session.fetch(
            sa.text('SELECT address FROM "__tenant__".system_session ORDER BY created_at DESC')
        )
    assert "203.0.113.7" in {str(row["address"]) for row in addresses}


@pytest.mark.parametrize("proxies", [(), ("10.0.0.0/8",)])
async def test_stranger_cannot_say_how_he_came(office: Office, proxies: tuple[str, ...]) -> None:
    _, email = await office.add_user(password=PASSWORD)
    values = {"email": email, "password": PASSWORD}
    async with served(office, *proxies) as client:
        answer = await client.post("/auth/sign-in", json=values, headers=BY_HTTPS)
    assert answer.status_code == 400
    assert "https" in answer.json()["errors"][0]["message"]


async def test_host_is_never_taken_from_a_proxy(office: Office) -> None:
    async with served(office, "127.0.0.1") as client:
        headers = {"Host": "nowhere.localhost", "X-Forwarded-Host": "main.localhost"}
        answer = await client.post("/auth/sign-in", json={}, headers=headers)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"localhost:http",
        b"localhost:99999",
        b"[::1",
        b"[....]",
        b"[" * 8_000,
        b"a b",
        b"\xe9.example",
        b"x" * 70_000,
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/graphql"), ("GET", "/graphql"), ("POST", "/auth/sign-in"), ("GET", "/sign-in")],
)
async def test_malformed_host_is_refused(
    web: httpx.AsyncClient, host: bytes, method: str, path: str
) -> None:
    headers = [(b"host", host), (b"content-type", b"application/json")]
    answer = await web.request(method, path, headers=headers, content=b"{}")
    assert answer.status_code == 400, answer.text


async def test_health_tells_when_no_connection_is_free(
    office: Office, web: httpx.AsyncClient
) -> None:
    assert (await web.get("/health")).json() == {"status": "ok"}
    async with AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(office.database.connection())
        answer = await web.get("/health")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert (await web.get("/health")).status_code == 200


async def test_health_tells_when_the_database_is_away(
    office: Office, web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = await asyncpg.create_pool("postgresql://nobody@127.0.0.1:1/none", min_size=0)
    with monkeypatch.context() as patched:
        patched.setattr(office.database, "_connections", Connections(nowhere))
        answer = await web.get("/health")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json() == {"status": "no database: unavailable"}
    await nowhere.close()
    assert (await web.get("/health")).status_code == 200


async def test_connections_beyond_the_limit_are_refused_until_others_end(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_CONNECTIONS_MAX", 4)
    async with served(office) as client:
        opened = [
            await asyncio.open_connection(client.base_url.host, client.base_url.port)
            for _ in range(4)
        ]

        async def answers(status: int) -> bool:
            answer = await client.get("/sign-in", headers={"Connection": "close"})
            return answer.status_code == status

        await eventually(partial(answers, 503), what="the refusal")
        for _, writer in opened:
            writer.close()
            await writer.wait_closed()
        await eventually(partial(answers, 200), what="free connections")
