"""What plugin functions take and give, read from their annotations, as GraphQL types and values."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, cast
from uuid import UUID

from graphql import (
    GraphQLArgument,
    GraphQLDefaultInput,
    GraphQLField,
    GraphQLID,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)

from hansa_core.graphql.api import Api
from hansa_core.graphql.filters import MONEY_INPUT, QUANTITY_INPUT, SCALARS, EnumTypes
from hansa_core.graphql.inputs import InputType
from hansa_core.graphql.outputs import QUANTITY_OUTPUT, OutputType, OutputTypes
from hansa_core.graphql.request import Info
from hansa_core.graphql.scalars import DECIMAL
from hansa_core.graphql.where import parse_id
from hansa_core.model.meta import Kind, camel, pascal
from hansa_core.model.types import ValueType, value_type
from hansa_core.records.unit import UnitOfWork
from hansa_sdk import Currency, Email, Entity, Link, Money, Phone, Quantity, Translated, Url

_TEXT_CLASSES: Final[Mapping[Kind, Callable[[str], object]]] = {
    Kind.CURRENCY: Currency,
    Kind.EMAIL: Email,
    Kind.PHONE: Phone,
    Kind.URL: Url,
}


def _amount(source: Money, _info: Info) -> Decimal:
    return source.value


MONEY: Final = GraphQLObjectType(
    "Money",
    {
        "amount": GraphQLField(GraphQLNonNull(DECIMAL), resolve=_amount),
        "currency": GraphQLField(GraphQLNonNull(GraphQLString)),
    },
    description="An exact amount in one currency.",
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a plugin's function. `link`: it takes a reference, not the record."""

    name: str
    api_name: str
    value: ValueType
    link: bool
    default: object

    @property
    def required(self) -> bool:
        """Whether a call must give it."""
        return self.default is inspect.Parameter.empty


def parameters_of(function: Callable[..., object], skip: int) -> tuple[Parameter, ...]:
    """Read a function's arguments behind the first `skip`; raises TypeError for odd ones."""
    found: list[Parameter] = []
    for parameter in list(inspect.signature(function).parameters.values())[skip:]:
        annotation = _resolved(function, parameter.annotation)
        link = _is_link(annotation)
        value = value_type(_unlinked(annotation) if link else annotation)
        if value is None or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            raise TypeError(f"{parameter.name}: {annotation!r}")
        default = cast(object, parameter.default)
        found.append(Parameter(parameter.name, camel(parameter.name), value, link, default))
    return tuple(found)


def result_of(function: Callable[..., object]) -> Any:  # Any: whatever a plugin author wrote
    """Return what a function says it gives."""
    return _resolved(function, inspect.signature(function).return_annotation)


async def call_arguments(
    unit: UnitOfWork, parameters: tuple[Parameter, ...], given: Mapping[str, object]
) -> dict[str, object]:
    """Turn coerced arguments into what the function takes, fetching records; raises NotFound."""
    values: dict[str, object] = {}
    for parameter in parameters:
        if parameter.api_name in given:
            values[parameter.name] = await _value(unit, parameter, given[parameter.api_name])
    return values


