"""Conditions over an entity's fields as values: one tree for policies, filters and views.

The kernel turns a predicate into SQL or evaluates it on a record; both agree (three-valued logic).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NoReturn, TypeAlias

Operator: TypeAlias = Literal[
    "eq", "ne", "lt", "le", "gt", "ge", "in", "contains", "starts_with", "ends_with", "is_null"
]
Quantifier: TypeAlias = Literal["some", "none", "every"]


class Marker(StrEnum):
    """A value known only when a request runs.

    >>> Marker.CURRENT_USER.value
    '$current_user'
    """

    CURRENT_USER = "$current_user"
    CURRENT_TEAMS = "$current_teams"
    NOW = "$now"


class Predicate:
    """Base of all conditions; combine with &, | and ~, never with `and`, `or`, `not`.

    >>> bool(Everything())
    Traceback (most recent call last):
    TypeError: a Predicate has no truth of its own; combine with &, | and ~
    """

    __slots__ = ()

    def __and__(self, other: Predicate) -> Predicate:
        return And((self, other))

    def __or__(self, other: Predicate) -> Predicate:
        return Or((self, other))

    def __invert__(self) -> Predicate:
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise TypeError("a Predicate has no truth of its own; combine with &, | and ~")


@dataclass(frozen=True, slots=True)
class Path:
    """Names from an entity to a field, across to-one references: ("company", "name").

    `crossed` names the entities whose fields were meant behind each reference, where that is known.

    >>> str(Path("crm.deal", ("party", "name")))
    'crm.deal.party.name'
    """

    entity: str
    names: tuple[str, ...]
    crossed: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return ".".join((self.entity, *self.names))


@dataclass(frozen=True, slots=True)
class Compare(Predicate):
    """`path operator value`; `value` is a plain value, a Marker, a Path or, for `in`, a tuple.

    Text operators ignore case unless `exact_case`.

    >>> Compare(Path("a.b", ("name",)), "eq", "x").operator
    'eq'
    """

    path: Path
    operator: Operator
    value: object
    exact_case: bool = True


@dataclass(frozen=True, slots=True)
class And(Predicate):
    """All of `parts`; true when there are none.

    >>> len(And((Everything(), Everything())).parts)
    2
    """

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Or(Predicate):
    """Any of `parts`; false when there are none.

    >>> len(Or(()).parts)
    0
    """

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Not(Predicate):
    """The opposite of `part`; unknown stays unknown.

    >>> Not(Everything()).part == Everything()
    True
    """

    part: Predicate


@dataclass(frozen=True, slots=True)
class Everything(Predicate):
    """Always true.

    >>> Everything() == Everything()
    True
    """


@dataclass(frozen=True, slots=True)
class Related(Predicate):
    """A condition on the records of a to-many relation: some, none or every one of them.

    Archived records are not among them, as they are not in the lists of the relation;
    `with_archived` counts them too.

    >>> Related(Path("crm.deal", ("lines",)), "some", Everything()).quantifier
    'some'
    """

    path: Path
    quantifier: Quantifier
    part: Predicate
    with_archived: bool = False


def all_of(parts: Sequence[Predicate]) -> Predicate:
    """Join conditions by `and`, without a needless level.

    >>> all_of([Everything()])
    Everything()
    """
    if len(parts) == 1:
        return parts[0]
    return And(tuple(parts)) if parts else Everything()


CURRENT_USER = Marker.CURRENT_USER
"""The caller's own id, in the predicates of roles and views.

>>> from hansa_sdk.system import UserTeam
>>> (UserTeam.user == CURRENT_USER).value
<Marker.CURRENT_USER: '$current_user'>
"""

CURRENT_TEAMS = Marker.CURRENT_TEAMS
"""The ids of the caller's teams and the teams below them.

>>> from hansa_sdk.system import UserTeam
>>> UserTeam.team.one_of(CURRENT_TEAMS).operator
'in'
"""

NOW = Marker.NOW
"""The instant the request began.

>>> from hansa_sdk.system import User
>>> (User.created_at < NOW).operator
'lt'
"""
