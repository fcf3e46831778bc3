"""The web server: requests until a signal, what is under way finished."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from hansa_core.app import create_app
from hansa_core.graphql.subscriptions import Streams
from hansa_core.graphql.wire import BODY_BYTES_MAX
from hansa_core.runtime import Runtime
from hansa_core.settings import Network

_CLOSING_SECONDS_MAX: Final = 5
_CONNECTIONS_MAX: Final = 1000
"""More are answered 503 at once: each may hold a body half sent, and a file of the process."""
UNREAD_SECONDS_MAX: Final = 20
_IDLE_SECONDS_MAX: Final = 20
"""How long a connection is kept open between requests: longer than clients keep theirs, most of
them 5 to 15 seconds. One that ends just as a request is sent fails it."""


async def serve(
    runtime: Runtime,
    listening: socket.socket,
    *,
    ready: Callable[[], Awaitable[None]] | None = None,
    signals: bool = True,
    trusted_proxies: Sequence[Network] = (),
    streams: Streams | None = None,
) -> None:
    """Serve on a listening socket until SIGINT or SIGTERM; requests under way are finished.

    `ready` is awaited once requests are answered. Being cancelled ends the same way; with
    `signals` off it is the only end, for a program that has other things to do.

    From peers in `trusted_proxies` X-Forwarded-Proto and X-Forwarded-For tell how and by whom
    Hansa was reached, from others they mean nothing. The host is always that of the Host header.
    """
    host = str(listening.getsockname()[0])
    streams = streams or Streams()
    config = uvicorn.Config(
        create_app(runtime, bound_to=host, streams=streams),
        http=_Http,
        ws=_WebSocket,
        ws_max_size=BODY_BYTES_MAX,
        ws_per_message_deflate=False,  # a window of each connection's own, for small messages
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS_MAX,
        timeout_keep_alive=_IDLE_SECONDS_MAX,
        timeout_graceful_shutdown=_CLOSING_SECONDS_MAX,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=[name for network in trusted_proxies for name in _names(network)],
    )
    server = _Server(config, ready, streams.closing, signals=signals)
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
        closing: asyncio.Event,
        *,
        signals: bool,
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._closing = closing
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what streams, which else has no end, then all else."""
        self._closing.set()
        await super().shutdown(sockets)


class _Patience(asyncio.Protocol):
    """Ends a connection whose peer takes not one byte for a while, whatever waits for it."""

    transport: asyncio.Transport
    _watching: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Begin to watch."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Watch no more."""
        super().resume_writing()
        self._unwatch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch no more."""
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        left = self.transport.get_write_buffer_size()
        loop = asyncio.get_running_loop()
        self._watching = loop.call_later(UNREAD_SECONDS_MAX, self._look, left)

    def _look(self, left: int) -> None:
        if self.transport.get_write_buffer_size() >= left:
            self.transport.abort()
        else:
            self._watch()

    def _unwatch(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None


class _Http(_Patience, HttpToolsProtocol):
    """HTTP/1.1."""


class _WebSocket(_Patience, WebSocketsSansIOProtocol):
    """WebSockets."""
