"""From a field's annotation to the kind of its value."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from hansa_core.model.meta import Kind
from hansa_sdk import Currency, Email, Entity, Money, Phone, Quantity, Translated, Url

_KINDS: dict[object, Kind] = {
    str: Kind.TEXT,
    Translated: Kind.TRANSLATED,
    int: Kind.INTEGER,
    bool: Kind.BOOLEAN,
    Decimal: Kind.DECIMAL,
    Money: Kind.MONEY,
    Quantity: Kind.QUANTITY,
    date: Kind.DATE,
    datetime: Kind.INSTANT,
    timedelta: Kind.DURATION,
    UUID: Kind.UUID,
    Currency: Kind.CURRENCY,
    Email: Kind.EMAIL,
    Phone: Kind.PHONE,
    Url: Kind.URL,
}


@dataclass(frozen=True, slots=True)
class ValueType:
    """A field's kind and whether it may be empty; the enum or entity where it has one."""

    kind: Kind
    nullable: bool
    enum: type[StrEnum] | None = None
    target: type[Entity] | None = None


def value_type(annotation: Any) -> ValueType | None:  # Any: whatever a plugin author wrote
    """Read `Field[T]`, `Ref[E]` or a plain `T`; None when the kernel has no kind for it."""
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if getattr(origin, "__name__", "") in ("Field", "Ref", "Many"):
        return value_type(arguments[0])
    nullable = False
    if origin in (typing.Union, types.UnionType):
        nullable = type(None) in arguments
        rest = [argument for argument in arguments if argument is not type(None)]
        if typing.get_origin(rest[0]) is not list and len(rest) > 1:
            return ValueType(Kind.JSON, nullable) if _is_json(rest) else None
        annotation, origin = rest[0], typing.get_origin(rest[0])
        arguments = typing.get_args(annotation)
    if origin is list and arguments == (str,):
        return ValueType(Kind.TEXT_LIST, nullable)
    if not isinstance(annotation, type):
        return None
    if issubclass(annotation, StrEnum):
        return ValueType(Kind.ENUM, nullable, enum=annotation)
    if issubclass(annotation, Entity):
        return ValueType(Kind.REFERENCE, nullable, target=annotation)
    kind = _KINDS.get(cast(object, annotation))
    return ValueType(kind, nullable) if kind else None


def _is_json(members: list[Any]) -> bool:  # Any: typing's own objects
    """The SDK's Json alias arrives as the union of its members."""
    return {str, int, bool, Decimal} <= {member for member in members if isinstance(member, type)}
