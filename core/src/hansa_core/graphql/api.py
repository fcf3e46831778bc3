"""The API's names: what each GraphQL name of an entity stands for in its metadata."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from hansa_core.model.meta import ORDERED_KINDS, EntityMeta, FieldMeta, Kind, ManyMeta, pascal
from hansa_core.model.shape import Shape

Hidden: TypeAlias = Collection[tuple[str, str]]
"""Fields and relations that somebody may read on no row: (entity, name)."""

FILTERED_KINDS: Final = frozenset(Kind) - {Kind.QUANTITY, Kind.TRANSLATED}
"""Kinds a list can be filtered by."""


@dataclass(frozen=True, slots=True)
class EntityApi:
    """One entity by its API names. `orders` are enum values and the paths they order by.

    `fields` and `relations` can be asked for; `inputs` and `lines` can be given.
    """

    meta: EntityMeta
    fields: Mapping[str, FieldMeta]
    relations: Mapping[str, ManyMeta]
    orders: Mapping[str, tuple[str, ...]]
    inputs: Mapping[str, FieldMeta]
    lines: Mapping[str, ManyMeta]

    @property
    def filters(self) -> tuple[FieldMeta, ...]:
        """The fields a list can be filtered by."""
        return tuple(f for f in self.fields.values() if f.in_sql and f.kind in FILTERED_KINDS)

    def enum_name(self, field: FieldMeta) -> str:
        """Return the name of the enum type of one of its fields: CrmDealStage."""
        return self.meta.type_name + pascal(field.name)


@dataclass(frozen=True, slots=True)
class Api:
    """All entities of a shape by their API names, keyed by entity name (crm.deal)."""

    shape: Shape
    entities: Mapping[str, EntityApi]
    hidden: Hidden

    @classmethod
    def of(cls, shape: Shape, hidden: Hidden = frozenset()) -> Api:
        """Index a shape's entities; what is `hidden` cannot be asked for."""
        entities = {name: _entity(shape, meta, hidden) for name, meta in shape.entities.items()}
        return cls(shape, entities, hidden)


def _entity(shape: Shape, meta: EntityMeta, hidden: Hidden) -> EntityApi:
    inputs = {f.api_name: f for f in meta.fields.values()}
    lines = {many.api_name: many for many in meta.relations.values()}
    orders = {
        name: path for name, path in _orders(shape, meta) if not _crosses(shape, meta, path, hidden)
    }
    return EntityApi(
        meta,
        {name: f for name, f in inputs.items() if (meta.name, f.name) not in hidden},
        {name: many for name, many in lines.items() if (meta.name, many.name) not in hidden},
        orders,
        inputs,
        lines,
    )


def _crosses(shape: Shape, meta: EntityMeta, path: tuple[str, ...], hidden: Hidden) -> bool:
    """Tell whether a path meets something hidden."""
    for name in path:
        if (meta.name, name) in hidden:
            return True
        target = meta.fields[name].target
        meta = shape.entities[target] if target in shape.entities else meta
    return False


def _orders(shape: Shape, meta: EntityMeta) -> list[tuple[str, tuple[str, ...]]]:
    """Own fields by their name, fields across one reference as reference_field."""
    own: list[tuple[str, tuple[str, ...]]] = [
        (f.api_name, (f.name,)) for f in meta.fields.values() if _ordered(f)
    ]
    across: list[tuple[str, tuple[str, ...]]] = [
        (f"{reference.api_name}_{f.api_name}", (reference.name, f.name))
        for reference in meta.fields.values()
        if reference.kind is Kind.REFERENCE and reference.target in shape.entities
        for f in shape.entities[reference.target].fields.values()
        if _ordered(f) and not f.system
    ]
    return own + across


def _ordered(field: FieldMeta) -> bool:
    return field.in_sql and field.kind in ORDERED_KINDS
