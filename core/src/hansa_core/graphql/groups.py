"""Groups in GraphQL: `crmDealsGroup(by, having, orderBy) { keys { .. } count sum { .. } }`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast
from zoneinfo import available_timezones

from graphql import (
    GraphQLArgument,
    GraphQLDefaultInput,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)

from hansa_core.graphql.api import Api, EntityApi
from hansa_core.graphql.filters import DIRECTION, NULLS, FilterTypes, weight
from hansa_core.graphql.outputs import OutputTypes
from hansa_core.graphql.scalars import DECIMAL
from hansa_core.graphql.selection import Nodes, Question
from hansa_core.graphql.where import MAX_VALUES, predicate_of
from hansa_core.model.meta import FieldMeta, Kind
from hansa_core.query.groups import (
    GROUPS_DEFAULT,
    GROUPS_MAX,
    NUMBERS,
    RANGES,
    Bucket,
    CountItem,
    Figure,
    FigureOf,
    FiguresPart,
    GroupKey,
    GroupOrder,
    GroupPart,
    GroupRequest,
    Having,
    KeyItem,
    KeysPart,
    NamePart,
)
from hansa_core.query.late import Late, pinned
from hansa_core.query.plan import TYPENAME
from hansa_sdk import Invalid, LimitExceeded
from hansa_sdk.predicates import Path

BUCKET: Final = GraphQLEnumType(
    "TimeBucket",
    {
        name: GraphQLEnumValue(name.lower())
        for name in ("HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
    },
    description="A stretch of time; a week begins on Monday.",
)
_SIZE: Final = f"At most {GROUPS_MAX:,}; left out, {GROUPS_DEFAULT}: the first in the order asked."
_LISTED: Final = ("in", "notIn", "between")
_FIGURES: Final[tuple[Figure, ...]] = ("sum", "avg", "min", "max")


class GroupTypes:
    """Makes the types and fields of groups of one schema."""

    def __init__(self, api: Api, filters: FilterTypes, outputs: OutputTypes) -> None:
        self._api = api
        self._filters = filters
        self._outputs = outputs

    def type(self, one: EntityApi) -> GraphQLObjectType:
        """Return the type of one group: CrmDealGroup."""
        fields = {
            "keys": GraphQLField(
                GraphQLNonNull(
                    GraphQLObjectType(
                        f"{one.meta.type_name}GroupKeys", lambda: self._key_fields(one)
                    )
                ),
                description="The values its records share; null for what they are not grouped by.",
            ),
            "count": GraphQLField(GraphQLNonNull(GraphQLInt)),
        }
        if numbers := _of_kinds(one, NUMBERS):
            type_ = GraphQLObjectType(
                f"{one.meta.type_name}Numbers",
                {f.api_name: GraphQLField(DECIMAL, extensions=weight(f)) for f in numbers},
            )
            fields["sum"] = GraphQLField(GraphQLNonNull(type_))
            fields["avg"] = GraphQLField(GraphQLNonNull(type_), description="To six decimals.")
        if ranges := _of_kinds(one, RANGES):
            type_ = GraphQLObjectType(
                f"{one.meta.type_name}Range",
                {
                    f.api_name: GraphQLField(self._outputs.value_type(one, f), extensions=weight(f))
                    for f in ranges
                },
            )
            fields["min"] = GraphQLField(GraphQLNonNull(type_))
            fields["max"] = GraphQLField(GraphQLNonNull(type_))
        return GraphQLObjectType(f"{one.meta.type_name}Group", fields)

    def arguments(self, one: EntityApi) -> dict[str, GraphQLArgument]:
        """Return the arguments of an entity's groups."""
        name = one.meta.type_name
        by = GraphQLInputObjectType(
            f"{name}GroupBy",
            {
                "field": GraphQLInputField(GraphQLNonNull(self._filters.order_fields(one))),
                "bucket": GraphQLInputField(BUCKET),
                "timeZone": GraphQLInputField(
                    GraphQLNonNull(GraphQLString),
                    default=GraphQLDefaultInput(value="UTC"),
                    description="The zone days and months of moments are of, like Europe/Berlin.",
                ),
            },
        )
        figures = {f"{figure}_{field.api_name}": field for figure, field in _figures(one)}
        orders = GraphQLEnumType(
            f"{name}GroupOrderField",
            {
                "count": GraphQLEnumValue("count"),
                **{
                    key: GraphQLEnumValue(key, extensions=weight(figures[key]))
                    for key in sorted(figures)
                },
                **{key: GraphQLEnumValue(key) for key in one.orders},  # a key weighs in `by`
            },
            description="A key, count, or figure_field.",
        )
        order = GraphQLInputObjectType(
            f"{name}GroupOrder",
            {
                "field": GraphQLInputField(GraphQLNonNull(orders)),
                "direction": GraphQLInputField(
                    GraphQLNonNull(DIRECTION), default=GraphQLDefaultInput(value="ASC")
                ),
                "nulls": GraphQLInputField(
                    GraphQLNonNull(NULLS), default=GraphQLDefaultInput(value="LAST")
                ),
            },
        )
        return {
            "where": GraphQLArgument(self._filters.where(one.meta.name)),
            "search": GraphQLArgument(GraphQLString, description="Words to look for."),
            "by": GraphQLArgument(GraphQLList(GraphQLNonNull(by))),
            "having": GraphQLArgument(self._having(one)),
            "orderBy": GraphQLArgument(GraphQLList(GraphQLNonNull(order))),
            "first": GraphQLArgument(GraphQLInt, description=_SIZE),
        }

    def _having(self, one: EntityApi) -> GraphQLInputObjectType:
        fields = {"count": GraphQLInputField(self._filters.number("Int", GraphQLInt))}
        for figure in _FIGURES:
            listed = {
                field.api_name: GraphQLInputField(
                    self._filters.number("Decimal", DECIMAL)
                    if figure in ("sum", "avg")
                    else self._filters.operator(one, field),
                    extensions=weight(field),
                )
                for found, field in _figures(one)
                if found == figure
            }
            if listed:
                type_ = GraphQLInputObjectType(
                    f"{one.meta.type_name}{figure.capitalize()}Having", listed
                )
                fields[figure] = GraphQLInputField(type_)
        return GraphQLInputObjectType(
            f"{one.meta.type_name}Having",
            fields,
            description="Conditions on the figures of a group; all given ones hold.",
        )

    def _key_fields(self, one: EntityApi) -> dict[str, GraphQLField]:
        fields: dict[str, GraphQLField] = {}
        for name, path in one.orders.items():
            field, owner = self._at(one, path)
            if field.kind is Kind.REFERENCE:
                if field.target in self._api.entities:
                    fields[name] = GraphQLField(self._outputs.record(field.target))
            else:
                fields[name] = GraphQLField(self._outputs.value_type(owner, field))
        return fields

    def _at(self, one: EntityApi, path: Sequence[str]) -> tuple[FieldMeta, EntityApi]:
        """Return the field a path of at most one reference leads to, and whose it is."""
        field = one.meta.fields[path[0]]
        if len(path) == 1:
            return field, one
        target = self._api.entities[field.target]
        return target.meta.fields[path[1]], target


