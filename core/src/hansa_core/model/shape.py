"""The Shape: everything compiled for one set of plugins, immutable, keyed by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, cast

import sqlalchemy as sa

from hansa_core.model.meta import EntityMeta
from hansa_sdk import (
    Action,
    Event,
    Handler,
    Plugin,
    Query,
    RecordHook,
    Role,
    Seed,
)


@dataclass(frozen=True, slots=True)
class HookTables:
    """Hooks compiled to tuples: per entity and change, and per question."""

    before: Mapping[tuple[str, str], tuple[RecordHook, ...]]
    answers: Mapping[str, tuple[Any, ...]]  # functions of any signature, typed by their HookSpec


@dataclass(frozen=True, slots=True)
class Shape:
    """The compiled platform of one set of enabled plugins.

    `key` is a hash of content (plugin versions and every declaration that storage, policy or the
    API depends on), so tenants with the same plugins share one. `permissions` are all
    (entity, action) pairs that exist: what is not among them is denied.
    """

    key: str
    plugins: Mapping[str, Plugin]
    entities: Mapping[str, EntityMeta]
    metadata: sa.MetaData
    tables: Mapping[str, sa.Table]
    actions: Mapping[str, tuple[Action[Any, ..., Any], ...]]  # by entity; any arguments, result
    queries: Mapping[str, Query[..., Any]]  # by permission-like name plugin.query
    events: Mapping[str, type[Event]]
    handlers: tuple[Handler[Any], ...]  # of any event
    roles: Mapping[str, Role]
    permissions: frozenset[tuple[str, str]]
    hooks: HookTables
    seeds: tuple[tuple[str, Seed], ...]
    imports: Mapping[str, Mapping[str, str]]
    views: Mapping[str, tuple[object, ...]]

    def entity(self, name: str) -> EntityMeta:
        """Return the metadata of `name`; raises KeyError for one that is not enabled."""
        return self.entities[name]

    def entity_of(self, cls: type[object]) -> EntityMeta:
        """Return the metadata of an entity class; raises KeyError for one not enabled."""
        return self.entities[str(getattr(cls, "__entity_name__", ""))]

    def table(self, name: str) -> sa.Table:
        """Return the Core table of the entity `name`."""
        return self.tables[name]


def content_key(
    plugins: Mapping[str, str], entities: Mapping[str, EntityMeta], more: object
) -> str:
    """Hash plugin versions and declarations to a key that is equal in every process."""
    content = {
        "plugins": dict(plugins),
        "entities": {name: plain(meta) for name, meta in entities.items()},
        "more": plain(more),
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def plain(value: object) -> object:
    """Turn declarations into plain data, functions and classes into their names."""
    if is_dataclass(value) and not isinstance(value, type):
        # The type's name too: And and Or have the same fields and mean different things.
        content = {f.name: plain(getattr(value, f.name)) for f in fields(value)}
        return {"": type(value).__name__, **content}
    if isinstance(value, Mapping):
        pairs = cast(Mapping[object, object], value).items()
        return {str(key): plain(item) for key, item in pairs}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, frozenset):
        return sorted(str(plain(item)) for item in cast("frozenset[object]", value))
    if callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', repr(value))}"
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)
