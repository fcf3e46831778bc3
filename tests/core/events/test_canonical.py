"""Canonical bytes: one spelling per value, and nothing that loses digits."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.events.canonical import DEPTH_MAX, Plain, canonical_bytes, parse_canonical
from hansa_sdk.errors import Invalid


class Colour(StrEnum):
    RED = "red"


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)
_SCALARS = (
    st.decimals(allow_nan=False, allow_infinity=False)
    | st.uuids()
    | st.dates()
    | st.datetimes(
        min_value=datetime(2, 1, 1),  # noqa: DTZ001  # Hypothesis takes naive bounds
        max_value=datetime(9998, 1, 1),  # noqa: DTZ001  # as above
        timezones=st.timezones(),
    )
    | st.timedeltas()
    | st.sampled_from(Colour)
)


@given(_PLAIN)
def test_plain_values_come_back_equal_when_parsed(value: Plain) -> None:
    data = canonical_bytes(value)
    assert parse_canonical(data) == value
    assert canonical_bytes(parse_canonical(data)) == data


@given(st.dictionaries(_TEXT, _PLAIN | _SCALARS, max_size=6), st.randoms())
def test_bytes_are_the_same_when_keys_come_in_another_order(
    value: dict[str, object], random: object
) -> None:
    keys = list(value)
    getattr(random, "shuffle")(keys)  # noqa: B009  # Hypothesis types its random as object
    assert canonical_bytes({key: value[key] for key in keys}) == canonical_bytes(value)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_keep_value_and_scale(value: Decimal) -> None:
    text = json.loads(canonical_bytes(value))
    assert isinstance(text, str)
    assert "e" not in text.lower()
    back = Decimal(text)
    assert back == value
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent <= 0:
        assert back.as_tuple() == value.as_tuple()


@given(_SCALARS)
def test_one_instant_has_one_spelling_whatever_its_zone(value: object) -> None:
    if isinstance(value, datetime):
        assert canonical_bytes(value.astimezone(UTC)) == canonical_bytes(value)
        # In UTC: Python calls an hour that a zone repeats unequal to everything elsewhere.
        assert datetime.fromisoformat(json.loads(canonical_bytes(value))) == value.astimezone(UTC)


@given(st.lists(_PLAIN, max_size=3), st.floats(), st.lists(_PLAIN, max_size=3))
def test_a_float_is_refused_wherever_it_stands(
    left: list[Plain], number: float, right: list[Plain]
) -> None:
    with pytest.raises(Invalid) as caught:
        canonical_bytes({"lines": [*left, {"amount": number}, *right]})
    assert caught.value.path == ("lines", len(left), "amount")


def test_every_kind_is_spelled_exactly() -> None:
    value = {
        "z": None,
        "a": [True, 1, 'ä"\n'],
        "d": Decimal("1E+3"),
        "c": Decimal("12.3400"),
        "i": UUID(int=7),
        "s": Colour.RED,
        "on": date(2026, 11, 21),
        "at": datetime(2026, 11, 21, 13, 5, tzinfo=timezone(timedelta(hours=1))),
    }
    assert canonical_bytes(value).decode() == (
        '{"a":[true,1,"ä\\"\\n"],"at":"2026-11-21T12:05:00.000000Z","c":"12.3400","d":"1000",'
        '"i":"00000000-0000-0000-0000-000000000007","on":"2026-11-21","s":"red","z":null}'
    )


@pytest.mark.parametrize(
    "value",
    [
        Decimal("NaN"),
        Decimal("Infinity"),
        datetime(2026, 1, 1),  # noqa: DTZ001  # naive on purpose
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        "\ud800",
        {"\ud800": 1},
        {1: "x"},
        b"bytes",
        {1, 2},
        object(),
    ],
)
def test_what_has_no_exact_spelling_is_refused(value: object) -> None:
    with pytest.raises(Invalid, match="expected"):
        canonical_bytes(value)


def test_endless_nesting_is_refused() -> None:
    value: list[object] = []
    for _ in range(DEPTH_MAX + 1):
        value = [value]
    with pytest.raises(Invalid, match="levels"):
        canonical_bytes(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(minutes=1, seconds=30), b'"PT90S"'),
        (timedelta(microseconds=-1), b'"-PT0.000001S"'),
        (timedelta(days=1, milliseconds=500), b'"PT86400.5S"'),
        (timedelta(0), b'"PT0S"'),
    ],
)
def test_duration_is_spelt_in_exact_seconds(value: timedelta, text: bytes) -> None:
    assert canonical_bytes(value) == text
