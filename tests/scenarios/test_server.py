"""The web server itself: its port, its end, and no delay that nobody asked for."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from hansa_core.listening import listen
from hansa_core.server import serve
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import open_server
from hansa_sdk import Misconfigured


def test_taken_port_is_told_with_the_next_step() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured, match=rf"Cannot listen on 127\.0\.0\.1:{port}.*--port"):
            listen("127.0.0.1", port)


def test_small_answers_are_sent_at_once() -> None:
    with listen("127.0.0.1", 0) as listening:
        # What asyncio looks at before it sets TCP_NODELAY: without, each answer waits 40 ms.
        assert listening.proto == socket.IPPROTO_TCP


async def test_health_is_told_while_serving_and_nothing_is_after(platform: Platform) -> None:
    async with open_server(platform.runtime) as server:
        place = f"http://127.0.0.1:{server.port}/health"
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(place)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(place)


async def test_cancelled_server_ends_its_sealer_and_leaves_signals_alone(
    platform: Platform,
) -> None:
    before = asyncio.all_tasks()
    listening, ready = listen("127.0.0.1", 0), asyncio.Event()

    async def tell() -> None:
        ready.set()

    serving = asyncio.create_task(serve(platform.runtime, listening, ready=tell, signals=False))
    await asyncio.wait_for(ready.wait(), 5)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert asyncio.all_tasks() <= before
    assert await platform.runtime.tenants() == []
