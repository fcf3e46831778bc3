"""Whether a request that changes something comes from our own pages: the guard against CSRF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from hansa_sdk import Denied

_DEFAULT_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


def check_same_origin(headers: Mapping[str, str], scheme: str, host: str) -> None:
    """Raise Denied when a browser sent the request from another site's page.

    `headers` have lower-case names; `host` is the Host header with its port. A program that sends
    neither Origin nor Sec-Fetch-Site is no browser: nobody can make it send a cookie.
    """
    site = headers.get("sec-fetch-site")
    origin = headers.get("origin")
    foreign = site is not None and site not in ("same-origin", "none")
    if origin is not None:
        foreign = foreign or _place(origin) != _place(f"{scheme}://{host}")
    if foreign:
        raise Denied(
            "The request came from a page of another site.",
            next_step="Open Hansa's own page and do it there.",
        )


def _place(origin: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme]
