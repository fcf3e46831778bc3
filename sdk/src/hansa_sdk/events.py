"""Facts after commit: what happened, as plugins declare, emit and handle it."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeAlias, TypeVar, overload

from typing_extensions import dataclass_transform

if TYPE_CHECKING:
    from hansa_sdk.context import Context


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Event:
    """Base of a plugin's events; subclasses are frozen dataclasses named in the past tense.

    Values are those of fields: str, int, bool, Decimal, Money, UUID, dates, enums.

    >>> class Greeted(Event):
    ...     name: str
    >>> Greeted(name="Ada").name
    'Ada'
    """

    __event_name__: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        cls.__event_name__ = cls.__name__


Ev = TypeVar("Ev", bound=Event)
Single: TypeAlias = "Callable[[Context, Ev], Awaitable[None]]"
Batch: TypeAlias = "Callable[[Context, Sequence[Ev]], Awaitable[None]]"


@dataclass(frozen=True, slots=True)
class Handler(Generic[Ev]):
    """A function called with sealed events of one type, `batch` of them at a time (0: one).

    >>> Handler("h", Event, None, None, 0).batch
    0
    """

    name: str
    event: type[Ev]
    single: Single[Ev] | None
    many: Batch[Ev] | None
    batch: int


@overload
def on(event: type[Ev]) -> Callable[[Single[Ev]], Handler[Ev]]: ...
@overload
def on(event: type[Ev], *, batch: int) -> Callable[[Batch[Ev]], Handler[Ev]]: ...
def on(
    event: type[Ev], *, batch: int = 0
) -> Callable[[Single[Ev]], Handler[Ev]] | Callable[[Batch[Ev]], Handler[Ev]]:
    """Declare a handler of sealed events; with `batch` it gets a list of at most so many.

    >>> class Waved(Event):
    ...     name: str
    >>> @on(Waved)
    ... async def wave_back(ctx: "Context", event: Waved) -> None: ...
    >>> wave_back.event.__name__
    'Waved'
    """

    def declare_single(function: Single[Ev]) -> Handler[Ev]:
        return Handler(_name_of(function), event, function, None, 0)

    def declare_batch(function: Batch[Ev]) -> Handler[Ev]:
        return Handler(_name_of(function), event, None, function, batch)

    return declare_batch if batch else declare_single


def _name_of(function: Callable[..., object]) -> str:
    return str(getattr(function, "__name__", "handler"))
