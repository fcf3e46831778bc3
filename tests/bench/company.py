"""The benchmark's company on a database of a test run, and requests into the server in process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import asyncpg

from hansa_core.app import create_app
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import Platform, installed_of, open_platform
from tests.bench.handwritten import Handwritten
from tests.bench.kit_data import BenchCaller, load, make_people
from tests.bench.kit_requests import PAGE_OF_CURSORS, QUERIES, Json, Known, variables
from tests.bench.plugin import plugin

Message: TypeAlias = Mapping[str, object]
Asgi: TypeAlias = Callable[
    [
        Mapping[str, object],
        Callable[[], Awaitable[Message]],
        Callable[[Message], Awaitable[None]],
    ],
    Awaitable[None],
]


@dataclass(frozen=True, slots=True)
class BenchCompany:
    """A company with the kit's tables, its caller, and the same reads written by hand."""

    platform: Platform
    tenant: Tenant
    caller: BenchCaller
    known: Known
    server: Asgi
    handwritten: Handwritten
    owner_url: str

    def request(self, workload: str, values: Sequence[Json]) -> bytes:
        """Return the body of a request to the server."""
        given = variables(workload, values, self.known)
        return json.dumps({"query": QUERIES[workload], "variables": given}).encode()

    async def post(self, body: bytes) -> bytes:
        """Send a request into the server as uvicorn would; return the answer's body."""
        sent: list[Message] = []

        unread = [body]

        async def receive() -> Message:
            if not unread:  # the client waits for its answer
                await asyncio.Event().wait()
            return {"type": "http.request", "body": unread.pop(), "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.server(self._scope(len(body)), receive, send)
        assert sent[0]["status"] == 200, sent
        return b"".join(cast(bytes, message.get("body", b"")) for message in sent[1:])

    async def ask(self, workload: str, values: Sequence[Json]) -> Json:
        """Return the data of an answer; raises AssertionError for one with errors."""
        return _data(await self.post(self.request(workload, values)))

    async def learn_cursors(self, until: int) -> None:
        """Fetch the cursors of the contacts up to `until`."""
        last = 0
        while last < until:
            given = {"after": self.known.cursors.get(last)}
            body = json.dumps({"query": PAGE_OF_CURSORS, "variables": given}).encode()
            last = self.known.note_cursors(_data(await self.post(body)))

    def _scope(self, length: int) -> Message:
        headers = {
            "host": "127.0.0.1:8000",
            "content-type": "application/json",
            "accept": "application/json",
            "content-length": str(length),
            "authorization": f"Bearer {self.caller.key}",
        }
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
            "state": {},
            "extensions": {},
        }


@asynccontextmanager
async def open_company(
    postgres_url: str, home: Path, script: Iterable[str]
) -> AsyncGenerator[BenchCompany]:
    """Make the company on a fresh database, with the rows of a COPY script of the kit's."""
    with fresh_database(postgres_url) as url:
        async with open_platform(url, home, installed_of([plugin])) as platform:
            tenant = await platform.tenant("bench", slug="main")
            caller = await make_people(platform, tenant)
            load(url, tenant, script)
            pool = asyncpg.create_pool(
                url,
                min_size=1,
                max_size=10,
                reset=_nothing,
                server_settings={"timezone": "UTC", "search_path": tenant.schema},
            )
            async with pool:
                yield BenchCompany(
                    platform,
                    tenant,
                    caller,
                    Known(str(caller.user_id)),
                    cast(Asgi, create_app(platform.runtime, bound_to="127.0.0.1")),
                    Handwritten(pool),
                    url,
                )


async def _nothing(_connection: object) -> None:
    """Save the round trip that a pool resets connections with: these hold no state."""


def _data(answer: bytes) -> Json:
    read = json.loads(answer)
    assert "errors" not in read, read["errors"]
    return read["data"]
