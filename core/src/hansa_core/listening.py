"""The socket a server listens on, bound before anything else starts."""

from __future__ import annotations

import socket
from typing import Final

from hansa_sdk.errors import Misconfigured

_BACKLOG: Final = 2048


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


def address_of(listening: socket.socket) -> str:
    """Return where a browser finds what listens on the socket."""
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in str(host) else str(host)
    return f"http://{shown}:{port}"
