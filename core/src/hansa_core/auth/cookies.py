"""The session cookie: its name and flags by how the browser reaches us."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final

from hansa_core.auth.sessions import LIFETIME
from hansa_sdk import Misconfigured

SECURE_NAME: Final = "__Host-hansa"
LOCAL_NAME: Final = "hansa_session"
"""On plain http, which is for this machine only: browsers refuse `__Host-` there."""


def cookie_name(scheme: str, host: str) -> str:
    """Return the cookie's name; raises Misconfigured on plain http from another machine."""
    if scheme == "https":
        return SECURE_NAME
    if is_local(host):
        return LOCAL_NAME
    raise Misconfigured(
        f"Signing in needs https; {host} was reached by {scheme}.",
        next_step="Put a proxy with a certificate before Hansa and name it in "
        "HANSA_TRUSTED_PROXIES.",
    )


def session_token(cookies: Mapping[str, str], scheme: str, host: str) -> str | None:
    """Return the session token a browser sent, if any."""
    if scheme == "https":
        return cookies.get(SECURE_NAME)
    return cookies.get(LOCAL_NAME) if is_local(host) else None


def set_cookie(scheme: str, host: str, token: str) -> str:
    """Return the Set-Cookie header that keeps a session; an empty token ends it.

    Raises Misconfigured on plain http from another machine.
    """
    age = int(LIFETIME.total_seconds()) if token else 0
    secure = "; Secure" if scheme == "https" else ""
    name = cookie_name(scheme, host)
    return f"{name}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"


def is_local(host: str) -> bool:
    """Tell whether a host name (without port) can only mean this very machine."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
