"""The Shape: everything compiled for one set of plugins, immutable, keyed by its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hansa_core.model.content import content_hash
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
    hashes = {name: meta.content for name, meta in entities.items()}
    return content_hash((plugins, hashes, more))
