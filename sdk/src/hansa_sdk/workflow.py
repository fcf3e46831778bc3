"""State machines and number series, as plugins declare them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from hansa_sdk.columns import AnyColumn, Column

if TYPE_CHECKING:
    pass

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Transition(Generic[S]):
    """An edge of a state machine: the action that moves a record from one of `sources` to `target`.

    >>> class Light(StrEnum):
    ...     ON = "on"
    ...     OFF = "off"
    >>> Transition("switch_off", (Light.ON,), Light.OFF).target.value
    'off'
    """

    action: str
    sources: tuple[S, ...]
    target: S


@dataclass(frozen=True, slots=True)
class StateMachine(Generic[S]):
    """The only ways a status field may change.

    >>> StateMachine(None, None, ()).transitions
    ()
    """

    field: Column[S]
    initial: S
    transitions: tuple[Transition[S], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers given to an entity's field at posting, without gaps unless `gaps` allows them.

    `template` holds {year} and {number}; `restart` says when counting begins anew.

    >>> Series("finance.invoice", None, "INV-{year}-{number:05}").restart
    'year'
    """

    name: str
    field: AnyColumn
    template: str
    restart: Literal["year", "never"] = "year"
    gaps: bool = False
