"""Roles of plugin `system`: the administrator, and what everybody who is signed in may do."""

from __future__ import annotations

from typing import Final

from hansa_sdk import CURRENT_USER, Role, Team, Unit, User, UserTeam, allow

ROLES: Final = (
    # No rules: the policy compiler gives it every permission there is, pair by pair.
    Role("system.administrator", (), label="Administrator"),
    Role(
        "system.user",
        (
            allow(User, "read"),
            allow(Team, "read"),
            allow(UserTeam, "read"),
            allow(Unit, "read"),
        ),
        label="Everybody who is signed in",
    ),
    Role(
        "system.person",
        (allow(User, "update", when=User.id == CURRENT_USER),),
        label="Users as such, by session or by a key of all their roles",
    ),
)
"""system.user and system.person are held without being assigned (auth/identify)."""
