"""Variables of an operation: plain ones coerced without ado, all others by graphql-core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_variable_values,
    type_from_ast,  # pyright: ignore[reportUnknownVariableType]  # generics of graphql-core
)
from graphql.execution.values import VariableValues

ERRORS_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class _Plain:
    """A variable of a scalar or enum type without a default."""

    name: str
    coerce: Callable[[object], object]
    required: bool


class Coercion:
    """Coerces the variables of one operation, over and over."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._plain = _plain_of(schema, operation)

    def values(self, given: dict[str, object]) -> VariableValues | list[GraphQLError]:
        """Return the coerced variables, or why they cannot be."""
        return get_variable_values(
            self._schema, self._definitions, given, ERRORS_MAX, hide_suggestions=True
        )

    def quick(self, given: Mapping[str, object]) -> dict[str, object] | None:
        """Return the coerced variables where all are plain and good; None for others."""
        if self._plain is None:
            return None
        coerced: dict[str, object] = {}
        for plain in self._plain:
            value = given.get(plain.name)
            if value is None:
                if plain.required:
                    return None
                if plain.name in given:
                    coerced[plain.name] = None
                continue
            try:
                coerced[plain.name] = plain.coerce(value)
            except GraphQLError:
                return None
        return coerced


def _plain_of(
    schema: GraphQLSchema, operation: OperationDefinitionNode
) -> tuple[_Plain, ...] | None:
    """Return the variables of an operation; None where one is not plain."""
    found: list[_Plain] = []
    leaves = (GraphQLScalarType, GraphQLEnumType)
    for definition in operation.variable_definitions or ():
        type_: Any = type_from_ast(schema, definition.type)  # as above
        required = isinstance(type_, GraphQLNonNull)
        leaf: Any = cast(Any, type_).of_type if required else type_
        if definition.default_value is not None or not isinstance(leaf, leaves):
            return None
        coerce = cast("Callable[[object], object]", leaf.coerce_input_value)
        found.append(_Plain(definition.variable.name.value, coerce, required))
    return tuple(found)
