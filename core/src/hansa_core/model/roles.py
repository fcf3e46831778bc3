"""The names of the roles the kernel itself gives."""

from __future__ import annotations

from typing import Final

ADMINISTRATOR: Final = "system.administrator"
"""Holds every permission, expanded pair by pair."""

EVERYBODY: Final = "system.user"
"""The role of everyone who is signed in, by session or key."""

PERSON: Final = "system.person"
"""The role of a user as such: not of a key that was given only some of the user's roles."""
