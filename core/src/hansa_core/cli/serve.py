"""`hansa serve`: answer requests until stopped."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from contextlib import closing

import typer

from hansa_core.cli.options import HostOption, PortOption
from hansa_core.cli.output import note, say
from hansa_core.cli.place import Place, open_place, open_runtime
from hansa_core.cli.running import PORT, end_orderly_on_terminate, run_forever
from hansa_core.listening import address_of, listen
from hansa_core.readiness import require_ready
from hansa_core.server import serve


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
        await require_ready(runtime, place.owner_url, await runtime.tenants())
        proxies = place.settings.trusted_proxies
        await serve(runtime, listening, ready=ready, trusted_proxies=proxies)