class FunctionTypes:
    """Makes and keeps the GraphQL types of plugin functions' arguments and results."""

    def __init__(self, api: Api, enums: EnumTypes, outputs: OutputTypes) -> None:
        self._api = api
        self._enums = enums
        self._outputs = outputs
        self._results: dict[object, GraphQLObjectType] = {
            Money: MONEY,
            Quantity: QUANTITY_OUTPUT,
        }

    def argument(self, plugin: str, parameter: Parameter) -> GraphQLArgument:
        """Return the GraphQL argument of a parameter; its default is the function's."""
        type_ = self._input(plugin, parameter.value)
        if parameter.required and not parameter.value.nullable:
            return GraphQLArgument(GraphQLNonNull(type_))
        default = parameter.default
        plain = isinstance(default, (str, int)) and not isinstance(default, StrEnum)
        shown = plain and parameter.value.kind in (Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN)
        return GraphQLArgument(type_, default=GraphQLDefaultInput(value=default) if shown else None)

    def result(self, plugin: str, annotation: Any) -> OutputType:  # Any: an annotation
        """Return the output type of an annotation; raises TypeError where there is none."""
        origin = typing.get_origin(annotation)
        if origin in (typing.Union, types.UnionType):
            rest = [one for one in typing.get_args(annotation) if one is not type(None)]
            if len(rest) == 1:
                return self.result(plugin, rest[0])
        if origin in (list, tuple):
            return GraphQLList(self.result(plugin, typing.get_args(annotation)[0]))
        if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
            if annotation is Money:
                return MONEY
            return (
                QUANTITY_OUTPUT if annotation is Quantity else self._dataclass(plugin, annotation)
            )
        value = value_type(annotation)
        if value is None or value.kind is Kind.REFERENCE:
            raise TypeError(f"{annotation}")
        if value.enum is not None:
            return self._enums.of_class(value.enum, pascal(plugin) + value.enum.__name__)
        if value.kind is Kind.TEXT_LIST:
            return GraphQLList(GraphQLString)
        return SCALARS[value.kind]

    def _input(self, plugin: str, value: ValueType) -> InputType:
        if value.enum is not None:
            return self._enums.of_class(value.enum, pascal(plugin) + value.enum.__name__)
        if value.kind is Kind.REFERENCE:
            return GraphQLID
        if value.kind is Kind.MONEY:
            return MONEY_INPUT
        if value.kind is Kind.QUANTITY:
            return QUANTITY_INPUT
        if value.kind is Kind.TEXT_LIST:
            return GraphQLList(GraphQLNonNull(GraphQLString))
        return SCALARS[value.kind]

    def _dataclass(self, plugin: str, cls: type[object]) -> GraphQLObjectType:
        if cls not in self._results:
            fields: dict[str, GraphQLField] = {}
            for name, hint in typing.get_type_hints(cls).items():
                type_ = self.result(plugin, hint)
                fields[camel(name)] = GraphQLField(type_, resolve=_attribute(name))
            self._results[cls] = GraphQLObjectType(pascal(plugin) + cls.__name__, fields)
        return self._results[cls]


def _attribute(name: str) -> Callable[[object, Info], object]:
    def resolve(source: object, _info: Info) -> object:
        value: object = getattr(source, name)
        return dict(value.texts) if isinstance(value, Translated) else value

    return resolve


async def _value(unit: UnitOfWork, parameter: Parameter, given: object) -> object:
    value = parameter.value
    if given is None:
        return None
    if value.target is not None:
        id = parse_id(given, (parameter.api_name,))
        if parameter.link:
            return Link[object](id=id, target=value.target)
        return await _record(unit, value.target, id)
    if value.enum is not None:
        return value.enum(str(given))
    if value.kind is Kind.MONEY:
        money = cast("Mapping[str, Any]", given)  # what MONEY_INPUT coerced
        return Money(money["amount"], Currency(money["currency"]))
    if value.kind is Kind.QUANTITY:
        quantity = cast("Mapping[str, Any]", given)  # what QUANTITY_INPUT coerced
        return Quantity(quantity["value"], quantity["unit"])
    if value.kind is Kind.TRANSLATED:
        return Translated(cast("Mapping[str, str]", given))
    made = _TEXT_CLASSES.get(value.kind)
    return made(str(given)) if made else given


async def _record(unit: UnitOfWork, target: type[Entity], id: UUID) -> Entity:
    return await unit.get(target, id)


def _resolved(function: Callable[..., object], annotation: object) -> Any:  # Any: typing objects
    """Evaluate one annotation where its function was written; raises TypeError."""
    if annotation is inspect.Parameter.empty:
        raise TypeError("no annotation")
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    try:
        return typing.get_type_hints(holder, getattr(function, "__globals__", {}))["it"]
    except NameError as error:
        raise TypeError(f"{annotation}: {error}") from error


def _is_link(annotation: Any) -> bool:  # Any: typing's own objects
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(_is_link(part) for part in typing.get_args(annotation))
    return typing.get_origin(annotation) is Link


def _unlinked(annotation: Any) -> Any:  # Any: typing's own objects
    """Turn `Link[Deal] | None` into `Deal | None`."""
    if typing.get_origin(annotation) is Link:
        return typing.get_args(annotation)[0]
    inner = [_unlinked(part) for part in typing.get_args(annotation)]
    return typing.Union[tuple(inner)] if inner else annotation  # noqa: UP007  # made at run time
