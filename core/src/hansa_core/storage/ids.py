"""Identifiers of records and events: UUID version 7, which sort by the time they were made."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a new id; within one process each is greater than the one before."""
    return uuid7()
