"""How values are spelt in an answer's JSON: one spelling, written by SQL or Python, read back.

Amounts and decimals are texts (exact, at least two decimals where the column has them), moments
RFC 3339 in UTC with microseconds, durations ISO 8601, enums their names, ids lower-case UUIDs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

import sqlalchemy as sa

from hansa_core.model.meta import FieldMeta, Kind
from hansa_sdk import Quantity

Column: TypeAlias = sa.ColumnElement[Any]  # a column of whatever SQL type

_MOMENT: Final = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
_DURATION: Final = re.compile(
    r"^(?P<sign>-?)P(?=[\dT])(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d{1,6})?)S)?)?$"
)
_DURATION_LENGTH_MAX: Final = 40


def spelt(field: FieldMeta, column: Column) -> Column:
    """Return the JSON-ready spelling of a column that holds values of the field."""
    if field.kind is Kind.ENUM:
        return _spelt_member(field, column)
    return spelt_kind(field.kind, column)


def spelt_kind(kind: Kind, column: Column) -> Column:
    """Return the JSON-ready spelling of a column of a kind, an enum's as it is stored."""
    match kind:
        case Kind.DECIMAL | Kind.MONEY | Kind.QUANTITY:
            return spelt_number(column)
        case Kind.DATE:
            return _bounded(column, sa.Date(), "0001-01-01", "9999-12-31")
        case Kind.INSTANT:
            latest = "9999-12-31 23:59:59.999999+00"
            moment = _bounded(column, sa.DateTime(timezone=True), "0001-01-01 00:00:00+00", latest)
            local = sa.func.timezone(sa.literal_column("'UTC'"), moment)
            return sa.func.to_char(local, sa.literal_column(f"'{_MOMENT}'"))
        case Kind.DURATION:
            return _spelt_duration(column)
        case Kind.JSON | Kind.TRANSLATED:
            return sa.cast(column, sa.JSON())
        case _:
            return column


def _bounded(
    column: Column,
    type_: sa.types.TypeEngine[Any],  # of whatever Python type
    earliest: str,
    latest: str,
) -> Column:
    """Return moments as Python knows them: asyncpg stores its first and last as infinity."""
    first, last = (sa.literal_column(f"'{text}'", type_) for text in (earliest, latest))
    bounded = sa.func.least(sa.func.greatest(column, first), last)
    return sa.case((column.is_not(None), bounded))


def spelt_number(column: Column) -> Column:
    """Return an exact number as text; zeros behind its second decimal are left out."""
    places = sa.func.greatest(sa.literal_column("2"), sa.func.min_scale(column))
    return sa.cast(
        sa.case(
            (sa.func.scale(column) > sa.literal_column("2"), sa.func.round(column, places)),
            else_=column,
        ),
        sa.Text(),
    )


def _spelt_duration(column: Column) -> Column:
    # Sessions write intervals in the style iso_8601; the sign goes before the P, as we read it.
    zero = sa.literal_column("interval '0'", sa.Interval())
    positive = sa.cast(sa.func.justify_hours(column), sa.Text())
    negative = sa.literal_column("'-'").op("||")(
        sa.cast(sa.func.justify_hours(zero - column), sa.Text())
    )
    return sa.case((column < zero, negative), (column.is_not(None), positive))


def _spelt_member(field: FieldMeta, column: Column) -> Column:
    members = field.members
    if all(name == value.upper() and value.isascii() for name, value in members.items()):
        return sa.func.upper(column)
    return sa.case(
        {value: sa.literal(name, sa.Text()) for name, value in members.items()}, value=column
    )


def read_value(field: FieldMeta, spelling: object) -> object:
    """Return the value of a spelling, as rows hold it; None stays None."""
    if spelling is None:
        return None
    if field.kind is Kind.ENUM:
        return field.members.get(str(spelling), str(spelling))
    if field.kind is Kind.QUANTITY:
        found = cast("Mapping[str, str]", spelling)
        return Quantity(Decimal(found["value"]), found["unit"])
    reader = _READERS.get(field.kind)
    return reader(str(spelling)) if reader else spelling


def write_value(field: FieldMeta, value: object) -> object:
    """Return the spelling of a value as rows hold it, ready for a JSON encoder."""
    match value:
        case bool() | None:
            return value
        case Decimal():
            return decimal_text(value)
        case int() if field.kind in (Kind.DECIMAL, Kind.MONEY):
            return str(value)
        case datetime():
            return moment_text(value)
        case date() | UUID():
            return str(value)
        case timedelta():
            return duration_text(value)
        case Quantity():
            return {"value": decimal_text(value.value), "unit": value.unit}
        case str() if field.kind is Kind.ENUM:
            return next((n for n, stored in field.members.items() if stored == value), value)
        case _:
            return value


def decimal_text(value: Decimal) -> str:
    """Write a decimal without exponent, and without zeros behind its second decimal."""
    whole, dot, decimals = format(value, "f").partition(".")
    if not dot:
        return whole
    return f"{whole}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def moment_text(value: datetime) -> str:
    """Write an aware moment as RFC 3339 in UTC."""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def duration_text(value: timedelta) -> str:
    """Write a duration as ISO 8601: days, hours, minutes, seconds."""
    sign = "-" if value < timedelta(0) else ""
    value = abs(value)
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    days = f"{value.days}D" if value.days else ""
    parts = [(hours, "H"), (minutes, "M")]
    clock = "".join(f"{number}{letter}" for number, letter in parts if number)
    if seconds or fraction:
        clock += f"{seconds}{fraction}S"
    return f"{sign}P{days}{'T' + clock if clock else ''}" if days or clock else "PT0S"


def read_duration(text: str) -> timedelta | None:
    """Read an ISO 8601 duration of fixed length; None for another text.

    Raises OverflowError for one that is too long.
    """
    match = _DURATION.match(text) if len(text) <= _DURATION_LENGTH_MAX else None
    if match is None:
        return None
    number = {
        name: Decimal(found) for name, found in match.groupdict().items() if found and found != "-"
    }
    days = number.get("weeks", Decimal(0)) * 7 + number.get("days", Decimal(0))
    seconds = (
        number.get("hours", Decimal(0)) * 3600
        + number.get("minutes", Decimal(0)) * 60
        + number.get("seconds", Decimal(0))
    )
    result = timedelta(days=int(days), microseconds=int(seconds * 1_000_000))
    return -result if match["sign"] else result


_READERS: Final[dict[Kind, Callable[[str], object]]] = {
    Kind.DECIMAL: Decimal,
    Kind.MONEY: Decimal,
    Kind.INSTANT: datetime.fromisoformat,
    Kind.DATE: date.fromisoformat,
    Kind.DURATION: read_duration,
    Kind.UUID: UUID,
    Kind.REFERENCE: UUID,
    Kind.INTEGER: int,
}