def group_request(
    question: Question, entity: str, nodes: Nodes, arguments: Mapping[str, object]
) -> GroupRequest:
    """Return the plan of what is asked of an entity's groups.

    Raises Invalid and LimitExceeded with the argument's path.
    """
    one = question.api.entities[entity]
    having = cast("Mapping[str, Mapping[str, object] | None]", arguments.get("having") or {})
    return GroupRequest(
        tuple(_part(question, one, key, asked) for key, asked in question.fields(nodes).items()),
        tuple(_keys(one, cast("Sequence[Mapping[str, object]]", arguments.get("by") or ()))),
        predicate_of(
            question.api, entity, cast("Mapping[str, object] | None", arguments.get("where"))
        ),
        cast("str | Late | None", arguments.get("search")),
        tuple(_conditions(one, having)),
        tuple(_orders(one, cast("Sequence[Mapping[str, object]]", arguments.get("orderBy") or ()))),
        cast("int | None", pinned(arguments.get("first"))),
    )


def _part(question: Question, one: EntityApi, key: str, nodes: Nodes) -> GroupPart:
    name = nodes[0].name.value
    if name == TYPENAME:
        return NamePart(key, f"{one.meta.type_name}Group")
    if name == "count":
        return CountItem(key)
    asked = question.fields(nodes)
    if name == "keys":
        items = [_key_item(question, one, inner, found) for inner, found in asked.items()]
        return KeysPart(key, tuple(items))
    fields = [(inner, found[0].name.value) for inner, found in asked.items()]
    named = [(inner, n if n == TYPENAME else one.fields[n].name) for inner, n in fields]
    return FiguresPart(key, cast(Figure, name), tuple(named))


