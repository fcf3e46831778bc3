"""How the database fails: broken rules of a statement, and a server that does not answer."""

from __future__ import annotations

from typing import Final

import asyncpg

UNIQUE: Final = "unique"
FOREIGN_KEY: Final = "foreign_key"
OTHER: Final = ""

FAILURES: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What a statement may fail with when server or connection are at fault."""


def refusal_kind(error: Exception) -> str:
    """Return UNIQUE or FOREIGN_KEY for those violations, else OTHER."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return UNIQUE
    if isinstance(error, (asyncpg.ForeignKeyViolationError, asyncpg.RestrictViolationError)):
        return FOREIGN_KEY
    return OTHER
