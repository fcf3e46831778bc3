"""Finding a type by name in a schema that makes its types when they are asked for.

A type is found by following the fields that lead to it, so that what nothing leads to is not
there. Types named after an entity are looked for below that entity's own root fields.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Final

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLType,
    get_named_type,
)

from hansa_core.graphql.api import EntityApi
from hansa_core.graphql.root_fields import RootFields
from hansa_core.graphql.type_names import TypeNames

_LEADING: Final = ("", "Connection", "Where", "ManyWhere")
"""The types of an entity that lead to all of it: they are not entered from elsewhere."""


class NamedTypes:
    """The types of one schema by name."""

    def __init__(self, fields: RootFields) -> None:
        self._fields = fields
        self._api = fields.api
        self._names = TypeNames.of(fields.api)
        self._entities = {one.meta.type_name: one for one in self._api.entities.values()}
        self._longest = max(map(len, self._entities), default=0)
        self._found: dict[str, GraphQLNamedType] = {
            each.name: each for each in fields.roots if each is not None
        }
        self._entered: set[tuple[str, str]] = set()
        self._looking = threading.Lock()

    def get(self, name: str) -> GraphQLNamedType | None:
        """Return the type of a name; None where none of the schema's fields leads to one."""
        found = self._found.get(name)
        if found is not None:
            return found
        with self._looking:
            for type_, one in self._leading_to(name):
                self._enter(type_, one)
                if name in self._found:
                    return self._found[name]
        return None

    def names(self) -> frozenset[str]:
        """Return the names of all types, making only those of no entity."""
        owned = {name for one in self._api.entities.values() for name in self._names.of_entity(one)}
        with self._looking:
            for type_, one in self._of_no_entity():
                self._enter(type_, one)
            return frozenset(owned | self._found.keys())

    def implementing(self, interface: GraphQLInterfaceType) -> list[GraphQLObjectType]:
        """Return the record types: all of them are nodes."""
        records = map(self._fields.outputs.record, self._api.entities)
        return [each for each in records if interface in each.interfaces]

    def _leading_to(self, name: str) -> Iterator[tuple[GraphQLType, EntityApi | None]]:
        """Yield types that lead to the one of a name, and the entity to stay with."""
        for one in self._owners(name):
            for type_ in self._of_entity(one, name):
                yield type_, one
        yield from self._of_no_entity()

    def _owners(self, name: str) -> Iterator[EntityApi]:
        """Yield the entities a name begins with, the longest first."""
        for end in range(min(len(name), self._longest), 0, -1):
            one = self._entities.get(name[:end])
            if one is not None:
                yield one

    def _of_entity(self, one: EntityApi, name: str) -> Iterator[GraphQLType]:
        """Yield types that lead to those named after an entity, the cheapest first."""
        entity = one.meta.name
        yield self._fields.outputs.record(entity)
        if name == one.meta.type_name:
            return
        if entity in self._names.related:
            yield self._fields.filters.quantifier(entity)
        if entity in self._names.referred:
            yield self._fields.inputs.reference(entity)
        for field in self._fields.of(one):
            yield from _leading(field)

    def _of_no_entity(self) -> Iterator[tuple[GraphQLType, EntityApi | None]]:
        """Yield types that lead to all those that are not named after an entity."""
        for field in self._fields.of_none():
            for type_ in _leading(field):
                yield type_, None
        for one in self._of_all_kinds():
            for field in self._fields.of(one):
                for type_ in _leading(field):
                    yield type_, one

    def _of_all_kinds(self) -> Iterator[EntityApi]:
        """Yield entities that together have all kinds of fields any entity has."""
        seen: set[object] = set()
        for one in self._api.entities.values():
            features = set(self._features(one))
            if not features <= seen:
                seen |= features
                yield one

    def _features(self, one: EntityApi) -> Iterator[object]:
        """Yield what decides which types of no entity lie below an entity's root fields."""
        for field in one.meta.fields.values():
            own = field.name in ("id", "version")
            yield field.kind, own, field.in_sql, field.api_name in one.fields, field.writable
        for many in one.lines.values():
            yield "lines", many.owned and many.target in self._api.entities
        yield "relations", bool(one.relations)

    def _enter(self, type_: GraphQLType, own: EntityApi | None) -> None:
        """Find all types a type leads to, but for other entities than `own`."""
        owner = "" if own is None else own.meta.name
        waiting = [type_]
        while waiting:
            named = get_named_type(waiting.pop())
            self._found.setdefault(named.name, named)
            if (owner, named.name) not in self._entered and not self._is_foreign(named.name, own):
                self._entered.add((owner, named.name))
                waiting += _below(named)

    def _is_foreign(self, name: str, own: EntityApi | None) -> bool:
        for ending in _LEADING:
            if name.endswith(ending):
                one = self._entities.get(name[: len(name) - len(ending)])
                if one is not None and one is not own:
                    return True
        return False


def _leading(field: GraphQLField) -> Iterator[GraphQLType]:
    yield field.type  # pyright: ignore[reportUnknownMemberType]  # lists of anything
    for argument in field.args.values():
        yield argument.type  # pyright: ignore[reportUnknownMemberType]  # as above


def _below(named: GraphQLNamedType) -> Iterable[GraphQLType]:
    if isinstance(named, (GraphQLObjectType, GraphQLInterfaceType)):
        yield from named.interfaces
        for field in named.fields.values():
            yield from _leading(field)
    elif isinstance(named, GraphQLInputObjectType):
        for given in named.fields.values():
            yield given.type  # pyright: ignore[reportUnknownMemberType]  # as above