def _key_item(question: Question, one: EntityApi, key: str, nodes: Nodes) -> KeyItem:
    name = nodes[0].name.value
    if name == TYPENAME:
        return KeyItem(key, name, None)
    path = one.orders[name]
    target = one.meta.fields[path[0]]
    field = question.api.entities[target.target].meta.fields[path[1]] if len(path) > 1 else target
    if field.kind is not Kind.REFERENCE:
        return KeyItem(key, name, Path(one.meta.name, path))
    selection = question.record(field.target, nodes)
    return KeyItem(key, name, Path(one.meta.name, path), selection)


def _keys(one: EntityApi, given: Sequence[Mapping[str, object]]) -> list[GroupKey]:
    keys: list[GroupKey] = []
    for position, each in enumerate(given):
        name, zone = str(pinned(each["field"])), str(pinned(each["timeZone"]))
        if zone not in available_timezones():
            raise Invalid(
                f"{zone!r} is no time zone.",
                next_step="Write it like Europe/Berlin.",
                path=("by", position, "timeZone"),
            )
        bucket = cast("Bucket | None", pinned(each.get("bucket")))
        keys.append(GroupKey(name, Path(one.meta.name, one.orders[name]), bucket, zone))
    return keys


def _conditions(one: EntityApi, having: Mapping[str, Mapping[str, object] | None]) -> list[Having]:
    found: list[Having] = []
    for figure, given in having.items():
        if given is None:
            raise _missing(("having", figure))
        if figure == "count":
            found += _operators(FigureOf("count"), given, ("having", "count"))
            continue
        for name, operators in given.items():
            if operators is None:
                raise _missing(("having", figure, name))
            of = FigureOf(cast(Figure, figure), one.fields[name].name)
            place = ("having", figure, name)
            found += _operators(of, cast("Mapping[str, object]", operators), place)
    return found


def _operators(of: FigureOf, given: Mapping[str, object], place: tuple[str, ...]) -> list[Having]:
    found: list[Having] = []
    for operator, value in given.items():
        if value is None:
            raise _missing((*place, operator))
        if operator in _LISTED:
            value = [pinned(each) for each in cast("Sequence[object]", pinned(value))]
            if len(value) > MAX_VALUES:
                raise LimitExceeded(
                    f"{operator} takes at most {MAX_VALUES} values, found {len(value)}.",
                    path=(*place, operator),
                )
            if not value or (operator == "between" and len(value) != 2):
                raise Invalid(
                    f"{operator} takes {'two values' if operator == 'between' else 'values'}, "
                    f"found {len(value)}.",
                    path=(*place, operator),
                )
        found.append(Having(of, operator, value))
    return found


def _orders(one: EntityApi, given: Sequence[Mapping[str, object]]) -> list[GroupOrder]:
    figures = {f"{figure}_{f.api_name}": FigureOf(figure, f.name) for figure, f in _figures(one)}
    figures["count"] = FigureOf("count")
    orders: list[GroupOrder] = []
    for each in given:
        name = str(pinned(each["field"]))
        descending = pinned(each["direction"]) == "desc"
        nulls_first = pinned(each["nulls"]) == "first"
        orders.append(GroupOrder(figures.get(name, name), descending, nulls_first))
    return orders


def _figures(one: EntityApi) -> list[tuple[Figure, FieldMeta]]:
    numbers, ranges = _of_kinds(one, NUMBERS), _of_kinds(one, RANGES)
    return [
        (figure, field)
        for figure in _FIGURES
        for field in (numbers if figure in ("sum", "avg") else ranges)
    ]


def _of_kinds(one: EntityApi, kinds: frozenset[Kind]) -> list[FieldMeta]:
    return [field for field in one.fields.values() if field.in_sql and field.kind in kinds]


def _missing(path: tuple[str, ...]) -> Invalid:
    return Invalid(f"Expected a condition for {path[-1]}, found null.", path=path)
