"""Fresh databases on the server a test run uses, and their end."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from hansa_core.tenants.databases import drop_database, ensure_database
from hansa_core.tenants.installation import prepare_directory_in, write_mark
from hansa_core.tenants.owner import owner_engine

_MAKER: Final = "tests"


@contextmanager
def fresh_database(owner_url: str) -> Generator[str]:
    """Make an empty database on the server of `owner_url`; yield its address; drop it after.

    The roles of its tenants and its application login go with it.
    """
    name = f"hansa_test_{uuid.uuid4().hex[:12]}"
    url = ensure_database(owner_url, name)
    try:
        yield url
    finally:
        with owner_engine(url) as engine, engine.begin() as connection:
            prepare_directory_in(connection)
            write_mark(connection, "made_by", _MAKER)  # only what is marked may be dropped
        drop_database(owner_url, name, made_by=_MAKER)
