"""Output types of a shape: one object type per entity, its connection and edge."""

from __future__ import annotations

from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLString,
)

from hansa_core.graphql.api import Api, EntityApi
from hansa_core.graphql.filters import SCALARS, EnumTypes, FilterTypes
from hansa_core.graphql.lazy import once
from hansa_core.graphql.scalars import DECIMAL
from hansa_core.model.meta import FieldMeta, Kind
from hansa_core.query.pages import PAGE_DEFAULT, PAGE_MAX, PAGE_NESTED_DEFAULT

OutputType = (
    GraphQLScalarType
    | GraphQLEnumType
    | GraphQLObjectType
    | GraphQLList[Any]  # lists and non-nulls of any of these
    | GraphQLNonNull[Any]
)

PAGE_INFO: Final = GraphQLObjectType(
    "PageInfo",
    {
        "hasNextPage": GraphQLField(GraphQLNonNull(GraphQLBoolean)),
        "hasPreviousPage": GraphQLField(GraphQLNonNull(GraphQLBoolean)),
        "startCursor": GraphQLField(GraphQLString),
        "endCursor": GraphQLField(GraphQLString),
    },
    description="Where a page begins and ends, and whether there is more.",
)
NODE: Final = GraphQLInterfaceType(
    "Node",
    {"id": GraphQLField(GraphQLNonNull(GraphQLID))},
    description="A record of any kind.",
)
QUANTITY_OUTPUT: Final = GraphQLObjectType(
    "Quantity",
    {"value": GraphQLField(DECIMAL), "unit": GraphQLField(GraphQLString)},
    description="An exact number of units, the unit by its code.",
)


_SIZE: Final = (
    f"At most {PAGE_MAX}; left out, {PAGE_DEFAULT}, and {PAGE_NESTED_DEFAULT} in a list of a "
    "record. Sizes of lists inside lists multiply: an answer holds at most 10,000 fields."
)
_SIZED: Final = GraphQLArgument(GraphQLInt, description=_SIZE)
_SEARCH: Final = GraphQLArgument(GraphQLString, description="Words to look for.")
_CURSOR: Final = GraphQLArgument(GraphQLString)
_PAGE_INFO: Final = GraphQLField(GraphQLNonNull(PAGE_INFO))
_TOTAL: Final = GraphQLField(
    GraphQLInt, description="How many records match, counted up to 10,000."
)
_TOTAL_IS_EXACT: Final = GraphQLField(
    GraphQLBoolean, description="false: there are more than totalCount says."
)


class OutputTypes:
    """Makes and keeps the output types of one schema."""

    def __init__(self, api: Api, enums: EnumTypes, filters: FilterTypes) -> None:
        self._api = api
        self._enums = enums
        self._filters = filters
        self._records: dict[str, GraphQLObjectType] = {}
        self._connections: dict[str, GraphQLObjectType] = {}
        self._arguments: dict[str, dict[str, GraphQLArgument]] = {}
        # fields without arguments and texts of their own are shared: they are most of a schema
        self._plain: dict[str, GraphQLField] = {}

    def record(self, entity: str) -> GraphQLObjectType:
        """Return the type of an entity's records: CrmDeal."""
        one = self._api.entities[entity]
        return once(
            self._records,
            entity,
            lambda: GraphQLObjectType(
                one.meta.type_name,
                lambda: self._record_fields(one),
                interfaces=[NODE],
                description=one.meta.label,
            ),
        )

    def connection(self, entity: str) -> GraphQLObjectType:
        """Return the type of an entity's pages: CrmDealConnection."""
        name = self._api.entities[entity].meta.type_name
        record = GraphQLNonNull(self.record(entity))

        def fields() -> dict[str, GraphQLField]:
            edge = GraphQLObjectType(
                f"{name}Edge",
                {
                    "node": GraphQLField(record),
                    "cursor": GraphQLField(GraphQLNonNull(GraphQLString)),
                },
            )
            return {
                "nodes": GraphQLField(GraphQLNonNull(GraphQLList(record))),
                "edges": GraphQLField(GraphQLNonNull(GraphQLList(GraphQLNonNull(edge)))),
                "pageInfo": _PAGE_INFO,
                "totalCount": _TOTAL,
                "totalCountIsExact": _TOTAL_IS_EXACT,
            }

        return once(
            self._connections, entity, lambda: GraphQLObjectType(f"{name}Connection", fields)
        )

    def list_arguments(self, entity: str) -> dict[str, GraphQLArgument]:
        """Return the arguments of an entity's lists."""
        filters = self._filters
        return once(
            self._arguments,
            entity,
            lambda: {
                "where": GraphQLArgument(filters.where(entity)),
                "orderBy": GraphQLArgument(GraphQLList(GraphQLNonNull(filters.order(entity)))),
                "search": _SEARCH,
                "first": _SIZED,
                "after": _CURSOR,
                "last": _SIZED,
                "before": _CURSOR,
            },
        )

    def _record_fields(self, one: EntityApi) -> dict[str, GraphQLField]:
        fields: dict[str, GraphQLField] = {}
        for field in one.fields.values():
            if field.kind is Kind.REFERENCE:
                if field.target in self._api.entities:
                    fields[field.api_name] = self._shared(field, self.record(field.target))
            else:
                fields[field.api_name] = self._value(one, field)
        for many in one.relations.values():
            if many.target in self._api.entities:
                fields[many.api_name] = GraphQLField(
                    self.connection(many.target),
                    args=self.list_arguments(many.target),
                )
        return fields

    def value_type(self, one: EntityApi, field: FieldMeta) -> OutputType:
        """Return the type of a field's values, null for those that may be hidden."""
        if field.name == "id":
            return GraphQLID
        if field.name == "version":
            return GraphQLInt
        if field.kind is Kind.ENUM:
            return self._enums.of_field(one, field)
        if field.kind is Kind.TEXT_LIST:
            return GraphQLList(GraphQLNonNull(GraphQLString))
        if field.kind is Kind.QUANTITY:
            return QUANTITY_OUTPUT
        return SCALARS[field.kind]

    def _value(self, one: EntityApi, field: FieldMeta) -> GraphQLField:
        if field.name == "id":
            return self._shared(field, GraphQLNonNull(GraphQLID))
        if field.name == "version":
            return self._shared(field, GraphQLNonNull(GraphQLInt))
        return self._shared(field, self.value_type(one, field))

    def _shared(self, field: FieldMeta, type_: OutputType) -> GraphQLField:
        if field.help:
            return GraphQLField(type_, description=field.help)
        return once(self._plain, str(type_), lambda: GraphQLField(type_))
