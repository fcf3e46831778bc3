"""The web server: a socket bound early, requests until a signal, what is under way finished."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final

import uvicorn

from hansa_core.app import create_app
from hansa_core.runtime import Runtime
from hansa_core.settings import Network
from hansa_sdk import Misconfigured

_CLOSING_SECONDS_MAX: Final = 5
_BACKLOG: Final = 2048
_CONNECTIONS_MAX: Final = 1000
"""More are answered 503 at once: each may hold a body half sent, and a file of the process."""
_IDLE_SECONDS_MAX: Final = 5
"""How long a connection is kept open between requests."""


def listen(host: str, port: int) -> socket.socket:
    """Bind before anything else starts; raises Misconfigured when the port is taken.

    Port 0 takes any free one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay of 40 ms off only where the protocol is said
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise Misconfigured(
            f"Cannot listen on {host}:{port}: {error.strerror}.",
            next_step="Stop what uses that port, or choose another with --port.",
        ) from error
    made.setblocking(False)
    return made


async def serve(
    runtime: Runtime,
    listening: socket.socket,
    *,
    ready: Callable[[], Awaitable[None]] | None = None,
    signals: bool = True,
    trusted_proxies: Sequence[Network] = (),
) -> None:
    """Serve on a socket from `listen` until SIGINT or SIGTERM; requests under way are finished.

    `ready` is awaited once requests are answered. Being cancelled ends the same way; with
    `signals` off it is the only end, for a program that has other things to do.

    From peers in `trusted_proxies` X-Forwarded-Proto and X-Forwarded-For tell how and by whom
    Hansa was reached, from others they mean nothing. The host is always that of the Host header.
    """
    host = str(listening.getsockname()[0])
    config = uvicorn.Config(
        create_app(runtime, bound_to=host),
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS_MAX,
        timeout_keep_alive=_IDLE_SECONDS_MAX,
        timeout_graceful_shutdown=_CLOSING_SECONDS_MAX,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=[name for network in trusted_proxies for name in _names(network)],
    )
    server = _Server(config, ready, signals=signals)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


def _names(network: Network) -> list[str]:
    """Return a network as its peers are named on a socket of either family."""
    if isinstance(network, ipaddress.IPv6Network):
        return [str(network)]
    mapped = f"::ffff:{network.network_address}/{96 + network.prefixlen}"
    return [str(network), mapped]


class _Server(uvicorn.Server):
    """uvicorn that says when it answers requests."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], Awaitable[None]] | None,
        *,
        signals: bool,
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._signals = signals

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave SIGINT and SIGTERM to the program where it wants them."""
        if self._signals:
            with super().capture_signals():
                yield
        else:
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self._ready is not None and self.started:
            await self._ready()
