"""Texts of cells to typed values: by the kind of the field, and by what the whole column shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from hansa_core.model.meta import FieldMeta, Kind
from hansa_core.transfer.columns import ColumnStyle
from hansa_core.transfer.names import folded

_TRUE: Final = frozenset("true t yes y 1 on x wahr ja j vrai oui sí si verdadero sim vero".split())
_FALSE: Final = frozenset("false f no n 0 off falsch nein faux non falso não nao".split())
_GROUPING: Final = str.maketrans("", "", " \u00a0\u202f'\u2019")
_PLAIN_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_ISO_DATE: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DOTTED_DATE: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHED_DATE: Final = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_MIDNIGHT: Final = re.compile(r"[ T]00:00(:00(\.0+)?)?(Z|[+-]00:?00)?$")
_CLOCK: Final = re.compile(r"[ T](\d{1,2}:\d{2}.*)$")
_HOURS: Final = re.compile(r"(-?)(\d+):([0-5]\d)(?::([0-5]\d)(\.\d{1,6})?)?")
_ISO_DURATION: Final = re.compile(
    r"(-?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(\.\d{1,6})?S)?)?"
)
_QUANTITY: Final = re.compile(r"(.*?\d)\s*([^\d\s.,+-].*)", re.DOTALL)


class CellError(ValueError):
    """Why a cell's text is no value of its field."""


class ReferenceText(str):
    """What a cell says of a record referred to: an id or a natural key, not yet looked up."""

    __slots__ = ()


class ValueReader:
    """Reads the cells of one column as values of one field.

    Text is kept to the last character, and an empty cell is None. `style` is what the column as
    a whole showed about its numbers and dates.
    """

    def __init__(self, field: FieldMeta, style: ColumnStyle | None = None) -> None:
        self.field = field
        self._style = style or ColumnStyle()
        self._read = self._reader()

    def read(self, text: str) -> object:
        """Return the cell's value. Raises CellError saying what was expected."""
        if text == "":
            return None
        if "\0" in text:
            raise CellError("a text cannot hold the character NUL")
        return self._read(text)

    def _reader(self) -> Callable[[str], object]:
        simple: Mapping[Kind, Callable[[str], object]] = {
            Kind.EMAIL: str.strip,
            Kind.URL: str.strip,
            Kind.CURRENCY: str.strip,
            Kind.BOOLEAN: _boolean,
            Kind.DURATION: _duration,
            Kind.UUID: _uuid,
            Kind.JSON: _json,
            Kind.TEXT_LIST: _texts,
            Kind.REFERENCE: ReferenceText,
            Kind.TRANSLATED: _translated,
            Kind.ENUM: self._enum,
            Kind.INTEGER: self._integer,
            Kind.DECIMAL: self._decimal,
            Kind.MONEY: self._decimal,
            Kind.QUANTITY: self._quantity,
            Kind.DATE: self._date,
            Kind.INSTANT: self._instant,
        }
        return simple.get(self.field.kind, str)

    def _enum(self, text: str) -> str:
        wanted = folded(text)
        for value in self.field.values:
            if text == value or wanted == folded(value):
                return value
        for member in self.field.enum or ():
            if wanted == folded(member.name):
                return str(member.value)
        raise CellError(f"expected one of {', '.join(self.field.values)}")

    def _integer(self, text: str) -> int:
        value = self._decimal(text)
        if value != value.to_integral_value():
            raise CellError("expected a whole number")
        return int(value)

    def _decimal(self, text: str) -> Decimal:
        plain = text.strip().translate(_GROUPING)
        comma, point = plain.count(","), plain.count(".")
        if comma or point:
            decimal = self._style.decimal_mark(text)
            if decimal is None:
                raise CellError(
                    "it may be a thousands mark or a decimal mark, and the column does not tell; "
                    "write it without thousands marks and with another number of decimals"
                )
            grouping = "," if decimal == "." else "."
            whole, _, rest = plain.partition(decimal)
            if grouping in rest or decimal in rest or not _well_grouped(whole, grouping):
                raise CellError(f"expected a number with {decimal} before its decimals")
            plain = whole.replace(grouping, "") + (f".{rest}" if rest else "")
        if not _PLAIN_NUMBER.fullmatch(plain):
            raise CellError("expected a number")
        return Decimal(plain)

    def _quantity(self, text: str) -> tuple[Decimal, str]:
        match = _QUANTITY.fullmatch(text.strip())
        if match is None:
            raise CellError("expected a number and its unit, like 2.5 kg")
        return self._decimal(match[1]), match[2].strip()

    def _date(self, text: str) -> date:
        plain = _MIDNIGHT.sub("", text.strip())
        if match := _ISO_DATE.fullmatch(plain):
            return _day(match[1], match[2], match[3])
        if match := _DOTTED_DATE.fullmatch(plain):
            return _day(match[3], match[2], match[1])
        if match := _SLASHED_DATE.fullmatch(plain):
            first = self._style.first_of_date(text)
            if first is None:
                raise CellError(
                    "day and month could be either way round, and the column does not tell; "
                    "write it like 2026-01-31"
                )
            day, month = (match[1], match[2]) if first == "day" else (match[2], match[1])
            return _day(match[3], month, day)
        raise CellError("expected a date like 2026-01-31")

    def _instant(self, text: str) -> datetime:
        plain = text.strip()
        clock = _CLOCK.search(plain)
        day = self._date(plain[: clock.start()] if clock else plain)
        if clock is None:
            return datetime.combine(day, time(), UTC)
        written = clock[1] if clock[1].index(":") == 2 else f"0{clock[1]}"
        try:
            at = time.fromisoformat(re.sub(r"\s+(?=[+-])|\s+$", "", written))
        except ValueError:
            raise CellError("expected a moment like 2026-01-31 09:30:00+01:00") from None
        moment = datetime.combine(day, at)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise CellError("expected a moment between the years 1 and 9999") from None


