"""A reference followed to fields of another entity than the one it refers to."""

from __future__ import annotations

from hansa_sdk import Predicate, Team, Unit, User, UserTeam


def follow() -> list[Predicate]:
    return [
        UserTeam.user.to(User.name) == "Ada",
        UserTeam.user.to(Team.name) == "Ada",  # reject: r1 [arg-type, list-item, reportArgumentType]
        Team.parent.to(Unit.name).contains("x"),  # reject: r2 [arg-type, reportArgumentType]
        UserTeam.team.via(UserTeam.team).is_null(),  # reject: r3 [arg-type, reportArgumentType]
    ]
