"""Checks of everything in a manifest that refers to entities: actions, roles, views, seeds."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from hansa_core.model.defaults import expected_in
from hansa_core.model.instances import values_of
from hansa_core.model.meta import EntityMeta
from hansa_core.model.paths import check_crossed, resolve
from hansa_core.model.roles import ADMINISTRATOR
from hansa_sdk import AnyColumn, Entity, Invalid, Plugin, Problem, Role
from hansa_sdk.predicates import Path
from hansa_sdk.views import BoardView, ListView

RESERVED_ACTIONS: Final = frozenset(
    {"create", "update", "delete", "archive", "restore", "upsert_many", "update_many"}
    | {"delete_many", "group", "changes"}
)
_ASYNC: Final = "Write `async def`."
_NOT_YET: Final = {
    "extensions": "extensions",
    "handlers": "event handlers",
    "machines": "state machines",
    "series": "number series",
    "invariants": "invariants",
    "jobs": "jobs",
    "routes": "routes",
    "commands": "commands",
}


def check_parts(
    plugin: Plugin,
    entities: Mapping[str, EntityMeta],
    permissions: frozenset[tuple[str, str]],
) -> Iterator[Problem]:
    """Yield the problems of one plugin's actions, roles, views, seeds and import maps."""
    yield from _not_yet(plugin)
    yield from _actions(plugin, entities)
    for role in plugin.roles:
        yield from _role(plugin, role, entities, permissions)
    yield from _views(plugin, entities)
    yield from _seeds(plugin, entities)


def _not_yet(plugin: Plugin) -> Iterator[Problem]:
    """Refuse what this kernel would silently not do."""
    for part, noun in _NOT_YET.items():
        count = len(getattr(plugin, part))
        if count:
            yield Problem(
                plugin.name,
                f"Plugin({part}=...)",
                f"no {noun}: this kernel does not run them yet",
                str(count),
                "Leave them out until a kernel that does.",
            )


def _actions(plugin: Plugin, entities: Mapping[str, EntityMeta]) -> Iterator[Problem]:
    functions = {f"action {action.name}": action.function for action in plugin.actions}
    functions |= {f"query {query.name}": query.function for query in plugin.queries}
    for where, function in functions.items():
        if not inspect.iscoroutinefunction(inspect.unwrap(function)):
            found = str(getattr(function, "__name__", function))
            yield Problem(plugin.name, where, "an async function", f"{found}, which is not", _ASYNC)
    for action in plugin.actions:
        where = f"action {action.name}"
        name = action.entity.__entity_name__
        if name not in entities:
            yield Problem(plugin.name, where, "an enabled entity", name, "Require its plugin.")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", action.name) or action.name in RESERVED_ACTIONS:
            yield Problem(
                plugin.name, where, "a name that is not reserved", action.name, "Rename it."
            )
        if not re.fullmatch(rf"{re.escape(name)}\.[a-z][a-z0-9_]*", action.permission):
            yield Problem(
                plugin.name, where, f"a permission {name}.<verb>", action.permission, "Rename it."
            )
    for query in plugin.queries:
        entity, _, verb = query.permission.rpartition(".")
        if entity not in entities or not verb:
            yield Problem(
                plugin.name,
                f"query {query.name}",
                "a permission <entity>.<verb> of an enabled entity",
                query.permission,
                "Correct permission=.",
            )


def _role(
    plugin: Plugin,
    role: Role,
    entities: Mapping[str, EntityMeta],
    permissions: frozenset[tuple[str, str]],
) -> Iterator[Problem]:
    where = f"role {role.name}"
    if role.name == ADMINISTRATOR and role.rules:
        yield Problem(
            plugin.name,
            where,
            "no rules: the kernel gives it every permission",
            f"{len(role.rules)} rules",
            "Leave them out.",
        )
    if not re.fullmatch(rf"{plugin.name}\.[a-z][a-z0-9_]*", role.name):
        yield Problem(plugin.name, where, f"a name {plugin.name}.<name>", role.name, "Rename it.")
    for rule in role.rules:
        if rule.entity not in entities:
            yield Problem(
                plugin.name, where, "an enabled entity", repr(rule.entity), "Require its plugin."
            )
            continue
        if not rule.actions:
            yield Problem(plugin.name, where, "actions in allow()", "none", "Name some.")
        for action in rule.actions:
            if (rule.entity, action) not in permissions:
                yield _unknown_action(plugin, where, rule.entity, action, permissions)
        if rule.when is not None and rule.effect != "allow":
            yield Problem(
                plugin.name, where, "deny() without when=", "a condition", "Deny all rows or none."
            )


def _unknown_action(
    plugin: Plugin, where: str, entity: str, action: str, permissions: frozenset[tuple[str, str]]
) -> Problem:
    known = sorted(verb for name, verb in permissions if name == entity)
    near = get_close_matches(action, known, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return Problem(
        plugin.name,
        f"{where}: allow({entity})",
        f"one of {', '.join(known)}",
        action,
        f"{hint}Correct it, or declare an action with that permission.",
    )


def _path(
    plugin: Plugin, where: str, path: Path, entities: Mapping[str, EntityMeta], entity: str
) -> Iterator[Problem]:
    if path.entity != entity:
        yield Problem(plugin.name, where, f"fields of {entity}", str(path), "Use its own fields.")
        return
    try:
        resolve(entities, entity, path.names)
        check_crossed(entities, path)
    except Invalid as error:
        yield Problem(plugin.name, where, "a field that exists", error.message, error.next_step)


def _views(plugin: Plugin, entities: Mapping[str, EntityMeta]) -> Iterator[Problem]:
    for view in plugin.views:
        name = view.entity.__entity_name__
        where = f"{type(view).__name__} of {name}"
        if name not in entities:
            yield Problem(plugin.name, where, "an enabled entity", name, "Require its plugin.")
            continue
        columns: tuple[AnyColumn, ...]
        if isinstance(view, BoardView):
            columns = (view.by, *view.card)
        else:
            columns = view.columns if isinstance(view, ListView) else view.fields
        order = view.order if isinstance(view, ListView) else ()
        for path in (*(column.path for column in columns), *(key.path for key in order)):
            yield from _path(plugin, where, path, entities, name)


def _seeds(plugin: Plugin, entities: Mapping[str, EntityMeta]) -> Iterator[Problem]:
    seen: set[str] = set()
    for seed in plugin.seeds:
        where = f"seed {seed.key}"
        name = type(seed.record).__entity_name__
        if name not in entities:
            yield Problem(plugin.name, where, "an enabled entity", name, "Require its plugin.")
        if not seed.key.startswith(f"{plugin.name}."):
            yield Problem(
                plugin.name, where, f"a key that begins with {plugin.name}.", seed.key, "Rename it."
            )
        if seed.key in seen:
            yield Problem(plugin.name, where, "a key used once", seed.key, "Rename one.")
        seen.add(seed.key)
        if name in entities:
            yield from _seed_values(plugin, where, entities[name], seed.record)
    for part in plugin.imports:
        name = part.entity.__entity_name__
        if name not in entities:
            yield Problem(
                plugin.name, f"ImportMap of {name}", "an enabled entity", name, "Correct it."
            )


def _seed_values(plugin: Plugin, where: str, meta: EntityMeta, record: Entity) -> Iterator[Problem]:
    for name, value in values_of(record).items():
        field = meta.fields.get(name)
        expected = expected_in(field, value) if field is not None and field.stored else ""
        if expected:
            found = f"{value!r:.80}"
            yield Problem(plugin.name, f"{where}: {name}", expected, found, "Correct the value.")
