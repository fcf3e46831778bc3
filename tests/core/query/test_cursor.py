"""Cursors: exact values come back, and only to the list and caller they were made for."""

from __future__ import annotations

import base64
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.query.cursor import CURSOR_MAX, CursorScope, CursorSealer
from hansa_sdk import Invalid, LimitExceeded, Misconfigured

SCOPE = CursorScope(uuid.UUID(int=1), "user 1", "probe.thing", "id", "f")
SEALER = CursorSealer(b"q" * 32)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(),
    st.uuids(),
    st.dates(),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(),
)


@given(values=st.lists(VALUES, max_size=5))
def test_values_come_back_with_their_types_when_opened(values: list[object]) -> None:
    cursor = SEALER.seal(values, SCOPE)
    opened = SEALER.open(cursor, SCOPE)
    assert [(type(value), str(value)) for value in opened] == [
        (type(value), str(value)) for value in values
    ]
    assert SEALER.seal(values, SCOPE) == cursor
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_cursor_is_refused_when_one_bit_changed(position: int, bit: int) -> None:
    cursor = SEALER.seal([Decimal("1.50"), "x", uuid.UUID(int=5)], SCOPE)
    sealed = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    sealed[position % len(sealed)] ^= 1 << bit
    _refused(base64.urlsafe_b64encode(sealed).decode().rstrip("="), SCOPE)


@pytest.mark.parametrize(
    "cursor", ["", "x", "====", "é", "a b", "A" * 39, "A" * 200_000, "..", "null"]
)
def test_cursor_is_refused_when_it_is_none(cursor: str) -> None:
    _refused(cursor, SCOPE)


@pytest.mark.parametrize(
    "scope",
    [
        replace(SCOPE, tenant=uuid.UUID(int=2)),
        replace(SCOPE, principal="user 2"),
        replace(SCOPE, principal="key 1"),
        replace(SCOPE, entity="probe.box"),
        replace(SCOPE, order="name"),
        replace(SCOPE, filter="g"),
        replace(SCOPE, relation="crm.company.deals"),
    ],
    ids=str,
)
def test_cursor_is_refused_when_used_elsewhere(scope: CursorScope) -> None:
    cursor = SEALER.seal(["x"], SCOPE)
    _refused(cursor, scope)


def test_cursor_is_refused_when_sealed_with_another_key() -> None:
    _refused(CursorSealer(b"z" * 32).seal(["x"], SCOPE), SCOPE)


def test_contents_do_not_show_when_sealed() -> None:
    cursor = SEALER.seal(["a very secret name"], SCOPE)
    assert b"secret" not in base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def test_nonces_differ_when_contents_or_scopes_do() -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(300)]
    cursors = [SEALER.seal([day], SCOPE) for day in days]
    cursors += [SEALER.seal([days[0]], replace(SCOPE, filter=str(n))) for n in range(300)]
    cursors.append(SEALER.seal([datetime(2026, 1, 1, tzinfo=UTC)], SCOPE))
    assert len({cursor[:16] for cursor in cursors}) == len(cursors)


def test_key_is_refused_when_it_is_short() -> None:
    with pytest.raises(Misconfigured):
        CursorSealer(b"short")


def _refused(cursor: str, scope: CursorScope) -> None:
    with pytest.raises(Invalid) as refused:
        SEALER.open(cursor, scope)
    assert refused.value.code == "invalid"
    assert "does not belong to this list" in str(refused.value)


@pytest.mark.parametrize("letter", ["a", "\u20ac", "\U0001f600", "\x01"])
def test_the_longest_text_makes_a_cursor_that_opens(letter: str) -> None:
    values = (letter * 100_000, uuid.UUID(int=5))
    cursor = SEALER.seal(values, SCOPE)
    assert len(cursor) <= CURSOR_MAX
    assert SEALER.open(cursor, SCOPE) == values


def test_a_cursor_that_could_not_be_sent_back_is_refused_when_it_is_made() -> None:
    with pytest.raises(LimitExceeded, match="Order by fields with shorter texts"):
        SEALER.seal(["a" * 100_000] * 8, SCOPE)
