"""`hansa serve`: answer requests until stopped."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import closing
from types import FrameType
from typing import Any, Final

import typer

from hansa_core.cli.options import HostOption, PortOption
from hansa_core.cli.output import note, say
from hansa_core.cli.place import Place, open_place, open_runtime
from hansa_core.server import listen, serve

PORT: Final = 8000
_TERMINATED: Final = 128 + signal.SIGTERM


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("serve")(run_server)


def run_server(host: HostOption = "127.0.0.1", port: PortOption = PORT) -> None:
    """Answer requests until Ctrl-C."""
    end_orderly_on_terminate()
    with closing(listen(host, port)) as listening, open_place() as place:
        run_forever(_serve(place, listening))


async def _serve(place: Place, listening: socket.socket) -> None:
    async def ready() -> None:
        say(f"Hansa answers at {address_of(listening)}")
        note("Stop it with Ctrl-C.")

    await serve_place(place, listening, ready)


async def serve_place(
    place: Place, listening: socket.socket, ready: Callable[[], Awaitable[None]]
) -> None:
    """Serve a place on a socket until told to stop."""
    async with open_runtime(place) as runtime:
        proxies = place.settings.trusted_proxies
        await serve(runtime, listening, ready=ready, trusted_proxies=proxies)


def address_of(listening: socket.socket) -> str:
    """Return where a browser finds what listens on the socket."""
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in str(host) else str(host)
    return f"http://{shown}:{port}"


def run_forever(
    work: Coroutine[Any, Any, None],
) -> None:  # Any: what a coroutine yields and is sent
    """Run a server on the fastest event loop there is here."""
    if sys.platform == "win32":
        asyncio.run(work)
    else:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)


def end_orderly_on_terminate() -> None:
    """Let SIGTERM unwind the program: servers are stopped and locks released."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(_TERMINATED)

    signal.signal(signal.SIGTERM, end)
