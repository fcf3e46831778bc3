"""Scalars: exact, aware, and clear about what they refuse."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from graphql import GraphQLError, GraphQLScalarType, parse_const_value
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.graphql.scalars import (
    BIG_INT,
    DATE,
    DATE_TIME,
    DECIMAL,
    DURATION,
    EMAIL,
    JSON,
    UUID_SCALAR,
    parse_duration,
)
from hansa_core.query.spelling import decimal_text, duration_text


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("10.0000", "10.00"),
        ("10.1250", "10.125"),
        ("3", "3"),
        ("0.000001", "0.000001"),
        ("1E+3", "1000"),
        ("-0.5000", "-0.50"),
    ],
)
def test_decimal_is_written_without_exponent(stored: str, shown: str) -> None:
    assert DECIMAL.coerce_output_value(Decimal(stored)) == shown


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_decimal_loses_nothing_when_written_and_read(value: Decimal) -> None:
    assert Decimal(decimal_text(value)) == value


@pytest.mark.parametrize(
    ("scalar", "given_value", "word"),
    [
        (DECIMAL, 10.5, "fraction"),
        (DECIMAL, Decimal("10.5"), "fraction"),
        (DECIMAL, True, "exact decimal"),
        (DECIMAL, "NaN", "10.50"),
        (DECIMAL, "1e9999999999", "10.50"),
        (DECIMAL, "9" * 100, "10.50"),
        (DATE_TIME, "2026-01-31T09:30:00", "zone"),
        (DATE_TIME, "2026-13-31T09:30:00Z", "zone"),
        (DATE, "2026-02-30", "2026-01-31"),
        (DATE, "20260131", "2026-01-31"),
        (DATE, "2026-W01-1", "2026-01-31"),
        (DURATION, "P1M", "PT1H30M"),
        (DURATION, "P", "PT1H30M"),
        (DURATION, "PT", "PT1H30M"),
        (DURATION, "P" + "9" * 30 + "D", "too long"),
        (UUID_SCALAR, "x", "UUID"),
        (BIG_INT, 2**53, "whole number"),
        (BIG_INT, Decimal("1.5"), "whole number"),
        (EMAIL, 5, "string"),
    ],
)
def test_scalar_refuses_with_a_sentence(
    scalar: GraphQLScalarType, given_value: object, word: str
) -> None:
    with pytest.raises(GraphQLError, match=word):
        scalar.coerce_input_value(given_value)


def test_float_literal_is_refused_as_decimal_and_kept_exact_in_json() -> None:
    literal = parse_const_value("{a: [1.10, 2, null, true, ENUM]}")
    assert DECIMAL.coerce_input_literal is not None
    assert JSON.coerce_input_literal is not None
    with pytest.raises(GraphQLError, match="fraction"):
        DECIMAL.coerce_input_literal(parse_const_value("10.5"))
    assert DECIMAL.coerce_input_literal(parse_const_value("10")) == Decimal(10)
    assert DECIMAL.coerce_input_literal(parse_const_value('"10.50"')) == Decimal("10.50")
    exact = {"a": [Decimal("1.10"), 2, None, True, "ENUM"]}
    assert JSON.coerce_input_literal(literal) == exact


@pytest.mark.parametrize("text", ["9" * 5000, "1e99999999999999999999"])
@pytest.mark.parametrize("scalar", [DECIMAL, BIG_INT, JSON])
def test_enormous_literal_is_refused(scalar: GraphQLScalarType, text: str) -> None:
    assert scalar.coerce_input_literal is not None
    with pytest.raises(GraphQLError, match="too large"):
        scalar.coerce_input_literal(parse_const_value(text))


def test_moment_is_read_in_any_zone_and_written_in_utc() -> None:
    read = DATE_TIME.coerce_input_value("2026-01-31T10:30:00.25+01:00")
    assert read == datetime(2026, 1, 31, 9, 30, 0, 250_000, tzinfo=UTC)
    assert DATE_TIME.coerce_output_value(read) == "2026-01-31T09:30:00.250000Z"
    assert DATE.coerce_output_value(DATE.coerce_input_value("2026-01-31")) == "2026-01-31"
    assert DATE.coerce_input_value("2026-01-31") == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("PT1H30M", timedelta(hours=1, minutes=30)),
        ("P1W2D", timedelta(days=9)),
        ("-PT0.5S", timedelta(seconds=-0.5)),
        ("P1DT12H", timedelta(days=1, hours=12)),
    ],
)
def test_duration_is_read_as_iso_8601(text: str, value: timedelta) -> None:
    assert parse_duration(text) == value


@given(st.timedeltas(min_value=timedelta(days=-9999), max_value=timedelta(days=9999)))
def test_duration_loses_nothing_when_written_and_read(value: timedelta) -> None:
    assert parse_duration(duration_text(value)) == value
