"""How values are written in an answer, and how values of a document are read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import cast
from uuid import UUID

from hansa_core.model.meta import FieldMeta, Kind
from tests.core.query.reference.rows import LENGTHS


def written(field: FieldMeta, value: object) -> object:
    """Return a value of a field as an answer has it."""
    if field.kind is Kind.ENUM and value is not None:
        (name,) = [name for name, stored in field.members.items() if stored == value]
        return name
    return plain(value)


def plain(value: object) -> object:
    """Return a value as an answer has it: texts for all but numbers, truths and documents."""
    match value:
        case Decimal():
            return decimal_text(value)
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        case date():
            return value.isoformat()
        case timedelta():
            return duration_text(value)
        case UUID():
            return str(value)
        case _:
            return value


def decimal_text(value: Decimal) -> str:
    """Return the text of a decimal: no zeros at its end, save for its first two decimals."""
    text = f"{value:f}"
    while "." in text and text.endswith("0") and len(text.partition(".")[2]) > 2:
        text = text[:-1]
    return text


def duration_text(value: timedelta) -> str:
    """Return a duration in days, hours, minutes and seconds."""
    rest = abs(value) // timedelta(microseconds=1)
    rest, micro = divmod(rest, 1_000_000)
    rest, seconds = divmod(rest, 60)
    rest, minutes = divmod(rest, 60)
    days, hours = divmod(rest, 24)
    clock = f"{hours}H" * (hours > 0) + f"{minutes}M" * (minutes > 0)
    if seconds or micro:
        clock += f"{seconds}.{micro:06}".rstrip("0").rstrip(".") + "S"
    text = f"{days}D" * (days > 0) + (f"T{clock}" if clock else "")
    return ("-" if value < timedelta(0) else "") + f"P{text or 'T0S'}"


def read(field: FieldMeta, given: object) -> object:
    """Return a value of a document as rows hold it."""
    match field.kind:
        case Kind.ENUM:
            return field.members[str(given)]
        case Kind.DECIMAL | Kind.MONEY:
            return Decimal(str(given))
        case Kind.DATE:
            return date.fromisoformat(str(given))
        case Kind.INSTANT:
            return datetime.fromisoformat(str(given))
        case Kind.DURATION:
            return {duration_text(each): each for each in LENGTHS}[cast(str, given)]
        case Kind.UUID | Kind.REFERENCE:
            return UUID(str(given))
        case _:
            return given
