"""Events of plugin `system` that no record's change tells."""

from __future__ import annotations

from uuid import UUID

from hansa_sdk import Event


class PasswordSet(Event):
    """A user was given a new password; every session of his ended."""

    user_id: UUID
