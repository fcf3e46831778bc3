"""A real web server on a loopback port in the test's own event loop, and a client of its API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, cast

import httpx

from hansa_core.graphql.subscriptions import Streams
from hansa_core.listening import listen
from hansa_core.runtime import Runtime
from hansa_core.server import serve
from hansa_core.storage.transaction import Tenant

_TIMEOUT_SECONDS: Final = 30.0

Json = Any  # decoded JSON: whatever the document asked for


class Client:
    """One person's or program's view of one tenant: documents in, answers out."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, document: str, /, **variables: object) -> httpx.Response:
        """Send a document as any client would and return the whole HTTP answer."""
        return await self.http.post("/graphql", json={"query": document, "variables": variables})

    async def ask(self, document: str, /, **variables: object) -> Json:
        """Return what a document answers under its only root field.

        Raises AssertionError where the answer says that something was refused.
        """
        answer = await self.answer(document, **variables)
        assert "errors" not in answer, f"{document} with {variables}: {answer['errors']}"
        return _only(answer["data"])

    async def change(self, document: str, /, **variables: object) -> Json:
        """Return the record a mutation wrote. Raises AssertionError where it was refused."""
        payload = await self.ask(document, **variables)
        assert payload["errors"] == [], f"{document} with {variables}: {payload['errors']}"
        return payload["record"]

    async def refusal(self, document: str, /, **variables: object) -> Json:
        """Return the one error of a refused mutation: of its payload, a row, or the answer.

        The code of the last is lifted out of `extensions`. Raises AssertionError where nothing
        was refused.
        """
        answer = await self.answer(document, **variables)
        errors = cast("list[dict[str, Json]]", answer.get("errors") or [])
        if not errors:
            payload = _only(answer["data"])
            errors = payload["errors"] or [e for row in payload["results"] for e in row["errors"]]
        assert len(errors) == 1, f"{document} with {variables}: {answer}"
        return {**errors[0].get("extensions", {}), **errors[0]}

    async def answer(self, document: str, /, **variables: object) -> dict[str, Json]:
        """Return the decoded answer, which must be of status 200."""
        response = await self.post(document, **variables)
        assert response.status_code == 200, f"{response.status_code}: {response.text}"
        return cast("dict[str, Json]", response.json())


class WebServer:
    """A running kernel behind HTTP; `port` is on 127.0.0.1."""

    def __init__(self, runtime: Runtime, port: int, stack: AsyncExitStack) -> None:
        self.runtime = runtime
        self.port = port
        self._stack = stack

    async def client(self, tenant: Tenant | str, key: str | None = None) -> Client:
        """Return a client that sends `Host: <slug>.localhost` and the key, closed at the end.

        No resolver is asked: the address is the server's, whatever the host name.
        """
        slug = tenant if isinstance(tenant, str) else tenant.slug
        headers = {"Host": f"{slug}.localhost:{self.port}"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers=headers,
            timeout=_TIMEOUT_SECONDS,
            limits=httpx.Limits(max_connections=None),
            trust_env=False,  # a proxy of the machine has no business here
        )
        return Client(await self._stack.enter_async_context(http))

    async def sign_in(self, tenant: Tenant | str, email: str, password: str) -> Client:
        """Return the client of a person who signed in; raises AssertionError where refused."""
        client = await self.client(tenant)
        answer = await client.http.post(
            "/auth/sign-in", json={"email": email, "password": password}
        )
        assert answer.json() == {"signedIn": True}, answer.text
        return client


@asynccontextmanager
async def open_server(
    runtime: Runtime, host: str = "127.0.0.1", *, streams: Streams | None = None
) -> AsyncGenerator[WebServer]:
    """Serve a kernel on a free port of `host`; yield once it answers, finish requests after.

    Bound to 0.0.0.0 it is reached on the loopback address too, by declared hosts only.
    """
    listening = listen(host, 0)
    ready = asyncio.Event()

    async def tell() -> None:
        ready.set()

    serving = asyncio.create_task(
        serve(runtime, listening, ready=tell, signals=False, streams=streams)
    )
    try:
        await _first(serving, ready)
        async with AsyncExitStack() as stack:
            yield WebServer(runtime, int(listening.getsockname()[1]), stack)
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        listening.close()


async def _first(serving: asyncio.Task[None], ready: asyncio.Event) -> None:
    """Wait until the server answers; raise what stopped it where it never does."""
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        waiting.cancel()
        serving.result()


def _only(data: Mapping[str, Json]) -> Json:
    values: Sequence[Json] = list(data.values())
    assert len(values) == 1, f"one root field, not {list(data)}"
    return values[0]
