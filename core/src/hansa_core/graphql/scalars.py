"""Scalars: how exact decimals, moments, durations and codes are written in GraphQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, cast
from uuid import UUID

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLError,
    GraphQLScalarType,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
)

from hansa_core.query.spelling import decimal_text, duration_text, moment_text, read_duration
from hansa_sdk import Money, Translated

_DECIMAL = re.compile(r"^[+-]?[0-9]{1,30}(\.[0-9]{1,30})?$")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)$")
_LARGEST_INTEGER: Final = 2**53 - 1  # what every JSON reader keeps exactly
_LARGEST_EXPONENT: Final = 1000  # of a number inside a JSON value


def parse_decimal(value: object) -> Decimal:
    """Read an exact decimal from a string or a whole number; raises GraphQLError."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        found = "a number with a fraction" if isinstance(value, (float, Decimal)) else _say(value)
        raise GraphQLError(
            f"Expected an exact decimal as a string, found {found}: JSON numbers lose digits. "
            'Write it in quotes, like "10.50".'
        )
    text = str(value).strip()
    if not _DECIMAL.match(text):
        raise GraphQLError(f'Expected a decimal like "10.50", found {_say(value)}.')
    return Decimal(text)


def parse_moment(value: object) -> datetime:
    """Read an aware moment as RFC 3339; raises GraphQLError for one without a zone."""
    if isinstance(value, str) and _MOMENT.match(value):
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise GraphQLError(
        "Expected a moment with its zone (RFC 3339) like 2026-01-31T09:30:00Z or "
        f"2026-01-31T10:30:00+01:00, found {_say(value)}."
    )


def parse_date(value: object) -> date:
    """Read a calendar date; raises GraphQLError."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise GraphQLError(f"Expected a date like 2026-01-31, found {_say(value)}.")


def parse_duration(value: object) -> timedelta:
    """Read an ISO 8601 duration of fixed length; raises GraphQLError."""
    try:
        found = read_duration(value) if isinstance(value, str) else None
    except OverflowError:
        raise GraphQLError(f"The duration {_say(value)} is too long.") from None
    if found is None:
        raise GraphQLError(f"Expected a duration like PT1H30M or P2D, found {_say(value)}.")
    return found


def parse_uuid(value: object) -> UUID:
    """Read a UUID; raises GraphQLError."""
    if isinstance(value, str):
        try:
            return UUID(value)
        except ValueError:
            pass
    raise GraphQLError(f"Expected a UUID, found {_say(value)}.")


def literal_value(node: ValueNode) -> object:
    """Turn a constant literal into plain data; numbers with a fraction become decimals."""
    if isinstance(node, (StringValueNode, EnumValueNode, BooleanValueNode)):
        return node.value
    if isinstance(node, IntValueNode):
        return _number(int, node.value)
    if isinstance(node, FloatValueNode):
        return _number(Decimal, node.value)
    if isinstance(node, ListValueNode):
        return [literal_value(item) for item in node.values]
    if isinstance(node, ObjectValueNode):
        return {item.name.value: literal_value(item.value) for item in node.fields}
    if isinstance(node, NullValueNode):
        return None
    raise GraphQLError("A variable inside a JSON literal is not possible; pass the whole value.")


def _number(read: Callable[[str], int | Decimal], text: str) -> int | Decimal:
    try:
        return read(text)
    except (ValueError, ArithmeticError):  # more digits than Python converts, a huge exponent
        raise GraphQLError(f"The number {_say(text)} is too large or too small.") from None


def _parse_text(value: object) -> str:
    """Take a string as it is: the form of addresses and codes is checked with the record."""
    if isinstance(value, str):
        return value
    raise GraphQLError(f"Expected a string, found {_say(value)}.")


def _parse_integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_INTEGER:
        return value
    raise GraphQLError(f"Expected a whole number of at most 15 digits, found {_say(value)}.")


def _write_integer(value: object) -> int:
    assert isinstance(value, int)
    return value


def _write_json(value: object) -> object:
    return dict(value.texts) if isinstance(value, Translated) else value


def _parse_json(value: object) -> object:
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal) and not (
        value.is_finite() and abs(value.adjusted()) <= _LARGEST_EXPONENT
    ):
        raise GraphQLError(f"The number {_say(value)} is too large or too small.")
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value).items()
        return {name: _parse_json(item) for name, item in pairs}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_parse_json(item) for item in cast("Sequence[object]", value)]
    return value


def _write_moment(value: object) -> str:
    assert isinstance(value, datetime)
    return moment_text(value)


def _write_decimal(value: object) -> str:
    if isinstance(value, Money):
        return decimal_text(value.value)
    return decimal_text(value if isinstance(value, Decimal) else Decimal(str(value)))


def _write_duration(value: object) -> str:
    assert isinstance(value, timedelta)
    return duration_text(value)


def _say(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _literal(parse: Callable[[object], object]) -> Callable[[ValueNode], object]:
    return lambda node: parse(literal_value(node))


def _scalar(
    name: str,
    description: str,
    write: Callable[[object], object],
    parse: Callable[[object], object],
) -> GraphQLScalarType:
    return GraphQLScalarType(
        name,
        description=description,
        coerce_output_value=write,
        coerce_input_value=parse,
        coerce_input_literal=_literal(parse),
    )


DECIMAL: Final = _scalar(
    "Decimal",
    'An exact decimal number as a string, like "10.50". A JSON number with a fraction is refused.',
    _write_decimal,
    parse_decimal,
)
BIG_INT: Final = _scalar(
    "BigInt",
    "A whole number between -(2^53 - 1) and 2^53 - 1, as a JSON number.",
    _write_integer,
    _parse_integer,
)
DATE_TIME: Final = _scalar(
    "DateTime",
    "A moment with its zone, as RFC 3339 says: 2026-01-31T09:30:00Z. Answers are in UTC, with "
    "microseconds.",
    _write_moment,
    parse_moment,
)
DATE: Final = _scalar("Date", "A calendar date: 2026-01-31.", str, parse_date)
DURATION: Final = _scalar(
    "Duration", "A length of time as ISO 8601 says: PT1H30M, P2D.", _write_duration, parse_duration
)
UUID_SCALAR: Final = _scalar("UUID", "A UUID in its usual form.", str, parse_uuid)
JSON: Final = _scalar("JSON", "Any JSON value.", _write_json, _parse_json)
CURRENCY: Final = _scalar(
    "Currency", "An ISO 4217 code of three capital letters: EUR.", str, _parse_text
)
EMAIL: Final = _scalar("Email", "An e-mail address.", str, _parse_text)
PHONE: Final = _scalar("Phone", "A telephone number as people write it.", str, _parse_text)
URL: Final = _scalar("Url", "An absolute http or https address.", str, _parse_text)
