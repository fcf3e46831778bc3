"""Roles: what each may do with which records. What no role allows is denied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hansa_sdk.predicates import Predicate

if TYPE_CHECKING:
    from hansa_sdk.entity import Entity


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a role: actions on an entity, on the rows that meet `when` (None: all rows).

    >>> from hansa_sdk.system import Team
    >>> allow(Team, "read").effect
    'allow'
    """

    entity: str
    actions: tuple[str, ...]
    when: Predicate | None
    effect: str


def allow(entity: type[Entity], *actions: str, when: Predicate | None = None) -> Rule:
    """Grant actions on an entity, on all rows or those that meet `when`.

    >>> from hansa_sdk.system import UserTeam
    >>> from hansa_sdk.predicates import CURRENT_USER
    >>> allow(UserTeam, "read", when=UserTeam.user == CURRENT_USER).actions
    ('read',)
    """
    return Rule(entity.__entity_name__, actions, when, "allow")


def deny(entity: type[Entity], *actions: str) -> Rule:
    """Refuse actions on an entity whatever other roles allow.

    >>> from hansa_sdk.system import Team
    >>> deny(Team, "delete").effect
    'deny'
    """
    return Rule(entity.__entity_name__, actions, None, "deny")


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of rules a plugin ships, plugin.name; users are given roles.

    >>> Role("crm.viewer", ()).name
    'crm.viewer'
    """

    name: str
    rules: tuple[Rule, ...]
    label: str = ""
