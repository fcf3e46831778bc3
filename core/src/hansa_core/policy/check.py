"""What is wrong with the roles plugins declare: every mistake at boot, none at a request."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hansa_core.model.meta import EntityMeta
from hansa_core.policy.rules import ADMINISTRATOR
from hansa_sdk import Plugin, Predicate, Problem, Role, Rule
from hansa_sdk.predicates import And, Compare, Not, Or, Path, Related

_ROLE_NAME: Final = re.compile(r"[a-z][a-z0-9]*\.[a-z][a-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Known:
    """What rules may speak of."""

    entities: Mapping[str, EntityMeta]
    permissions: Collection[tuple[str, str]]


def check_roles(
    plugins: Iterable[Plugin],
    entities: Mapping[str, EntityMeta],
    permissions: Collection[tuple[str, str]],
) -> list[Problem]:
    """Return every mistake in the plugins' roles: names, entities, actions, conditions."""
    known = _Known(entities, permissions)
    problems: list[Problem] = []
    owners: dict[str, str] = {}
    for plugin in plugins:
        for role in plugin.roles:
            problems += _check_name(plugin.name, role, owners.get(role.name))
            owners.setdefault(role.name, plugin.name)
            for rule in role.rules:
                problems += _check_rule(plugin.name, role, rule, known)
    return problems


def _check_name(plugin: str, role: Role, owner: str | None) -> Iterator[Problem]:
    where = f"role {role.name!r}"
    if not _ROLE_NAME.fullmatch(role.name) or role.name.partition(".")[0] != plugin:
        yield Problem(
            plugin,
            where,
            f"a name like {plugin}.manager",
            repr(role.name),
            "Begin it with the plugin's name; then lower-case letters, digits and _.",
        )
    if owner is not None:
        yield Problem(
            plugin, where, "a name of its own", f"the role of {owner}", "Choose another name."
        )
    if role.name == ADMINISTRATOR and role.rules:
        yield Problem(
            plugin,
            where,
            "no rules: it is given every permission there is",
            f"{len(role.rules)} of them",
            "Remove them, or put a deny into another role.",
        )


def _check_rule(plugin: str, role: Role, rule: Rule, known: _Known) -> Iterator[Problem]:
    where = f"role {role.name!r}, {rule.effect}({rule.entity or '?'})"
    if rule.entity not in known.entities:
        hint = _nearest(rule.entity, known.entities)
        yield Problem(plugin, where, "an entity of this plugin or one it requires", "none", hint)
        return
    if not rule.actions:
        yield Problem(plugin, where, "at least one action", "none", "Name what is meant.")
    actions = sorted(action for entity, action in known.permissions if entity == rule.entity)
    for action in rule.actions:
        if action not in actions:
            yield Problem(
                plugin,
                where,
                f"one of {', '.join(actions)}",
                repr(action),
                _nearest(action, actions),
            )
    if rule.when is None:
        return
    if rule.effect != "allow":
        yield Problem(
            plugin, where, "a deny of all rows", "a condition", "Put the condition on the allow."
        )
    for found in _wrong_paths(rule.when, rule.entity, known.entities):
        yield Problem(
            plugin, where, "a condition on its fields", found, "Start at the entity granted."
        )


def _wrong_paths(
    condition: Predicate, entity: str, entities: Mapping[str, EntityMeta]
) -> Iterator[str]:
    """Yield each path that leads nowhere, seen from `entity`."""
    if isinstance(condition, And | Or):
        for part in condition.parts:
            yield from _wrong_paths(part, entity, entities)
    elif isinstance(condition, Not):
        yield from _wrong_paths(condition.part, entity, entities)
    elif isinstance(condition, Compare):
        paths = [condition.path]
        if isinstance(condition.value, Path):
            paths.append(condition.value)
        yield from (str(path) for path in paths if not _leads(path, entity, entities))
    elif isinstance(condition, Related):
        target = _related(condition.path, entity, entities)
        if target is None:
            yield str(condition.path)
        else:
            yield from _wrong_paths(condition.part, target, entities)


def _leads(path: Path, entity: str, entities: Mapping[str, EntityMeta]) -> bool:
    """Tell whether `path` starts at `entity` and ends at a stored field."""
    holder = _holder(path, entity, entities)
    field = holder.fields.get(path.names[-1]) if holder is not None else None
    return field is not None and field.stored


def _related(path: Path, entity: str, entities: Mapping[str, EntityMeta]) -> str | None:
    """Return the entity of the to-many relation `path` ends at, None when there is none."""
    holder = _holder(path, entity, entities)
    relation = holder.relations.get(path.names[-1]) if holder is not None else None
    return relation.target if relation is not None else None


def _holder(path: Path, entity: str, entities: Mapping[str, EntityMeta]) -> EntityMeta | None:
    """Return the entity that has the last name of `path`, following its references."""
    if path.entity != entity or not path.names:
        return None
    meta = entities.get(entity)
    for name in path.names[:-1]:
        field = meta.fields.get(name) if meta is not None else None
        meta = entities.get(field.target) if field is not None and field.target else None
    return meta


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"Did you mean {near[0]!r}?" if near else "Check the spelling and `requires`."
