"""A GraphQL schema that makes fields and types when they are first asked for.

Threads share schemas: two may make the same thing at once, and all get the one that was kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Protocol, TypeAlias, TypeVar, cast

from graphql import (
    GraphQLDirective,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
)
from graphql.type.schema import InterfaceImplementations

K = TypeVar("K")
T = TypeVar("T")

Makers: TypeAlias = Mapping[str, Callable[[], GraphQLField]]
"""What makes each field of a type, by name."""


def once(kept: dict[K, T], key: K, make: Callable[[], T]) -> T:
    """Return what is kept under a key, made at its first use."""
    found = kept.get(key)
    return kept.setdefault(key, make()) if found is None else found


class LazyFields(Mapping[str, GraphQLField]):
    """The fields of a type by name, each made at its first use."""

    def __init__(self, makers: Makers) -> None:
        self._makers = makers
        self._made: dict[str, GraphQLField] = {}

    def __getitem__(self, name: str) -> GraphQLField:
        return once(self._made, name, self._makers[name])

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


class _RootType(GraphQLObjectType):
    """An object type that takes its fields as they are: graphql-core's would list them all."""

    def __init__(self, name: str, fields: LazyFields) -> None:
        super().__init__(name, fields)
        self._lazy = fields

    @property
    def fields(  # pyright: ignore[reportIncompatibleVariableOverride]  # there it is made once
        self,
    ) -> dict[str, GraphQLField]:
        """The fields; they are only read, though graphql-core says dict."""
        return cast("dict[str, GraphQLField]", self._lazy)


def root_type(name: str, makers: Makers) -> GraphQLObjectType:
    """Return the type of root fields that are made when they are asked for."""
    return _RootType(name, LazyFields(makers))


class Types(Protocol):
    """Finds the types of a schema."""

    def get(self, name: str) -> GraphQLNamedType | None:
        """Return the type of a name; None where none of the schema's fields leads to one."""
        ...

    def names(self) -> frozenset[str]:
        """Return the names of all types the fields lead to."""
        ...

    def implementing(self, interface: GraphQLInterfaceType) -> list[GraphQLObjectType]:
        """Return the object types that have an interface."""
        ...


class LazySchema(GraphQLSchema):
    """A schema that finds its types by name; all are made when they are listed.

    It answers every question as the `GraphQLSchema` of the same root types does.
    """

    def __init__(
        self,
        query: GraphQLObjectType,
        mutation: GraphQLObjectType | None,
        subscription: GraphQLObjectType,
        directives: tuple[GraphQLDirective, ...],
        types: Types,
    ) -> None:
        super().__init__(directives=directives, assume_valid=True)  # of no root: makes nothing
        self.query_type = query
        self.mutation_type = mutation
        self.subscription_type = subscription
        self._types = types
        # graphql-core only reads types, but says dict
        self.type_map = cast("dict[str, GraphQLNamedType]", _TypesByName(self, self.type_map))

    @cached_property
    def whole(self) -> GraphQLSchema:
        """The same schema with every type made."""
        return GraphQLSchema(
            self.query_type,
            self.mutation_type,
            self.subscription_type,
            directives=self.directives,
            assume_valid=True,
        )

    @property
    def types(self) -> Types:
        """What finds its types."""
        return self._types

    def get_implementations(self, interface_type: GraphQLInterfaceType) -> InterfaceImplementations:
        """Return the object types that have an interface; no interface has another."""
        if "whole" in vars(self):
            return self.whole.get_implementations(interface_type)
        return InterfaceImplementations(
            objects=self._types.implementing(interface_type), interfaces=[]
        )


class _TypesByName(Mapping[str, GraphQLNamedType]):
    """The types of a schema by name."""

    def __init__(self, schema: LazySchema, known: Mapping[str, GraphQLNamedType]) -> None:
        self._schema = schema
        self._known = known

    def __getitem__(self, name: str) -> GraphQLNamedType:
        found = self._known.get(name) or self._schema.types.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._schema.whole.type_map)

    def __len__(self) -> int:
        return len(self._known.keys() | self._schema.types.names())
