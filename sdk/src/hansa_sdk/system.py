"""The kernel's own entities that plugins may refer to: who works here, and in what units."""

from __future__ import annotations

from decimal import Decimal

from hansa_sdk.entity import Entity
from hansa_sdk.fields import Field, Many, Ref, field, many, ref
from hansa_sdk.values import Email


class User(Entity, name="system.user", plural="users", label="User", subject="self"):
    """A person or program that may sign in.

    >>> User(email=Email("ada@example.org"), name="Ada").active
    True
    """

    email: Field[Email] = field(max_length=254, unique=True, search=True, personal=True)
    name: Field[str] = field(max_length=120, search=True, personal=True)
    active: Field[bool] = field(default=True, readonly=True)
    language: Field[str] = field(default="en", max_length=35)
    time_zone: Field[str] = field(default="UTC", max_length=64)
    teams: Many[UserTeam] = many("user", owned=True)


class Team(Entity, name="system.team", plural="teams", label="Team"):
    """People who share records; a team may belong to a larger one.

    >>> Team(name="Sales").name
    'Sales'
    """

    name: Field[str] = field(max_length=120, unique=True, search=True)
    parent: Ref[Team | None] = ref(default=None)
    members: Many[UserTeam] = many("team", owned=True)


class UserTeam(
    Entity,
    name="system.user_team",
    plural="userTeams",
    label="Team membership",
    unique=(("user", "team"),),
):
    """A user's membership in a team.

    >>> UserTeam.user.field_name
    'user'
    """

    user: Ref[User] = ref(on_delete="cascade")
    team: Ref[Team] = ref(on_delete="cascade")


class Unit(Entity, name="system.unit", plural="units", label="Unit of measure"):
    """A unit quantities are given in; `factor` converts to the dimension's base unit.

    >>> Unit(code="kg", name="Kilogram", dimension="mass", factor=Decimal(1)).code
    'kg'
    """

    code: Field[str] = field(max_length=16, unique=True)
    name: Field[str] = field(max_length=80, search=True)
    dimension: Field[str] = field(max_length=40, index=True)
    factor: Field[Decimal] = field()
