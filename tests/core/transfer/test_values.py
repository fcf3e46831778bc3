"""Texts of cells to values."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.model.meta import FieldMeta, Kind
from hansa_core.transfer.columns import ColumnStyle
from hansa_core.transfer.values import CellError, ValueReader


class Level(StrEnum):
    VERY_HIGH = "high"
    LOW = "low"


def reader(kind: Kind, *column: str) -> ValueReader:
    style = ColumnStyle()
    for text in column:
        style.see(text)
    field = FieldMeta(
        name="f",
        api_name="f",
        kind=kind,
        label="F",
        nullable=True,
        column="f",
        values=tuple(Level) if kind is Kind.ENUM else (),
        enum=Level if kind is Kind.ENUM else None,
    )
    return ValueReader(field, style)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.TEXT, "  a\r\nb ", "  a\r\nb "),
        (Kind.TEXT, "", None),
        (Kind.PHONE, "(5) 555-4729 ", "(5) 555-4729 "),
        (Kind.EMAIL, " a@example.org ", "a@example.org"),
        (Kind.INTEGER, " 42 ", 42),
        (Kind.INTEGER, "1,234,567", 1234567),
        (Kind.INTEGER, "12 345", 12345),
        (Kind.DECIMAL, "-1.5", Decimal("-1.5")),
        (Kind.DECIMAL, "1.234,56", Decimal("1234.56")),
        (Kind.DECIMAL, "1,234.56", Decimal("1234.56")),
        (Kind.DECIMAL, "1'234.56", Decimal("1234.56")),
        (Kind.DECIMAL, "0.125", Decimal("0.125")),
        (Kind.DECIMAL, "18.0000", Decimal("18.0000")),
        (Kind.MONEY, "12,5", Decimal("12.5")),
        (Kind.QUANTITY, "2.5 kg", (Decimal("2.5"), "kg")),
        (Kind.BOOLEAN, "Yes", True),
        (Kind.BOOLEAN, "0", False),
        (Kind.ENUM, "high", "high"),
        (Kind.ENUM, "Very High", "high"),
        (Kind.ENUM, "LOW", "low"),
        (Kind.DATE, "1996-07-04", date(1996, 7, 4)),
        (Kind.DATE, "1996-07-04 00:00:00.000", date(1996, 7, 4)),
        (Kind.DATE, "4.7.1996", date(1996, 7, 4)),
        (Kind.DATE, "31/12/1996", date(1996, 12, 31)),
        (Kind.DATE, "12/31/1996", date(1996, 12, 31)),
        (Kind.DATE, "5/5/1996", date(1996, 5, 5)),
        (Kind.INSTANT, "2026-01-31T09:30:00+01:00", datetime(2026, 1, 31, 8, 30, tzinfo=UTC)),
        (Kind.INSTANT, "2026-01-31 9:30", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        (Kind.DURATION, "1:30", timedelta(hours=1, minutes=30)),
        (Kind.DURATION, "PT1H30M", timedelta(hours=1, minutes=30)),
        (Kind.TEXT_LIST, "a; b;", ["a", "b"]),
        (Kind.TEXT_LIST, '["a;", "b"]', ["a;", "b"]),
        (Kind.JSON, '{"a": 1.5}', {"a": Decimal("1.5")}),
        (Kind.TRANSLATED, "Open", {"en": "Open"}),
    ],
)
def test_cell_becomes_a_value(kind: Kind, text: str, value: object) -> None:
    assert reader(kind, text).read(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (Kind.TEXT, "a\0b", "NUL"),
        (Kind.INTEGER, "1.5", "whole number"),
        (Kind.INTEGER, "12a", "a number"),
        (Kind.DECIMAL, "1,234", "column does not tell"),
        (Kind.DECIMAL, "1.234", "column does not tell"),
        (Kind.DECIMAL, "1.23.4", "expected a number"),
        (Kind.DECIMAL, "NaN", "expected a number"),
        (Kind.DECIMAL, "1e999999999", "expected a number"),
        (Kind.BOOLEAN, "maybe", "yes or no"),
        (Kind.ENUM, "medium", "one of high, low"),
        (Kind.DATE, "03/04/2026", "either way round"),
        (Kind.DATE, "31.02.2026", "no day 31 in month 02"),
        (Kind.DATE, "1.2.26", "like 2026-01-31"),
        (Kind.DURATION, "P", "duration"),
        (Kind.UUID, "7", "an id"),
        (Kind.JSON, "{", "JSON"),
        (Kind.JSON, "NaN", "JSON"),
        (Kind.TEXT_LIST, "[1]", "list of texts"),
    ],
)
def test_cell_is_refused_with_a_reason(kind: Kind, text: str, reason: str) -> None:
    with pytest.raises(CellError, match=reason):
        reader(kind, text).read(text)


def test_column_tells_what_a_cell_alone_does_not() -> None:
    assert reader(Kind.DECIMAL, "1,234", "0,5").read("1,234") == Decimal("1.234")
    assert reader(Kind.DECIMAL, "1,234", "0.5").read("1,234") == Decimal(1234)
    assert reader(Kind.DATE, "03/04/2026", "31/01/2026").read("03/04/2026") == date(2026, 4, 3)
    assert reader(Kind.DATE, "03/04/2026", "01/31/2026").read("03/04/2026") == date(2026, 3, 4)


def test_column_that_contradicts_itself_tells_nothing() -> None:
    with pytest.raises(CellError, match="column does not tell"):
        reader(Kind.DECIMAL, "0,5", "0.5").read("1,234")


@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_decimal_is_exact_in_both_notations(value: Decimal) -> None:
    english = f"{value:,.4f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert reader(Kind.DECIMAL, english).read(english) == value
    assert reader(Kind.DECIMAL, german).read(german) == value


@given(value=st.dates())
def test_date_is_read_in_all_notations_that_tell(value: date) -> None:
    dotted = f"{value.day}.{value.month}.{value.year:04}"
    assert reader(Kind.DATE).read(value.isoformat()) == value
    assert reader(Kind.DATE).read(dotted) == value


@given(
    kind=st.sampled_from([kind for kind in Kind if kind is not Kind.REFERENCE]),
    text=st.text(max_size=30) | st.from_regex(r"[-+0-9.,/: TPHMZ]{1,20}", fullmatch=True),
)
def test_any_text_is_a_value_or_refused(kind: Kind, text: str) -> None:
    with suppress(CellError):
        assert (reader(kind, text).read(text) is None) == (text == "")
