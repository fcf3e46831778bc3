"""The manifest: one frozen value that says everything a plugin brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hansa_sdk.actions import Action, Query
from hansa_sdk.entity import Entity, Extension
from hansa_sdk.events import Event, Handler
from hansa_sdk.hooks import HookImpl, HookSpec, RecordHook
from hansa_sdk.policy import Role
from hansa_sdk.runtime import Command, Invariant, Job, Route
from hansa_sdk.seeds import ImportMap, Seed
from hansa_sdk.views import BoardView, FormView, ListView
from hansa_sdk.workflow import Series, StateMachine

__all__ = ("Plugin",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A plugin's table of contents. Importing it registers nothing.

    `name` has lower-case letters and digits only and prefixes every entity, permission and table;
    `requires` names other plugins, each optionally with a version range ("contacts>=0.1,<1");
    `sdk` is the range of hansa-sdk versions it works with; `migrations` the package of its Alembic
    scripts; `version` defaults to its distribution's.

    >>> Plugin(name="demo").label
    ''
    """

    name: str
    label: str = ""
    version: str = ""
    requires: tuple[str, ...] = ()
    sdk: str = ">=0.1,<1"
    migrations: str = ""
    entities: tuple[type[Entity], ...] = ()
    extensions: tuple[type[Extension[Any]], ...] = ()  # of any entity
    events: tuple[type[Event], ...] = ()
    actions: tuple[Action[Any, ..., Any], ...] = ()  # of any entity, arguments and result
    queries: tuple[Query[..., Any], ...] = ()  # of any arguments and result
    handlers: tuple[Handler[Any], ...] = ()  # of any event
    hook_specs: tuple[HookSpec[..., Any], ...] = ()  # of any arguments and result
    hooks: tuple[HookImpl[..., Any] | RecordHook, ...] = ()  # of any arguments and result
    roles: tuple[Role, ...] = ()
    views: tuple[ListView | FormView | BoardView, ...] = ()
    machines: tuple[StateMachine[Any], ...] = ()  # of any enum
    series: tuple[Series, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    jobs: tuple[Job, ...] = ()
    routes: tuple[Route, ...] = ()
    commands: tuple[Command, ...] = ()
    imports: tuple[ImportMap, ...] = ()
    seeds: tuple[Seed, ...] = ()
