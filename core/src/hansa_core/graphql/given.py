"""How much an operation's arguments hold: conditions, what weighs in them, owned lines to write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    get_named_type,
)

from hansa_core.query.late import pinned

WEIGHT: Final = "weight"
"""The extension in which a field or an enum value of the schema says what it costs extra."""


def conditions_of(where: object, limit: int) -> int:
    """Count the conditions of a coerced `where`; counting ends once they are more than `limit`.

    A list of values, as `in` takes it, is one condition.
    """
    count = 0
    left = [where]
    while left and count <= limit:
        one = left.pop()
        if isinstance(one, Mapping) and one:
            left += cast("Mapping[str, object]", one).values()
        elif isinstance(one, list) and isinstance(one[0] if one else None, Mapping):
            left += cast("list[object]", one)
        elif one is not None:
            count += 1
    return count


def weight_of(place: GraphQLArgument | GraphQLInputField, given: object) -> int:
    """Add up the extra cost of what a coerced argument asks by: its fields, and its enum values."""
    if isinstance(given, list):
        return sum(weight_of(place, each) for each in cast("list[object]", given))
    type_ = _named(place)
    if isinstance(type_, GraphQLEnumType):
        value = type_.values.get(str(pinned(given)))
        return 0 if value is None else value.extensions.get(WEIGHT, 0)
    if not isinstance(type_, GraphQLInputObjectType) or not isinstance(given, Mapping):
        return 0
    total = 0
    for name, value in cast("Mapping[str, object]", given).items():
        field = type_.fields[name]
        total += _operators(value) * field.extensions.get(WEIGHT, 0) + weight_of(field, value)
    return total


def _operators(given: object) -> int:
    """Count how often a field is asked: what it weighs is worked out for each operator."""
    return max(len(cast("Mapping[str, object]", given)), 1) if isinstance(given, Mapping) else 1


def lines_of(argument: GraphQLArgument, given: object) -> int:
    """Count the owned lines in a coerced input, or in a list of them; JSON values hold none."""
    if isinstance(given, list):
        return sum(lines_of(argument, row) for row in cast("list[object]", given))
    input_type = _named(argument)
    if not isinstance(input_type, GraphQLInputObjectType) or not isinstance(given, Mapping):
        return 0
    count = 0
    for name, value in cast("Mapping[str, object]", given).items():
        field = input_type.fields.get(name)
        if field is None or not isinstance(value, Mapping):
            continue
        if isinstance(_named(field), GraphQLInputObjectType):
            parts = cast("Mapping[str, list[object] | object]", value).values()
            count += sum(len(cast("list[object]", p)) for p in parts if isinstance(p, list))
    return count


def _named(place: GraphQLArgument | GraphQLInputField) -> object:
    return get_named_type(place.type)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportUnknownVariableType]  # lists of anything
