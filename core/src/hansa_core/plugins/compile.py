"""SDK declarations to a Shape, or every mistake in them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from hansa_core.model.check_parts import check_parts
from hansa_core.model.entities import Entities, Known
from hansa_core.model.meta import EntityMeta
from hansa_core.model.shape import HookTables, Shape, content_key
from hansa_core.plugins.check_shape import check_shape
from hansa_core.plugins.hooks import compile_hooks
from hansa_core.plugins.manifest import without_strangers
from hansa_core.plugins.order import check_plugins, in_order, plugin_version
from hansa_core.storage.tables import Tables
from hansa_sdk import (
    Action,
    DeclarationErrors,
    Event,
    ImportMap,
    Plugin,
    Problem,
    Query,
    Role,
)

STANDARD_ACTIONS = ("read", "create", "update", "delete", "archive", "export", "import", "admin")


def compile_shape(plugins: Sequence[Plugin], compiled: Entities | None = None) -> Shape:
    """Compile enabled plugins to a Shape; `compiled` are the entities of shapes made before.

    Raises DeclarationErrors with every problem: missing or cyclic requirements, versions out of
    range, names outside a plugin's prefix, unknown types, fields, permissions and hooks.
    """
    problems: list[Problem] = []
    plugins = [without_strangers(plugin, problems) for plugin in plugins]
    mistaken = check_plugins(plugins)
    problems.extend(mistaken)
    if mistaken:  # no order to go on in
        raise DeclarationErrors(problems)
    ordered = in_order(plugins)
    entities = _entities(ordered, compiled or Entities(), problems)
    hooks = compile_hooks(ordered, problems)
    if problems:  # what follows would take a missing entity for further mistakes
        raise DeclarationErrors(problems)
    permissions = _permissions(ordered, entities)
    for plugin in ordered:
        problems.extend(check_parts(plugin, entities, permissions))
    problems.extend(_twice(ordered))
    shape = _shape(ordered, entities, permissions, hooks)
    problems.extend(check_shape(shape))
    if problems:
        raise DeclarationErrors(problems)
    return shape


def _entities(
    plugins: Sequence[Plugin], compiled: Entities, problems: list[Problem]
) -> dict[str, EntityMeta]:
    known = Known.of(plugins)
    entities: dict[str, EntityMeta] = {}
    for plugin in plugins:
        for cls in plugin.entities:
            if cls.__entity_name__ in entities:
                problems.append(
                    Problem(
                        plugin.name,
                        f"entity {cls.__entity_name__}",
                        "a name used once",
                        f"{cls.__name__} and {entities[cls.__entity_name__].cls.__name__}",
                        "Rename one of them.",
                    )
                )
                continue
            meta = compiled.compile(plugin, cls, known, problems)
            if meta is not None:
                entities[meta.name] = meta
    return entities


def _twice(plugins: Sequence[Plugin]) -> list[Problem]:
    """Find role names that two plugins (or one twice) declare."""
    owners: dict[str, str] = {}
    problems: list[Problem] = []
    for plugin in plugins:
        for role in plugin.roles:
            if role.name in owners:
                problems.append(
                    Problem(
                        plugin.name,
                        f"role {role.name}",
                        "a name used once",
                        f"one of {owners[role.name]} too",
                        "Rename it.",
                    )
                )
            owners[role.name] = plugin.name
    return problems


def _permissions(
    plugins: Sequence[Plugin], entities: Mapping[str, EntityMeta]
) -> frozenset[tuple[str, str]]:
    pairs = {(name, action) for name in entities for action in STANDARD_ACTIONS}
    for plugin in plugins:
        guarded = [action.permission for action in plugin.actions]
        guarded += [query.permission for query in plugin.queries]
        for permission in guarded:
            entity, _, verb = permission.rpartition(".")
            pairs.add((entity, verb))
    return frozenset(pairs)


def _shape(
    plugins: Sequence[Plugin],
    entities: Mapping[str, EntityMeta],
    permissions: frozenset[tuple[str, str]],
    hooks: HookTables,
) -> Shape:
    actions: dict[str, list[Action[Any, ..., Any]]] = defaultdict(list)  # of any signature
    for plugin in plugins:
        for action in plugin.actions:
            actions[action.entity.__entity_name__].append(action)
    queries: dict[str, Query[..., Any]] = {  # of any arguments and result
        f"{plugin.name}.{query.name}": query for plugin in plugins for query in plugin.queries
    }
    events: dict[str, type[Event]] = {
        f"{plugin.name}.{event.__event_name__}": event
        for plugin in plugins
        for event in plugin.events
    }
    views: dict[str, list[object]] = defaultdict(list)
    for plugin in plugins:
        for view in plugin.views:
            views[view.entity.__entity_name__].append(view)
    roles: dict[str, Role] = {role.name: role for plugin in plugins for role in plugin.roles}
    versions = {plugin.name: plugin_version(plugin) for plugin in plugins}
    return Shape(
        key=content_key(versions, entities, (roles, sorted(permissions), actions, queries, views)),
        plugins={plugin.name: plugin for plugin in plugins},
        entities=entities,
        tables=Tables(entities),
        actions={name: tuple(listed) for name, listed in actions.items()},
        queries=queries,
        events=events,
        handlers=tuple(handler for plugin in plugins for handler in plugin.handlers),
        roles=roles,
        permissions=permissions,
        hooks=hooks,
        seeds=tuple((plugin.name, seed) for plugin in plugins for seed in plugin.seeds),
        imports=_imports([part for plugin in plugins for part in plugin.imports]),
        views={name: tuple(listed) for name, listed in views.items()},
    )


def _imports(maps: Sequence[ImportMap]) -> dict[str, Mapping[str, str]]:
    merged: dict[str, dict[str, str]] = defaultdict(dict)
    for part in maps:
        merged[part.entity.__entity_name__].update(part.columns)
    return dict(merged)
