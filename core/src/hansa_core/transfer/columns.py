"""What a whole column shows about its cells: which decimal mark, which order of day and month."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Part = Literal["day", "month"]

_SLASHED: Final = re.compile(r"\s*(\d{1,2})[/-](\d{1,2})[/-]\d{4}")
_NUMBER: Final = re.compile(r"\s*[+-]?[\d., \u00a0\u202f'\u2019]*\d[^\d.,]*")
_FIRST_GROUP_MAX: Final = 3
_CLOCK: Final = re.compile(r"[ T]\d{1,2}:\d{2}")
_ZONE: Final = re.compile(r":\d{2}(?:[.,]\d+)?\s*(?:Z|[+-]\d{2}(?::?\d{2}){0,2})$", re.IGNORECASE)


@dataclass(slots=True)
class ColumnStyle:
    """Evidence from a column's cells; feed it all of them with `see` before it is asked.

    `zoneless` counts the cells with a time of day and no zone.
    """

    point_decimals: int = 0
    comma_decimals: int = 0
    day_first: int = 0
    month_first: int = 0
    zoneless: int = 0

    def see(self, text: str) -> None:
        """Take one cell into account."""
        mark = certain_decimal_mark(text)
        self.point_decimals += mark == "."
        self.comma_decimals += mark == ","
        first = certain_first(text)
        self.day_first += first == "day"
        self.month_first += first == "month"
        self.zoneless += bool(_CLOCK.search(text)) and not _ZONE.search(text.rstrip())

    def decimal_mark(self, text: str) -> str | None:
        """Return the decimal mark of a number that holds a point or comma; None: cannot tell."""
        certain = certain_decimal_mark(text)
        if certain is not None or bool(self.point_decimals) == bool(self.comma_decimals):
            return certain
        return "." if self.point_decimals else ","

    def first_of_date(self, text: str) -> Part | None:
        """Return what comes first in a date like 03/04/2026; None: cannot tell."""
        match = _SLASHED.match(text)
        if match is not None and int(match[1]) == int(match[2]):
            return "day"  # either way round it is the same date
        certain = certain_first(text)
        if certain is not None or bool(self.day_first) == bool(self.month_first):
            return certain
        return "day" if self.day_first else "month"


def certain_decimal_mark(text: str) -> str | None:
    """Return the decimal mark a number shows by itself.

    >>> [certain_decimal_mark(text) for text in ("1.234,5", "0.125", "1,234")]
    [',', '.', None]
    """
    if not _NUMBER.fullmatch(text):
        return None
    points, commas = text.count("."), text.count(",")
    if points and commas:
        return "," if text.rfind(",") > text.rfind(".") else "."
    if not points and not commas:
        return None
    mark, other = (".", ",") if points else (",", ".")
    if points + commas > 1:
        return other  # twice: it separates thousands
    before, _, after = text.strip().partition(mark)
    whole = re.sub(r"\D", "", before)
    decimals = after[: len(after) - len(after.lstrip("0123456789"))]
    grouped = (
        len(decimals) == 3 and 0 < len(whole) <= _FIRST_GROUP_MAX and not whole.startswith("0")
    )
    return None if grouped else mark


def certain_first(text: str) -> Part | None:
    """Return what comes first in a date that can be read one way only.

    >>> certain_first("31/12/2026"), certain_first("12/31/2026"), certain_first("03/04/2026")
    ('day', 'month', None)
    """
    match = _SLASHED.match(text)
    if match is None:
        return None
    first, second = int(match[1]), int(match[2])
    if first > 12:
        return "day"
    return "month" if second > 12 else None
