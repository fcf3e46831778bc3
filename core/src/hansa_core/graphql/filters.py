"""Input types of `where` and `orderBy`: operators by kind, nested references, quantifiers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from graphql import (
    GraphQLBoolean,
    GraphQLDefaultInput,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLString,
)

from hansa_core.graphql.api import Api, EntityApi
from hansa_core.graphql.given import WEIGHT
from hansa_core.graphql.lazy import once
from hansa_core.graphql.scalars import (
    BIG_INT,
    CURRENCY,
    DATE,
    DATE_TIME,
    DECIMAL,
    DURATION,
    EMAIL,
    JSON,
    PHONE,
    URL,
    UUID_SCALAR,
)
from hansa_core.model.meta import FieldMeta, Kind

SCALARS: Final[dict[Kind, GraphQLScalarType]] = {
    Kind.TEXT: GraphQLString,
    Kind.TRANSLATED: JSON,
    Kind.INTEGER: BIG_INT,
    Kind.BOOLEAN: GraphQLBoolean,
    Kind.DECIMAL: DECIMAL,
    Kind.MONEY: DECIMAL,
    Kind.DATE: DATE,
    Kind.INSTANT: DATE_TIME,
    Kind.DURATION: DURATION,
    Kind.UUID: UUID_SCALAR,
    Kind.CURRENCY: CURRENCY,
    Kind.EMAIL: EMAIL,
    Kind.PHONE: PHONE,
    Kind.URL: URL,
    Kind.JSON: JSON,
    Kind.REFERENCE: GraphQLID,
}
"""The scalar of each kind that has one."""

ROLLUP_COST: Final = 100
"""What a roll-up in a filter, an order, a group's key or figure costs more than a column does: it
is worked out for every record that is looked at, not only for those in the answer."""

_TEXTUAL: Final = frozenset({Kind.TEXT, Kind.CURRENCY, Kind.EMAIL, Kind.PHONE, Kind.URL})
_EQUAL: Final = ("eq", "ne", "in", "notIn")
_RANGE: Final = ("lt", "lte", "gt", "gte", "between")
_TEXT: Final = ("contains", "startsWith", "endsWith")

_MEANING: Final = {
    "eq": "Equal, letter by letter.",
    "ne": "Not equal. A record without a value does not match.",
    "in": "Equal to one of these.",
    "notIn": "Equal to none of these.",
    "between": "From the first to the second value, both included.",
    "contains": "Holds this text; upper and lower case are the same.",
    "startsWith": "Begins with this text; upper and lower case are the same.",
    "endsWith": "Ends with this text; upper and lower case are the same.",
    "isNull": "true: has no value; false: has one.",
}

DIRECTION: Final = GraphQLEnumType(
    "OrderDirection",
    {"ASC": GraphQLEnumValue("asc"), "DESC": GraphQLEnumValue("desc")},
    description="Smallest first, or largest first.",
)
NULLS: Final = GraphQLEnumType(
    "OrderNulls",
    {"FIRST": GraphQLEnumValue("first"), "LAST": GraphQLEnumValue("last")},
    description="Where records without a value stand.",
)


def weight(field: FieldMeta) -> dict[str, int]:
    """Return what an argument or figure over a field says of its cost: a roll-up's is high."""
    return {WEIGHT: ROLLUP_COST} if field.rollup is not None else {}


