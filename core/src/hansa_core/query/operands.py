"""Operands of conditions: what a field may be compared with, checked and made plain."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from typing import Final, cast
from uuid import UUID

from hansa_core.model.meta import TEXT_KINDS, FieldMeta, Kind
from hansa_core.query.late import Late, later
from hansa_sdk import Invalid, LimitExceeded
from hansa_sdk.predicates import Operator

VALUES_MAX: Final = 10_000
"""How many values `in` takes."""

_ORDERING: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "in", "is_null"})
_TEXTUAL: Final = _ORDERING | {"contains", "starts_with", "ends_with"}
_OPERATORS: Final[Mapping[Kind, frozenset[str]]] = {
    **dict.fromkeys(Kind, _ORDERING),
    **dict.fromkeys(TEXT_KINDS, _TEXTUAL),
    Kind.QUANTITY: _ORDERING - {"in"},
    Kind.TEXT_LIST: frozenset({"contains", "is_null"}),
    Kind.JSON: frozenset({"is_null"}),
    Kind.TRANSLATED: frozenset({"is_null"}),
}
_EXPECTED: Final[Mapping[Kind, str]] = {
    Kind.INTEGER: "a whole number of at most 64 bits",
    Kind.BOOLEAN: "true or false",
    Kind.DECIMAL: "a finite Decimal",
    Kind.MONEY: "a Money or a finite Decimal",
    Kind.QUANTITY: "a Quantity",
    Kind.DATE: "a date",
    Kind.INSTANT: "a datetime with its zone",
    Kind.DURATION: "a duration",
    Kind.UUID: "a UUID",
    Kind.REFERENCE: "a record's UUID",
}


def check_operator(entity: str, field: FieldMeta, operator: Operator) -> None:
    """Raise Invalid when the field's kind has no such operator."""
    if not field.in_sql:
        raise Invalid(
            f"{entity}.{field.name} is computed in Python, so it cannot filter or order records.",
            next_step="Use the stored fields it is computed from, or declare it by formula(...).",
            path=(field.name,),
        )
    allowed = _OPERATORS[field.kind]
    if operator not in allowed:
        raise Invalid(
            f"{entity}.{field.name} is of kind {field.kind}, which has no {operator}.",
            next_step=f"It has {', '.join(sorted(allowed))}.",
            path=(field.name,),
        )


def plain_values(field: FieldMeta, values: object) -> tuple[object, ...]:
    """Return the values of an `in`, each as `plain_value` makes it; LimitExceeded past 10,000."""
    if isinstance(values, Late):
        return later(values, lambda given: plain_values(field, given))
    if isinstance(values, str) or not isinstance(values, Collection):
        raise _refused(field, "a list of values", values)
    listed = cast("Collection[object]", values)
    if len(listed) > VALUES_MAX:
        raise LimitExceeded(
            f"{field.name}: {len(listed)} values in one list; at most {VALUES_MAX} are taken.",
            next_step="Ask in several requests.",
            path=(field.name,),
        )
    return tuple(plain_value(field, value) for value in listed)


def plain_value(field: FieldMeta, value: object) -> object:
    """Return `value` as rows hold it: text for an enum's member, Decimal for a whole number.

    Raises Invalid when the field can never have such a value. Amounts come without their unit.
    """
    if isinstance(value, Late):
        return later(value, lambda given: plain_value(field, given))
    if field.kind in TEXT_KINDS or field.kind is Kind.TEXT_LIST:
        return _text(field, value)
    if field.kind in (Kind.DECIMAL, Kind.MONEY, Kind.QUANTITY):
        value = Decimal(value) if type(value) is int else value
    if not _fits(field.kind, value):
        raise _refused(field, _EXPECTED.get(field.kind, "another value"), value)
    return value


def _fits(kind: Kind, value: object) -> bool:
    match kind:
        case Kind.INTEGER:
            return type(value) is int and -(2**63) <= value < 2**63
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.DECIMAL | Kind.MONEY | Kind.QUANTITY:
            return isinstance(value, Decimal) and value.is_finite()
        case Kind.DATE:
            return isinstance(value, date) and not isinstance(value, datetime)
        case Kind.INSTANT:
            return isinstance(value, datetime) and value.utcoffset() is not None
        case Kind.DURATION:
            return isinstance(value, timedelta)
        case Kind.UUID | Kind.REFERENCE:
            return isinstance(value, UUID)
        case _:
            return False


def _text(field: FieldMeta, value: object) -> str:
    plain = cast(object, value.value) if isinstance(value, Enum) else value
    if not isinstance(plain, str):
        raise _refused(field, "text", value)
    check_text(field.name, plain)
    return str.__str__(plain)


def check_text(name: str, text: str) -> None:
    """Raise Invalid for text no database holds: NUL, or half of a surrogate pair."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Invalid(
            f"{name} compares with Unicode text without NUL; got {text!r:.80}.",
            next_step="Correct the value.",
            path=(name,),
        )


def member(field: FieldMeta, value: object) -> object:
    """Return a value; raises Invalid with near values when it is none of the field's enum."""
    if isinstance(value, Late):
        return later(value, lambda given: member(field, given))
    if field.kind is Kind.ENUM and field.values and value not in field.values:
        near = get_close_matches(str(value), field.values, n=3)
        raise Invalid(
            f"{field.name} has no value {value!r}.",
            next_step=f"Did you mean {' or '.join(near)}?"
            if near
            else f"It has {', '.join(field.values)}.",
            path=(field.name,),
        )
    return value


def _refused(field: FieldMeta, expected: str, value: object) -> Invalid:
    found = "nothing" if value is None else f"{type(value).__name__} {value!r:.80}"
    return Invalid(
        f"{field.name} compares with {expected}; got {found}.",
        next_step="Correct the value.",
        path=(field.name,),
        params={"expected": expected},
    )
