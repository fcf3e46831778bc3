"""What of a schema a caller may use: the part of it that introspection shows him.

An operation he holds no permission for is left out, and so is every type that only such operations
lead to. Asking for one all the same is answered as ever: with the permission it needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias, cast

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_required_argument,
)

from hansa_core.graphql.api import Hidden
from hansa_core.graphql.changes import changes_name
from hansa_core.graphql.directives import DIRECTIVES
from hansa_core.graphql.names import KERNEL_FIELDS
from hansa_core.graphql.schema import CompiledSchema
from hansa_core.model.meta import EntityMeta, Kind, camel, pascal
from hansa_core.model.shape import Shape
from hansa_core.policy.grants import Grants

Permissions: TypeAlias = frozenset[tuple[str, str]]
"""Pairs of an entity and an action."""
AnyType: TypeAlias = Any  # a type of graphql-core, of which there are many kinds
AnyField: TypeAlias = Any  # a field of one, with or without arguments

_OF_RECORDS: Final = (
    ("Update", "update"),
    ("Delete", "delete"),
    ("Archive", "archive"),
    ("Restore", "archive"),
    ("UpdateMany", "update"),
    ("DeleteMany", "delete"),
)
"""Mutations of records that are there, which have to be seen to be written."""


def offers_all(shape: Shape, grants: Grants) -> bool:
    """Tell whether nothing of a shape's schema is to be left out."""
    held = grants.rows.keys()
    return not grants.hides and all(
        any(each <= held for each in several) for several in _needs(shape).values()
    )


def unreachable_names(shape: Shape, grants: Grants) -> Hidden:
    """Return the (entity, name) of what leads only to records the caller may read none of.

    His reads answer null or nothing there.
    """
    return frozenset(
        (meta.name, name)
        for meta in shape.entities.values()
        for name, target in _ways(meta)
        if target in shape.entities and not grants.allows(target, "read")
    )


def offered(compiled: CompiledSchema, shape: Shape, grants: Grants) -> CompiledSchema:
    """Return the part of a schema that the holder of these grants may use.

    `compiled` has nothing that is hidden from him, nor what leads to records he may not read.
    """
    pruning = _Pruning(shape, grants)
    needs, held = _needs(shape), grants.rows.keys()
    names = {name for name, several in needs.items() if any(each <= held for each in several)}
    whole = compiled.schema
    schema = GraphQLSchema(
        pruning.root(whole.query_type, names),
        pruning.root(whole.mutation_type, names),
        pruning.root(whole.subscription_type, names),
        directives=DIRECTIVES,
        assume_valid=True,
    )
    return replace(compiled, schema=schema)


def _ways(meta: EntityMeta) -> Iterator[tuple[str, str]]:
    """Yield what leads to records of another entity, with that entity."""
    for field in meta.fields.values():
        if field.kind is Kind.REFERENCE:
            yield field.name, field.target
    for many in meta.relations.values():
        yield many.name, many.target


def _needs(shape: Shape) -> Mapping[str, Collection[Permissions]]:
    """Return which permissions each root field needs: all of one of these sets."""
    needs: dict[str, Collection[Permissions]] = {}
    for meta in shape.entities.values():
        name, read = meta.single_api_name, (meta.name, "read")
        create, update = (meta.name, "create"), (meta.name, "update")
        for each in (name, meta.plural_api_name, f"{meta.plural_api_name}Group"):
            needs[each] = [frozenset({read})]
        needs[changes_name(meta)] = [frozenset({read})]
        needs[f"{name}Create"] = [frozenset({create})]
        needs[f"{name}UpsertMany"] = [frozenset({create}), frozenset({read, update})]
        for ending, action in _OF_RECORDS:
            needs[name + ending] = [frozenset({read, (meta.name, action)})]
        for declared in shape.actions.get(meta.name, ()):
            pair = _pair(declared.permission)
            needs[name + pascal(declared.name)] = [frozenset({read, pair})]
    for query_name, query in shape.queries.items():
        needs[camel(query_name.replace(".", "_"))] = [frozenset({_pair(query.permission)})]
    return needs


def _pair(permission: str) -> tuple[str, str]:
    entity, _, action = permission.rpartition(".")
    return entity, action


