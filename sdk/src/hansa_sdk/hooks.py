"""Questions with an answer now: hooks a plugin asks, answers, or that run before records change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeAlias, TypeVar

import pluggy

if TYPE_CHECKING:
    from hansa_sdk.context import Context
    from hansa_sdk.entity import Entity

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E", bound="Entity")
Change: TypeAlias = Literal["create", "update", "delete"]

hookspec_marker = pluggy.HookspecMarker("hansa")
hookimpl_marker = pluggy.HookimplMarker("hansa")


@dataclass(frozen=True, slots=True)
class HookSpec(Generic[P, R]):
    """A question other plugins may answer; called once per batch.

    >>> HookSpec("prices", None).name
    'prices'
    """

    name: str
    function: Callable[P, Awaitable[R]]


@dataclass(frozen=True, slots=True)
class HookImpl(Generic[P, R]):
    """One plugin's answer to a hook.

    >>> HookImpl(HookSpec("prices", None), None).spec.name
    'prices'
    """

    spec: HookSpec[P, R]
    function: Callable[P, Awaitable[R]]


def hookspec(function: Callable[P, Awaitable[R]]) -> HookSpec[P, R]:
    """Declare a question. Its docstring says when it is asked.

    >>> @hookspec
    ... async def sizes(names: Sequence[str]) -> list[int]:
    ...     '''Asked when sizes are shown.'''
    >>> sizes.name
    'sizes'
    """
    return HookSpec(str(getattr(function, "__name__", "hook")), function)


def hookimpl(
    spec: HookSpec[P, R],
) -> Callable[[Callable[P, Awaitable[R]]], HookImpl[P, R]]:
    """Declare an answer to `spec`, with the same parameters and result.

    >>> @hookspec
    ... async def sizes(names: Sequence[str]) -> list[int]: ...
    >>> @hookimpl(sizes)
    ... async def lengths(names: Sequence[str]) -> list[int]:
    ...     return [len(name) for name in names]
    >>> lengths.spec.name
    'sizes'
    """

    def declare(function: Callable[P, Awaitable[R]]) -> HookImpl[P, R]:
        return HookImpl(spec, function)

    return declare


@dataclass(frozen=True, slots=True)
class RecordHook:
    """A function called with a batch of records before they are written.

    >>> RecordHook(object, ("create",), None).changes
    ('create',)
    """

    entity: type[Any]  # any entity; its type is checked where `before` is applied
    changes: tuple[Change, ...]
    function: Callable[..., Awaitable[None]]


def before(
    entity: type[E], *changes: Change
) -> Callable[[Callable[[Context, Sequence[E]], Awaitable[None]]], RecordHook]:
    """Declare a function that may change or refuse records before they are written.

    Without `changes` it runs before create and update. A refusal names the record by its position
    in the batch: `raise Invalid(..., path=(position, "name"))`.

    >>> from hansa_sdk.system import Team
    >>> @before(Team, "create")
    ... async def trim(ctx: "Context", batch: Sequence[Team]) -> None:
    ...     for team in batch:
    ...         team.name = team.name.strip()
    >>> trim.changes
    ('create',)
    """

    def declare(function: Callable[[Context, Sequence[E]], Awaitable[None]]) -> RecordHook:
        return RecordHook(entity, changes or ("create", "update"), function)

    return declare
