"""Variables of an operation: usual ones coerced without ado, all others by graphql-core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    get_variable_values,
    type_from_ast,  # pyright: ignore[reportUnknownVariableType]  # generics of graphql-core
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

ERRORS_MAX: Final = 20


Coercer: TypeAlias = Callable[[object], object]
"""Coerces a given value; raises _Unsure for one that graphql-core has to look at."""


class _Unsure(Exception):
    """A value, or a type, that graphql-core has to look at: it is wrong, or out of the ordinary."""


@dataclass(frozen=True, slots=True)
class _Quick:
    """A variable whose values are coerced here."""

    name: str
    coerce: Coercer
    required: bool
    default: object = Undefined


class Coercion:
    """Coerces the variables of one operation, over and over.

    Good values of usual types are coerced by functions made once, all others by graphql-core:
    what is wrong with a value is said by it alone.
    """

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._quick = _quick_of(schema, operation)
        signatures = (get_variable_signature(schema, each) for each in self._definitions)
        self._signatures = {
            each.name: each for each in signatures if not isinstance(each, GraphQLError)
        }

    def values(self, given: dict[str, object]) -> VariableValues | list[GraphQLError]:
        """Return the coerced variables, or why they cannot be."""
        coerced = self.quick(given)
        if coerced is not None:
            sources = {
                name: VariableValueSource(signature, given.get(name, Undefined))
                for name, signature in self._signatures.items()
            }
            return VariableValues(sources, coerced)
        return get_variable_values(
            self._schema, self._definitions, given, ERRORS_MAX, hide_suggestions=True
        )

    def quick(self, given: Mapping[str, object]) -> dict[str, object] | None:
        """Return the coerced variables where all are usual and good; None for others."""
        if self._quick is None:
            return None
        coerced: dict[str, object] = {}
        for quick in self._quick:
            value = given.get(quick.name)
            if value is None:
                if quick.name not in given and quick.default is not Undefined:
                    coerced[quick.name] = quick.default
                elif quick.required:
                    return None
                elif quick.name in given:
                    coerced[quick.name] = None
                continue
            try:
                coerced[quick.name] = quick.coerce(value)
            except _Unsure:
                return None
        return coerced


def _quick_of(
    schema: GraphQLSchema, operation: OperationDefinitionNode
) -> tuple[_Quick, ...] | None:
    """Return the variables of an operation; None where one is out of the ordinary."""
    found: list[_Quick] = []
    try:
        for definition in operation.variable_definitions or ():
            required, inner = _required(type_from_ast(schema, definition.type))
            name = definition.variable.name.value
            found.append(_Quick(name, _coercer(inner, ()), required, _default(schema, definition)))
    except _Unsure:
        return None
    return tuple(found)


def _required(type_: object) -> tuple[bool, object]:
    """Tell whether a type refuses null, and return it without that."""
    if isinstance(type_, GraphQLNonNull):
        return True, cast(Any, type_).of_type
    return False, type_


def _default(schema: GraphQLSchema, definition: VariableDefinitionNode) -> object:
    """Return what a variable holds that is not given, Undefined for nothing.

    Raises _Unsure for more than a plain value: requests must not share it.
    """
    if definition.default_value is None:
        return Undefined
    values = get_variable_values(schema, (definition,), {})
    if isinstance(values, list):
        raise _Unsure
    (default,) = values.coerced.values()
    if isinstance(default, (list, dict)):
        raise _Unsure
    return cast(object, default)


def _coercer(type_: object, inside: tuple[object, ...]) -> Coercer:
    """Return what coerces values of a type that are not null.

    Raises _Unsure for a type that is `inside` itself, as filters are.
    """
    if isinstance(type_, GraphQLList):
        return _list_coercer(cast(object, type_.of_type), inside)  # pyright: ignore[reportUnknownMemberType]  # lists of anything
    if isinstance(type_, GraphQLInputObjectType):
        return _object_coercer(type_, inside)
    if not isinstance(type_, (GraphQLScalarType, GraphQLEnumType)):
        raise _Unsure
    coerce_leaf = cast(Coercer, type_.coerce_input_value)

    def coerce(value: object) -> object:
        try:
            return coerce_leaf(value)
        except Exception as error:  # whatever it is, graphql-core says what is wrong
            raise _Unsure from error

    return coerce


def _list_coercer(item_type: object, inside: tuple[object, ...]) -> Coercer:
    required, inner = _required(item_type)
    coerce_item = _coercer(inner, inside)

    def coerce(value: object) -> object:
        if not isinstance(value, list):
            raise _Unsure
        items = cast("list[object]", value)
        if None not in items:
            return [coerce_item(item) for item in items]
        if required:
            raise _Unsure
        return [None if item is None else coerce_item(item) for item in items]

    return coerce


def _object_coercer(type_: GraphQLInputObjectType, inside: tuple[object, ...]) -> Coercer:
    usual = type_.out_type is GraphQLInputObjectType.out_type and not type_.is_one_of
    if type_ in inside or not usual:
        raise _Unsure
    fields: list[tuple[str, bool, Coercer]] = []
    for name, field in type_.fields.items():
        if field.default is not None or field.default_value is not Undefined or field.out_name:
            raise _Unsure
        required, inner = _required(cast(object, field.type))
        fields.append((name, required, _coercer(inner, (*inside, type_))))
    names = frozenset(type_.fields)

    def coerce(value: object) -> object:
        if not isinstance(value, dict):
            raise _Unsure
        given = cast("dict[str, object]", value)
        if not given.keys() <= names:
            raise _Unsure
        coerced: dict[str, object] = {}
        for name, required, coerce_field in fields:
            found = given.get(name)
            if found is not None:
                coerced[name] = coerce_field(found)
            elif required:
                raise _Unsure
            elif name in given:
                coerced[name] = None
        return coerced

    return coerce