class FilterTypes:
    """Makes and keeps the input types of one schema's lists."""

    def __init__(self, api: Api, enums: EnumTypes) -> None:
        self._api = api
        self._enums = enums
        self._operators: dict[str, GraphQLInputObjectType] = {}
        self._where: dict[str, GraphQLInputObjectType] = {}
        self._many: dict[str, GraphQLInputObjectType] = {}
        self._orders: dict[str, GraphQLInputObjectType] = {}
        self._order_fields: dict[str, GraphQLEnumType] = {}

    def where(self, entity: str) -> GraphQLInputObjectType:
        """Return the filter of an entity: CrmDealWhere."""
        one = self._api.entities[entity]
        return once(
            self._where,
            entity,
            lambda: GraphQLInputObjectType(
                f"{one.meta.type_name}Where",
                lambda: self._where_fields(one),
                description="All given conditions hold.",
            ),
        )

    def order(self, entity: str) -> GraphQLInputObjectType:
        """Return one key of an entity's order: CrmDealOrder."""
        one = self._api.entities[entity]
        return once(
            self._orders,
            entity,
            lambda: GraphQLInputObjectType(
                f"{one.meta.type_name}Order",
                lambda: {
                    "field": GraphQLInputField(GraphQLNonNull(self.order_fields(one))),
                    "direction": GraphQLInputField(
                        GraphQLNonNull(DIRECTION), default=GraphQLDefaultInput(value="ASC")
                    ),
                    "nulls": GraphQLInputField(
                        GraphQLNonNull(NULLS), default=GraphQLDefaultInput(value="LAST")
                    ),
                },
            ),
        )

    def order_fields(self, one: EntityApi) -> GraphQLEnumType:
        """Return the enum of what an entity's lists are ordered and grouped by."""
        return once(
            self._order_fields,
            one.meta.name,
            lambda: GraphQLEnumType(
                f"{one.meta.type_name}OrderField",
                lambda: {
                    name: GraphQLEnumValue(name, extensions=weight(self._ordered(one, path)))
                    for name, path in one.orders.items()
                },
                description="A field, or reference_field across a reference.",
            ),
        )

    def _ordered(self, one: EntityApi, path: Sequence[str]) -> FieldMeta:
        """Return the field that a path of an order leads to."""
        field = one.meta.fields[path[0]]
        for name in path[1:]:
            field = self._api.entities[field.target].meta.fields[name]
        return field

    def number(self, name: str, scalar: GraphQLScalarType) -> GraphQLInputObjectType:
        """Return the operators on numbers of a scalar."""
        return self._operator_type(f"{name}Filter", scalar, (*_EQUAL, *_RANGE))

    def _where_fields(self, one: EntityApi) -> dict[str, GraphQLInputField]:
        own = self.where(one.meta.name)
        fields: dict[str, GraphQLInputField] = {}
        for field in one.filters:
            if field.kind is not Kind.REFERENCE:
                fields[field.api_name] = GraphQLInputField(
                    self.operator(one, field), extensions=weight(field)
                )
            elif field.target in self._api.entities:
                fields[field.api_name] = GraphQLInputField(self.where(field.target))
        for many in one.relations.values():
            if many.target in self._api.entities:
                fields[many.api_name] = GraphQLInputField(self.quantifier(many.target))
        several = GraphQLList(GraphQLNonNull(own))
        fields["and"] = GraphQLInputField(several, description="All of these hold.")
        fields["or"] = GraphQLInputField(several, description="At least one of these holds.")
        fields["not"] = GraphQLInputField(own, description="This does not hold.")
        return fields

    def quantifier(self, entity: str) -> GraphQLInputObjectType:
        """Return the filter by an entity's records that are related: CrmDealManyWhere."""
        target = self.where(entity)
        name = self._api.entities[entity].meta.type_name
        return once(
            self._many,
            entity,
            lambda: GraphQLInputObjectType(
                f"{name}ManyWhere",
                {
                    **{word: GraphQLInputField(target) for word in ("some", "none", "every")},
                    "archived": GraphQLInputField(
                        GraphQLBoolean, description="true: of archived records, too."
                    ),
                },
                description="A condition on related records, without archived ones.",
            ),
        )

    def operator(self, one: EntityApi, field: FieldMeta) -> GraphQLInputObjectType:
        """Return the operators of a kind; enums have their own, the rest share one per kind."""
        if field.kind is Kind.ENUM:
            enum = self._enums.of_field(one, field)
            return self._operator_type(f"{enum.name}Filter", enum, _EQUAL)
        if field.kind is Kind.TEXT_LIST or field.kind is Kind.JSON:
            return self._operator_type("PresenceFilter", GraphQLString, ())
        if field.kind is Kind.BOOLEAN:
            return self._operator_type("BooleanFilter", GraphQLBoolean, ("eq", "ne"))
        if field.kind is Kind.UUID:
            scalar = GraphQLID if field.name == "id" else UUID_SCALAR
            return self._operator_type(f"{scalar.name}Filter", scalar, _EQUAL)
        if field.kind in _TEXTUAL:
            return self._operator_type("StringFilter", GraphQLString, (*_EQUAL, *_RANGE, *_TEXT))
        scalar = SCALARS[field.kind]
        return self._operator_type(f"{scalar.name}Filter", scalar, (*_EQUAL, *_RANGE))

    def _operator_type(
        self, name: str, value: GraphQLScalarType | GraphQLEnumType, operators: tuple[str, ...]
    ) -> GraphQLInputObjectType:
        def make() -> GraphQLInputObjectType:
            several = GraphQLList(GraphQLNonNull(value))
            fields = {
                operator: GraphQLInputField(
                    several if operator in ("in", "notIn", "between") else value,
                    description=_MEANING.get(operator),
                )
                for operator in operators
            }
            fields["isNull"] = GraphQLInputField(GraphQLBoolean, description=_MEANING["isNull"])
            return GraphQLInputObjectType(name, fields)

        return once(self._operators, name, make)


class EnumTypes:
    """Makes and keeps the enum types of one schema: one per field that holds an enum."""

    def __init__(self, api: Api) -> None:
        self._types: dict[str, GraphQLEnumType] = {}
        self._by_class: dict[object, str] = {}
        for one in api.entities.values():
            for field in one.meta.fields.values():  # hidden ones too: all callers use one name
                if field.enum is not None:
                    self._by_class.setdefault(field.enum, one.enum_name(field))

    def of_field(self, one: EntityApi, field: FieldMeta) -> GraphQLEnumType:
        """Return the enum type of a field: CrmDealStage with upper-case names."""
        name = one.enum_name(field)
        if field.enum is not None:
            return self._make(name, {m.name.upper(): str(m.value) for m in field.enum})
        return self._make(name, {value.upper(): value for value in field.values})

    def of_class(self, cls: type[StrEnum], fallback: str) -> GraphQLEnumType:
        """Return the enum type of a class: the one of the first field that holds it."""
        members = {m.name.upper(): str(m.value) for m in cls}
        return self._make(self._by_class.get(cls, fallback), members)

    def _make(self, name: str, members: dict[str, str]) -> GraphQLEnumType:
        def make() -> GraphQLEnumType:
            values = {member: GraphQLEnumValue(value) for member, value in members.items()}
            return GraphQLEnumType(name, values)

        return once(self._types, name, make)


QUANTITY_INPUT: Final = GraphQLInputObjectType(
    "QuantityInput",
    {
        "value": GraphQLInputField(GraphQLNonNull(DECIMAL)),
        "unit": GraphQLInputField(GraphQLNonNull(GraphQLString)),
    },
    description="An exact number of units, the unit by its code.",
)
MONEY_INPUT: Final = GraphQLInputObjectType(
    "MoneyInput",
    {
        "amount": GraphQLInputField(GraphQLNonNull(DECIMAL)),
        "currency": GraphQLInputField(GraphQLNonNull(CURRENCY)),
    },
    description="An exact amount in one currency.",
)
