"""Actions and queries: functions whose signature is a GraphQL field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from hansa_sdk.context import Context
    from hansa_sdk.entity import Entity

E = TypeVar("E", bound="Entity")
P = ParamSpec("P")
R = TypeVar("R")

PUBLIC: Final = "public"
"""The permission of what anybody may call, signed in or not.

>>> PUBLIC
'public'
"""


@dataclass(frozen=True, slots=True)
class Action(Generic[E, P, R]):
    """A named change of one record that a permission guards; call it like the function.

    >>> Action("win", object, "crm.deal.close", "Win", None).permission
    'crm.deal.close'
    """

    name: str
    entity: type[E]
    permission: str
    label: str
    function: Callable[Concatenate[Context, E, P], Awaitable[R]]

    def __call__(self, ctx: Context, record: E, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """Run the action's function inside the caller's transaction."""
        return self.function(ctx, record, *args, **kwargs)


def action(
    entity: type[E], *, permission: str, name: str | None = None, label: str | None = None
) -> Callable[[Callable[Concatenate[Context, E, P], Awaitable[R]]], Action[E, P, R]]:
    """Declare an action on records of `entity`; keyword arguments become GraphQL arguments.

    The default name is the function's without a trailing `_<noun>`; `permission` is
    plugin.noun.verb and is granted with `allow(Entity, verb)`.

    >>> from hansa_sdk.system import Team
    >>> @action(Team, permission="system.team.rename")
    ... async def rename_team(ctx: "Context", team: Team, *, name: str) -> Team:
    ...     team.name = name
    ...     return team
    >>> rename_team.name
    'rename'
    """

    def declare(
        function: Callable[Concatenate[Context, E, P], Awaitable[R]],
    ) -> Action[E, P, R]:
        noun = entity.__entity_name__.rpartition(".")[2]
        own = name or str(getattr(function, "__name__", "")).removesuffix(f"_{noun}")
        return Action(
            own, entity, permission, label or own.replace("_", " ").capitalize(), function
        )

    return declare


@dataclass(frozen=True, slots=True)
class Query(Generic[P, R]):
    """A hand-written read with typed results that a permission guards.

    >>> Query("totals", "crm.deal.read", "Totals", None).name
    'totals'
    """

    name: str
    permission: str
    label: str
    function: Callable[Concatenate[Any, P], Awaitable[R]]  # Any: Context, which imports this module


def query(
    *, permission: str, name: str | None = None, label: str | None = None
) -> Callable[[Callable[Concatenate[Context, P], Awaitable[R]]], Query[P, R]]:
    """Declare a read whose arguments and result dataclass become GraphQL.

    >>> @query(permission="system.user.read")
    ... async def head_count(ctx: "Context") -> int:
    ...     return 1
    >>> head_count.label
    'Head count'
    """

    def declare(function: Callable[Concatenate[Context, P], Awaitable[R]]) -> Query[P, R]:
        own = name or str(getattr(function, "__name__", ""))
        return Query(own, permission, label or own.replace("_", " ").capitalize(), function)

    return declare