class _Pruning:
    """Copies a schema's types without what leads nowhere for one caller."""

    def __init__(self, shape: Shape, grants: Grants) -> None:
        self._hidden, self._hidden_fields = _hidden_types(shape, grants)
        self._copies: dict[str, AnyType] = {}
        self._empty: dict[str, bool] = {}

    def root(
        self, root: GraphQLObjectType | None, names: Collection[str]
    ) -> GraphQLObjectType | None:
        """Copy the type of root fields with those of these names and the kernel's."""
        if root is None:
            return None
        fields = {
            name: self._field(field)
            for name, field in root.fields.items()
            if (name in names or name in KERNEL_FIELDS) and self._can_be_given(field)
        }
        return GraphQLObjectType(root.name, fields) if fields else None

    def _can_be_given(self, field: GraphQLField) -> bool:
        """Tell whether there is something left that every needed argument can hold."""
        arguments = cast("Iterable[AnyField]", field.args.values())
        return all(self._keeps(each.type) for each in arguments if _is_needed(each))

    def _keeps(self, type_: AnyType) -> bool:
        named = cast(AnyType, get_named_type(type_))
        if named.name in self._hidden:
            return False
        return not isinstance(named, GraphQLInputObjectType) or not self._is_empty(named)

    def _is_empty(self, type_: GraphQLInputObjectType) -> bool:
        """Tell whether nothing of an input is left; one inside itself counts as something."""
        if type_.name not in self._empty:
            self._empty[type_.name] = False
            self._empty[type_.name] = not any(self._kept(type_))
        return self._empty[type_.name]

    def _type(self, type_: AnyType) -> AnyType:
        """Copy a type; those without fields, and interfaces, are the same for everybody."""
        inner: AnyType = getattr(type_, "of_type", None)
        if inner is not None:
            wrapper = cast(AnyType, type(type_))  # a list, or what is never null
            return wrapper(self._type(inner))
        if type_.name not in self._copies:
            self._copies[type_.name] = self._copied(type_)
        return self._copies[type_.name]

    def _copied(self, type_: AnyType) -> AnyType:
        if isinstance(type_, GraphQLObjectType):
            return GraphQLObjectType(
                type_.name,
                lambda: {name: self._field(field) for name, field in self._kept(type_)},
                interfaces=type_.interfaces,
                description=type_.description,
            )
        if isinstance(type_, GraphQLInputObjectType):
            return GraphQLInputObjectType(
                type_.name,
                lambda: {name: self._input(field) for name, field in self._kept(type_)},
                description=type_.description,
                is_one_of=type_.is_one_of,
            )
        return type_

    def _kept(
        self, type_: GraphQLObjectType | GraphQLInputObjectType
    ) -> Iterator[tuple[str, AnyField]]:
        fields: Mapping[str, AnyField] = type_.fields
        for name, field in fields.items():
            if (type_.name, name) not in self._hidden_fields and self._keeps(field.type):
                yield name, field

    def _field(self, field: AnyField) -> GraphQLField:
        arguments = {
            name: GraphQLArgument(**{**each.to_kwargs(), "type_": self._type(each.type)})
            for name, each in field.args.items()
            if self._keeps(each.type)
        }
        given: dict[str, Any]  # what graphql-core made the field of
        given = {**field.to_kwargs(), "type_": self._type(field.type), "args": arguments}
        return GraphQLField(**given)

    def _input(self, field: AnyField) -> GraphQLInputField:
        return GraphQLInputField(**{**field.to_kwargs(), "type_": self._type(field.type)})


def _is_needed(argument: AnyField) -> bool:
    return is_required_argument(argument)


def _hidden_types(shape: Shape, grants: Grants) -> tuple[set[str], set[tuple[str, str]]]:
    """Return the types, and the (type, field), of what a caller can neither be told nor write."""
    types: set[str] = set()
    fields: set[tuple[str, str]] = set()
    for meta in shape.entities.values():
        if not grants.allows(meta.name, "read"):
            types |= {meta.type_name, f"{meta.type_name}ReferenceInput"}
        for many in (each for each in meta.relations.values() if each.owned):
            start, target = meta.type_name + pascal(many.name), many.target
            seen = grants.allows(target, "read")
            if not grants.allows(target, "create"):
                types.add(f"{start}NewLine")
            if not (seen and grants.allows(target, "update")):
                types.add(f"{start}LineUpdate")
            if not (seen and grants.allows(target, "delete")):
                fields.add((f"{start}Lines", "delete"))
    return types, fields