def _well_grouped(whole: str, grouping: str) -> bool:
    """Tell whether thousands marks, where there are any, stand before three digits each."""
    first, *groups = whole.lstrip("+-").split(grouping)
    return not groups or (0 < len(first) <= 3 and all(len(group) == 3 for group in groups))


def _boolean(text: str) -> bool:
    word = text.strip().casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise CellError("expected yes or no, true or false, 1 or 0")


def _day(year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise CellError(f"there is no day {day} in month {month} of {year}") from None


def _duration(text: str) -> timedelta:
    plain = text.strip()
    if match := _HOURS.fullmatch(plain):
        sign, hours, minutes, seconds, fraction = match.groups()
        weeks = days = None
    elif (match := _ISO_DURATION.fullmatch(plain)) and any(match.groups()[1:]):
        sign, weeks, days, hours, minutes, seconds, fraction = match.groups()
    else:
        raise CellError("expected a duration like 1:30 (hours:minutes) or PT1H30M")
    try:
        span = timedelta(
            weeks=int(weeks or 0),
            days=int(days or 0),
            hours=int(hours or 0),
            minutes=int(minutes or 0),
            seconds=int(seconds or 0),
            microseconds=int(((fraction or ".")[1:]).ljust(6, "0") or 0),
        )
    except OverflowError:
        raise CellError("expected a shorter duration") from None
    return -span if sign else span


def _uuid(text: str) -> UUID:
    try:
        return UUID(text.strip())
    except ValueError:
        raise CellError("expected an id like 0190a6b2-5c3e-7000-8000-000000000000") from None


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise CellError("expected JSON") from None


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _texts(text: str) -> list[str]:
    """Read `["a", "b"]`, or `a; b`."""
    if text.lstrip().startswith("["):
        value = _json(text)
        if isinstance(value, list) and all(isinstance(part, str) for part in value):  # pyright: ignore[reportUnknownVariableType]  # JSON's parts are checked here
            return [str(part) for part in value]  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]  # checked above
        raise CellError('expected a list of texts like ["a", "b"]')
    return [part.strip() for part in text.split(";") if part.strip()]


def _translated(text: str) -> object:
    """Read `{"de": "Offen"}`; any other text is English."""
    if text.lstrip().startswith("{"):
        return _json(text)
    return {"en": text}
