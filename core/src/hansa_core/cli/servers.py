"""The server HANSA_DATABASE_URL names, reached even where its database is still to be made."""

from __future__ import annotations

from typing import Final

from hansa_core.tenants.owner import owner_engine, with_database
from hansa_sdk import Misconfigured

_MAINTENANCE: Final = "postgres"


def reachable(url: str) -> str:
    """Return the address of a database on the server of `url` that is there.

    Raises Misconfigured when the server cannot be reached or refuses the login.
    """
    try:
        with owner_engine(url):
            return url
    except Misconfigured:
        other = with_database(url, _MAINTENANCE)
        try:
            with owner_engine(other):
                return other
        except Misconfigured:
            pass
        raise
