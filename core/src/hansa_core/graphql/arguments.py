"""What plugin functions take and give, read from their annotations, as GraphQL types and values."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
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

from hansa_core.graphql.filters import MONEY_INPUT, QUANTITY_INPUT, SCALARS, EnumTypes
from hansa_core.graphql.inputs import InputType
from hansa_core.graphql.lazy import once
from hansa_core.graphql.outputs import QUANTITY_OUTPUT, OutputType
from hansa_core.graphql.request import Info
from hansa_core.graphql.scalars import DECIMAL
from hansa_core.graphql.where import parse_id
from hansa_core.model.currencies import known_currency
from hansa_core.model.meta import Kind, camel, pascal
from hansa_core.model.types import ValueType, value_type
from hansa_core.query.spelling import decimal_text, duration_text
from hansa_core.records.unit import UnitOfWork
from hansa_sdk import (
    Currency,
    Email,
    Entity,
    HansaError,
    Link,
    Money,
    Phone,
    Quantity,
    Translated,
    Url,
)

_TEXT_CLASSES: Final[Mapping[Kind, Callable[[str], object]]] = {
    Kind.EMAIL: Email,
    Kind.PHONE: Phone,
    Kind.URL: Url,
}


_UNNAMED: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.VAR_KEYWORD,
)


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
        if value is None or parameter.kind in _UNNAMED:
            raise TypeError(f"{parameter.name}: {annotation!r}")
        default = cast(object, parameter.default)
        found.append(Parameter(parameter.name, camel(parameter.name), value, link, default))
    return tuple(found)


def result_of(function: Callable[..., object]) -> Any:  # Any: whatever a plugin author wrote
    """Return what a function says it gives."""
    return _resolved(function, inspect.signature(function).return_annotation)


def input_value(value: object) -> object:
    """Write a function's default as a request would write it."""
    match value:
        case StrEnum():
            return value.name.upper()
        case Money():
            return {"amount": decimal_text(value.value), "currency": str(value.currency)}
        case Quantity():
            return {"value": decimal_text(value.value), "unit": value.unit}
        case Translated():
            return dict(value.texts)
        case Decimal():
            return decimal_text(value)
        case timedelta():
            return duration_text(value)
        case date():  # a datetime too
            return value.isoformat()
        case UUID():
            return str(value)
        case Link():
            return str(cast("Link[object]", value).id)
        case _:
            return value


def answered_entity(entity: str, annotation: Any) -> str | None:  # Any: an annotation
    """Return the entity whose record an action's payload shows; None for a plain result."""
    if annotation is None or annotation is type(None):
        return entity
    if isinstance(annotation, type) and issubclass(annotation, Entity):
        return annotation.__entity_name__
    return None


async def call_arguments(
    unit: UnitOfWork, parameters: tuple[Parameter, ...], given: Mapping[str, object]
) -> dict[str, object]:
    """Turn coerced arguments into what the function takes, fetching records; raises NotFound."""
    values: dict[str, object] = {}
    for parameter in parameters:
        if parameter.api_name in given:
            values[parameter.name] = await _value(unit, parameter, given[parameter.api_name])
        elif parameter.required:  # its type has None, else the schema asks for it
            values[parameter.name] = None
    return values


class FunctionTypes:
    """Makes and keeps the GraphQL types of plugin functions' arguments and results."""

    def __init__(self, enums: EnumTypes) -> None:
        self._enums = enums
        self._results: dict[object, GraphQLObjectType] = {
            Money: MONEY,
            Quantity: QUANTITY_OUTPUT,
        }

    def argument(self, plugin: str, parameter: Parameter) -> GraphQLArgument:
        """Return the GraphQL argument of a parameter; its default is the function's."""
        type_ = self._input(plugin, parameter.value)
        asked = type_ if parameter.value.nullable else GraphQLNonNull(type_)
        if parameter.required or parameter.default is None:
            return GraphQLArgument(asked)
        default = GraphQLDefaultInput(value=input_value(parameter.default))
        return GraphQLArgument(asked, default=default)

    def result(self, plugin: str, annotation: Any) -> OutputType:  # Any: an annotation
        """Return the output type of an annotation; raises TypeError where there is none."""
        origin = typing.get_origin(annotation)
        if origin in (typing.Union, types.UnionType):
            rest = [one for one in typing.get_args(annotation) if one is not type(None)]
            if len(rest) == 1:
                return self.result(plugin, rest[0])
        if origin in (list, tuple):
            return GraphQLList(self.result(plugin, typing.get_args(annotation)[0]))
        if annotation in self._results or _is_result_class(annotation):
            return self._dataclass(plugin, annotation)
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
        hints = result_hints(cls)
        # Made when asked: a line of a tree holds lines of its own type.
        return once(
            self._results,
            cls,
            lambda: GraphQLObjectType(
                pascal(plugin) + cls.__name__,
                lambda: {
                    camel(name): GraphQLField(self.result(plugin, hint), resolve=_attribute(name))
                    for name, hint in hints.items()
                },
            ),
        )


def result_parts(annotation: Any) -> Iterator[Any]:  # Any: annotations
    """Yield a result's annotation and those of the fields of its dataclasses, each once.

    Raises TypeError for annotations that cannot be read.
    """
    waiting, seen = [annotation], list[Any]()
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.append(one)
            yield one
            for cls in _classes_in(one):
                if _is_result_class(cls):
                    waiting += result_hints(cls).values()


def result_classes(annotation: Any) -> Iterator[type[object]]:  # Any: an annotation
    """Yield the enums and dataclasses of a result; raises TypeError as `result_parts` does."""
    for part in result_parts(annotation):
        for cls in _classes_in(part):
            if _is_result_class(cls) or issubclass(cls, StrEnum):
                yield cls


def _classes_in(annotation: Any) -> Iterator[type[object]]:  # Any: an annotation
    """Yield the classes an annotation names: Line of `list[Line] | None`."""
    if isinstance(annotation, type) and not typing.get_args(annotation):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _classes_in(part)


def result_hints(cls: type[object]) -> Mapping[str, Any]:  # Any: annotations
    """Return the annotated fields of a result's class; raises TypeError."""
    try:
        return typing.get_type_hints(cls)
    except NameError as error:
        raise TypeError(f"{cls.__name__}: {error}") from error


def _is_result_class(annotation: Any) -> bool:  # Any: an annotation
    """Tell a plugin's dataclass from the SDK's value types, which are dataclasses too."""
    return (
        isinstance(annotation, type)
        and dataclasses.is_dataclass(annotation)
        and annotation not in (Money, Quantity, Translated)
    )


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
        path = (parameter.api_name, "currency")
        return Money(money["amount"], _currency(money["currency"], path))
    if value.kind is Kind.QUANTITY:
        quantity = cast("Mapping[str, Any]", given)  # what QUANTITY_INPUT coerced
        return Quantity(quantity["value"], quantity["unit"])
    if value.kind is Kind.TRANSLATED:
        return Translated(cast("Mapping[str, str]", given))
    if value.kind is Kind.CURRENCY:
        return _currency(str(given), (parameter.api_name,))
    made = _TEXT_CLASSES.get(value.kind)
    return made(str(given)) if made else given


def _currency(code: str, path: tuple[str, ...]) -> Currency:
    try:
        return known_currency(code)
    except HansaError as error:
        raise error.under(*path) from None


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
