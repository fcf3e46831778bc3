"""The names of the types a schema has for an entity, told without making one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hansa_core.graphql.api import Api, EntityApi
from hansa_core.model.meta import EntityMeta, FieldMeta, Kind, pascal
from hansa_core.model.shape import Shape
from hansa_core.query.groups import NUMBERS, RANGES

_ALWAYS: Final = (
    "",
    "Connection",
    "Edge",
    "Where",
    "Order",
    "OrderField",
    "Group",
    "GroupKeys",
    "GroupBy",
    "GroupOrder",
    "GroupOrderField",
    "Having",
    "Change",
)
_OF_NUMBERS: Final = ("Numbers", "SumHaving", "AvgHaving")
_OF_RANGES: Final = ("Range", "MinHaving", "MaxHaving")
_WRITTEN: Final = (
    "Payload",
    "CreateInput",
    "UpdateInput",
    "UpsertInput",
    "SetInput",
    "Key",
    "RowResult",
    "UpsertManyPayload",
    "ManyPayload",
)
_LINES: Final = ("NewLine", "NewLines", "LineInput", "LineUpdate", "Lines")
_RELATED: Final = "ManyWhere"
"""What filters of entities with a relation to this one use."""
_REFERRED: Final = "ReferenceInput"
"""What inputs of entities with a reference to this one use."""


def claimed(shape: Shape, meta: EntityMeta) -> list[str]:
    """Return the names of all types an entity may have, now or with other plugins enabled."""
    start = meta.type_name
    endings = (*_ALWAYS, *_OF_NUMBERS, *_OF_RANGES, *_WRITTEN, _RELATED, _REFERRED)
    names = [start + ending for ending in endings]
    for many in meta.relations.values():
        if many.owned:
            names += [start + pascal(many.name) + ending for ending in _LINES]
    names += [_of_action(meta, action.name) for action in shape.actions.get(meta.name, ())]
    for field in meta.fields.values():
        if field.enum is not None:
            name = start + pascal(field.name)
            names += [name, f"{name}Filter"]
    return names


@dataclass(frozen=True, slots=True)
class TypeNames:
    """What of other entities decides which types an entity has: who leads to it."""

    api: Api
    related: frozenset[str]
    referred: frozenset[str]

    @classmethod
    def of(cls, api: Api) -> TypeNames:
        """Index the relations and references of all entities."""
        entities = api.entities.values()
        return cls(
            api,
            frozenset(many.target for one in entities for many in one.relations.values()),
            frozenset(
                field.target
                for one in entities
                for field in one.inputs.values()
                if field.kind is Kind.REFERENCE and field.writable
            ),
        )

    def of_entity(self, one: EntityApi) -> Iterator[str]:
        """Yield the names of the types named after an entity that the schema has."""
        start, meta = one.meta.type_name, one.meta
        endings = [*_ALWAYS]
        endings += _OF_NUMBERS if _has(one, NUMBERS) else ()
        endings += _OF_RANGES if _has(one, RANGES) else ()
        endings += _WRITTEN if is_written(one) else ()
        endings += (_RELATED,) if meta.name in self.related else ()
        endings += (_REFERRED,) if meta.name in self.referred else ()
        for ending in endings:
            yield start + ending
        for many in one.lines.values() if is_written(one) else ():
            if many.owned and many.target in self.api.entities:
                for ending in _LINES:
                    yield start + pascal(many.name) + ending
        for action in self.api.shape.actions.get(meta.name, ()):
            yield _of_action(meta, action.name)
        for field in meta.fields.values():
            if field.kind is Kind.ENUM:
                yield from _of_enum(one, field)


def is_written(one: EntityApi) -> bool:
    """Tell whether people may write records of an entity at all."""
    return any(field.writable for field in one.meta.fields.values())


def _of_action(meta: EntityMeta, action: str) -> str:
    return f"{meta.type_name}{pascal(action)}Payload"


def _of_enum(one: EntityApi, field: FieldMeta) -> Iterator[str]:
    shown = field.api_name in one.fields
    if shown or field.writable:
        yield one.enum_name(field)
    if shown and field.in_sql:
        yield f"{one.enum_name(field)}Filter"


def _has(one: EntityApi, kinds: frozenset[Kind]) -> bool:
    return any(field.in_sql and field.kind in kinds for field in one.fields.values())
