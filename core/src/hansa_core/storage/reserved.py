"""Words PostgreSQL reserved after SQLAlchemy's list was written, so that they are quoted."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import RESERVED_WORDS

_NEWER: Final = frozenset({"system_user"})
"""SYSTEM_USER is reserved from PostgreSQL 16 on; it is also the table of `system.user`."""


def quote_newer_words(dialect: sa.Dialect) -> None:
    """Make a dialect quote identifiers that newer servers reserve."""
    dialect.identifier_preparer.reserved_words = set(RESERVED_WORDS | _NEWER)
