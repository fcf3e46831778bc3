"""Whether what a plugin declares as a value, a default or a seed's, is of the declared type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, cast
from uuid import UUID

from hansa_core.model.currencies import known_currency
from hansa_core.model.meta import FieldMeta, Kind
from hansa_core.model.types import ValueType
from hansa_sdk import Currency, Email, Invalid, Link, Money, Phone, Quantity, Translated, Url

_CLASSES: Final[Mapping[Kind, tuple[type[object], str]]] = {
    Kind.TEXT: (str, "a text"),
    Kind.TRANSLATED: (Translated, "a Translated"),
    Kind.BOOLEAN: (bool, "True or False"),
    Kind.MONEY: (Money, "a Money"),
    Kind.QUANTITY: (Quantity, "a Quantity"),
    Kind.DURATION: (timedelta, "a timedelta"),
    Kind.UUID: (UUID, "a UUID"),
    Kind.CURRENCY: (Currency, "a Currency"),
    Kind.EMAIL: (Email, "an Email"),
    Kind.PHONE: (Phone, "a Phone"),
    Kind.URL: (Url, "a Url"),
    Kind.REFERENCE: (Link, "a Link or None"),
}


def expected_in(field: FieldMeta, value: object) -> str:
    """Return what a value of the field is; empty where `value` is one."""
    expected = expected_value(ValueType(field.kind, field.nullable, field.enum), value)
    if expected or field.max_length is None or not isinstance(value, str):
        return expected
    return f"at most {field.max_length} characters" if len(value) > field.max_length else ""


def expected_value(type_: ValueType, value: object) -> str:
    """Return what a value of the type is; empty where `value` is one."""
    if value is None:
        return "" if type_.nullable else "a value, as its type has no None"
    if type_.enum is not None:
        return "" if isinstance(value, type_.enum) else f"a member of {type_.enum.__name__}"
    if type_.kind in _CLASSES:
        cls, expected = _CLASSES[type_.kind]
        if not isinstance(value, cls):
            return expected
        code = value.currency if isinstance(value, Money) else None
        return _expected_code(value if isinstance(value, Currency) else code)
    fits, expected = _CHECKS[type_.kind]
    return "" if fits(value) else expected


def _expected_code(code: Currency | None) -> str:
    try:
        if code is not None:
            known_currency(code)
    except Invalid:
        return "a currency of ISO 4217"
    return ""


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _json(value: object) -> bool:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return all(isinstance(key, str) and _json(item) for key, item in pairs)
    if isinstance(value, (list, tuple)):
        return all(_json(item) for item in cast("Sequence[object]", value))
    if isinstance(value, Decimal):
        return value.is_finite()
    return value is None or isinstance(value, (str, int))


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, str) for item in cast("list[object]", value)
    )


_CHECKS: Final[Mapping[Kind, tuple[Callable[[object], bool], str]]] = {
    Kind.INTEGER: (_whole, "a whole number"),
    Kind.DECIMAL: (
        lambda value: isinstance(value, Decimal) and value.is_finite(),
        "a finite Decimal",
    ),
    Kind.DATE: (
        lambda value: isinstance(value, date) and not isinstance(value, datetime),
        "a date",
    ),
    Kind.INSTANT: (
        lambda value: isinstance(value, datetime) and value.utcoffset() is not None,
        "a datetime with its zone",
    ),
    Kind.TEXT_LIST: (_texts, "a list of texts"),
    Kind.JSON: (_json, "a JSON value with exact numbers"),
}
