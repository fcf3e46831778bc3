"""Which rule of the database a failed statement broke."""

from __future__ import annotations

from typing import Final

import asyncpg

UNIQUE: Final = "unique"
FOREIGN_KEY: Final = "foreign_key"
OTHER: Final = ""


def refusal_kind(error: Exception) -> str:
    """Return UNIQUE or FOREIGN_KEY for those violations, else OTHER."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return UNIQUE
    if isinstance(error, (asyncpg.ForeignKeyViolationError, asyncpg.RestrictViolationError)):
        return FOREIGN_KEY
    return OTHER
