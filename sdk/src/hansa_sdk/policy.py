"""Roles: what each may do with which records. What no role allows is denied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hansa_sdk.predicates import Predicate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hansa_sdk.columns import AnyColumn
    from hansa_sdk.entity import Entity


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a role: actions on an entity, on the rows that meet `when` (None: all rows).

    `hidden` are the fields that this line does not let read.

    >>> from hansa_sdk.system import Team
    >>> allow(Team, "read").effect
    'allow'
    """

    entity: str
    actions: tuple[str, ...]
    when: Predicate | None
    effect: str
    hidden: tuple[str, ...] = ()


def allow(
    entity: type[Entity],
    *actions: str,
    when: Predicate | None = None,
    hide: Sequence[AnyColumn] = (),
) -> Rule:
    """Grant actions on an entity, on all rows or those that meet `when`, without the fields `hide`.

    A field shows on a row where one and the same rule grants both: roles do not widen each other.
    A field that no rule of the caller shows does not exist for him.

    >>> from hansa_sdk.system import User, UserTeam
    >>> from hansa_sdk.predicates import CURRENT_USER
    >>> allow(UserTeam, "read", when=UserTeam.user == CURRENT_USER).actions
    ('read',)
    >>> allow(User, "read", hide=[User.email]).hidden
    ('email',)
    """
    name = entity.__entity_name__
    paths = [column.path for column in hide]
    # A column of another entity keeps its whole name, under which the rule is refused at boot.
    hidden = tuple(".".join(p.names) if p.entity == name else str(p) for p in paths)
    return Rule(name, actions, when, "allow", hidden)


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
