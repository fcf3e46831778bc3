"""Values that a compiled plan takes from each request: variables, and who asks when.

A plan is compiled once for many requests. Where it only passes a value on, it keeps a `Late` in
its place, which carries the checks the value must pass; where its text depends on the value, it
pins it, and then holds for requests with that very value alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar, cast
from uuid import UUID

from hansa_core.query.cursor import CursorSealer
from hansa_sdk.predicates import And, Compare, Marker, Not, Or, Predicate, Related

T = TypeVar("T")

Step = str | int
Place = tuple[Step, ...]
"""Where a value stands in a request's variables: the variable's name, then keys and positions."""


_LISTS: Final = (list, tuple)


@dataclass(frozen=True, slots=True)
class Bindings:
    """What the markers of a predicate stand for in one request."""

    user_id: UUID | None
    teams: tuple[UUID, ...]
    now: datetime

    def resolve(self, value: object) -> object:
        """Return the value a marker stands for; any other value as it is."""
        if value is Marker.CURRENT_USER:
            return self.user_id
        if value is Marker.CURRENT_TEAMS:
            return self.teams
        return self.now if value is Marker.NOW else value


class MarkersLater:
    """Bindings of a plan for many callers: a marker stays, and each request says what it means."""

    def resolve(self, value: object) -> object:
        """Return a late value for a marker; any other value as it is."""
        if not isinstance(value, Marker):
            return value
        listed = value is Marker.CURRENT_TEAMS
        return Late((), value, {}, (list,) if listed else ())


@dataclass(frozen=True, slots=True)
class Request:
    """What a plan is run with: coerced variables, who asks, and what the markers stand for.

    `nonce` marks the places of an answer that Python fills; nobody can foresee it. `identity` is
    the key or user that cursors are bound to. `memo` keeps what is worked out once per request.
    """

    variables: Mapping[str, object]
    bindings: Bindings
    tenant: UUID
    identity: str
    cursors: CursorSealer
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    memo: dict[object, object] = field(default_factory=dict[object, object])


class Taken(Protocol):
    """A value that is known only with the request."""

    def take(self, request: Request) -> object:
        """Return the value of a request; raises what its checks raise."""
        ...


class Nonce:
    """The mark of the places that Python fills in an answer."""

    def take(self, request: Request) -> object:
        """Return the request's mark."""
        return request.nonce


@dataclass(frozen=True, slots=True, eq=False)
class Late:
    """A value that each request brings: the variable at `place`, or what a marker stands for.

    `sample` is the value of the request being planned after `steps`, which check and convert it.
    `pins` is where the plan notes the places it depends on: on the value (True), or on the length
    of a list (False).
    """

    place: Place
    sample: object
    pins: dict[Place, bool] = field(repr=False)
    steps: tuple[Callable[[Any], object], ...] = ()  # of whatever type the value has

    def then(self, step: Callable[[Any], object]) -> Late:  # Any: as above
        """Return the value after one more step; raises what the step raises for the sample."""
        if isinstance(self.sample, Marker):
            return replace(self, steps=(*self.steps, step))
        return replace(self, sample=step(self.sample), steps=(*self.steps, step))

    def items(self) -> list[Late]:
        """Return the values of a list, each late; the plan then is for lists of this length.

        Raises TypeError for what is no list, or was worked on already.
        """
        listed = _listed(self.sample)
        if listed is None or self.steps:
            raise TypeError("no list as it was given")
        self.pins[self.place] = self.pins.get(self.place, False)
        return [Late((*self.place, n), each, self.pins) for n, each in enumerate(listed)]

    def pin(self) -> object:
        """Return the value; the plan is then for requests with this one only."""
        self.pins[self.place] = True
        return self.sample

    def take(self, request: Request) -> object:
        """Return the value of a request; raises what a step raises for it."""
        if isinstance(self.sample, Marker):
            return self.meant(request.bindings)
        return self._stepped(read_place(request.variables, self.place))

    def meant(self, bindings: Bindings) -> object:
        """Return what a late marker stands for."""
        return self._stepped(bindings.resolve(self.sample))

    def _stepped(self, value: object) -> object:
        for step in self.steps:
            value = step(value)
        return value


def read_place(variables: Mapping[str, object], place: Place) -> object:
    """Return what stands at a place of the variables."""
    value: Any = variables  # coerced by graphql-core: of whatever shape its types allow
    for step in place:
        value = value[step]
    return cast(object, value)


def late(variables: Mapping[str, object], pins: dict[Place, bool]) -> dict[str, object]:
    """Return the variables with a `Late` for each value; null, true and false stay as they are.

    A list of plain values is one value; an empty list may be of any kind and stays as it is.
    """
    return {name: _late(value, (name,), pins) for name, value in variables.items()}


def _late(value: object, place: Place, pins: dict[Place, bool]) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value).items()
        return {key: _late(each, (*place, key), pins) for key, each in entries}
    listed = _structures(value)
    if listed is not None:
        return [_late(each, (*place, index), pins) for index, each in enumerate(listed)]
    return Late(place, value, pins)


def outline(value: object) -> object:
    """Return what of coerced variables decides the text of a plan: all but plain values."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, object]", value).items()
        return tuple((key, outline(each)) for key, each in entries)
    listed = _structures(value)
    return ... if listed is None else tuple(outline(each) for each in listed)


def _listed(value: object) -> Sequence[object] | None:
    return cast("Sequence[object]", value) if isinstance(value, _LISTS) else None


def _structures(value: object) -> Sequence[object] | None:
    """Return the entries of a list that holds more than plain values, or of an empty one."""
    listed = _listed(value)
    if listed and not any(isinstance(each, (Mapping, *_LISTS)) for each in listed):
        return None
    return listed


def later(value: object, step: Callable[[Any], T]) -> T:  # Any: a value of whatever type
    """Apply a step to a value, now or, to a late one, with each request."""
    return cast(T, value.then(step)) if isinstance(value, Late) else step(value)


def pinned(value: object) -> object:
    """Return a value the plan is going to depend on."""
    return value.pin() if isinstance(value, Late) else value


def resolved(value: object, request: Request) -> object:
    """Return a value, or a predicate, with this request's values in place of late ones."""
    match value:
        case Late():
            return value.take(request)
        case And(parts):
            return And(tuple(_part(part, request) for part in parts))
        case Or(parts):
            return Or(tuple(_part(part, request) for part in parts))
        case Not(part):
            return Not(_part(part, request))
        case Related(part=part):
            return replace(value, part=_part(part, request))
        case Compare():
            return replace(value, value=resolved(value.value, request))
        case tuple():
            return tuple(resolved(each, request) for each in cast("tuple[object, ...]", value))
        case _:
            return value


def _part(part: Predicate, request: Request) -> Predicate:
    return cast(Predicate, resolved(part, request))
