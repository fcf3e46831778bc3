"""Exact JSON bytes: one value has one spelling, so a hash over it means the value.

Keys sorted by code point, UTF-8, no spaces. Decimals are strings without exponent that keep their
scale; instants RFC 3339 in UTC with microseconds; dates ISO 8601; durations in seconds (PT90S).
Floats are refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias, cast
from uuid import UUID

import msgspec

from hansa_sdk.errors import Invalid

Plain: TypeAlias = "bool | int | str | list[Plain] | dict[str, Plain] | None"
"""What JSON holds, without floats."""

DEPTH_MAX: Final = 40
"""How many lists and mappings may be inside each other: a field's JSON, and the event around it."""

_AS_THEY_ARE: Final = frozenset({str, int, bool, type(None), UUID})
"""Types the encoder spells itself; an id as 32 lower-case digits in groups."""
_NAMES: Final = frozenset({str})
_ENCODER: Final = msgspec.json.Encoder(order="sorted")  # of UTF-8's bytes: that is by code point


def canonical_bytes(value: object) -> bytes:
    """Return the bytes of `value`: None, bool, int, str, Decimal, UUID, date, datetime,
    timedelta, enum members of these, and lists and mappings of them.

    Raises Invalid, with the path inside `value`, for floats, naive datetimes, infinite decimals,
    keys that are not text, and every other type; without a path for text that is not Unicode.
    """
    try:
        return _ENCODER.encode(_plain(value, 0))
    except UnicodeEncodeError:
        raise _refused("Unicode text", "half of a surrogate pair") from None


def spelt_out(values: Mapping[str, object]) -> Mapping[str, object]:
    """Return values as `canonical_bytes` spells them, for values that go into many of its texts.

    Raises Invalid as it does.
    """
    return _plain_mapping(cast("Mapping[object, object]", values), 1)


def parse_canonical(data: bytes) -> Plain:
    """Return what `canonical_bytes` wrote; decimals, instants, dates and ids come back as text.

    Raises ValueError when `data` is not JSON.
    """
    return cast(Plain, json.loads(data))


def _plain(value: object, depth: int) -> Plain:
    # The usual kinds first and by exact type: this runs for every value of every write.
    if type(value) in _AS_THEY_ARE:
        return cast(Plain, value)
    if isinstance(value, Enum):
        return _plain(cast(object, value.value), depth)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Mapping):
        return _plain_mapping(cast("Mapping[object, object]", value), depth + 1)
    if isinstance(value, list | tuple):
        return _plain_list(cast("list[object] | tuple[object, ...]", value), depth + 1)
    return _text(value)


def _plain_mapping(value: Mapping[object, object], depth: int) -> dict[str, Plain]:
    _check_depth(depth)
    usual = _AS_THEY_ARE.issuperset(map(type, value.values())) and _NAMES.issuperset(
        map(type, value)
    )
    if usual:
        return cast("dict[str, Plain]", dict(value))
    plain: dict[str, Plain] = {}
    for key, item in value.items():
        if type(key) is str and type(item) in _AS_THEY_ARE:
            plain[key] = cast(Plain, item)
            continue
        if not isinstance(key, str):
            raise _refused("text as a key", repr(key))
        try:
            plain[str(key)] = _plain(item, depth)
        except Invalid as error:
            raise error.under(str(key)) from None
    return plain


def _plain_list(value: list[object] | tuple[object, ...], depth: int) -> list[Plain]:
    _check_depth(depth)
    plain: list[Plain] = []
    for index, item in enumerate(value):
        try:
            plain.append(_plain(item, depth))
        except Invalid as error:
            raise error.under(index) from None
    return plain


def _text(value: object) -> str:
    match value:
        case str():
            return str(value)
        case Decimal():
            if not value.is_finite():
                raise _refused("a finite decimal", str(value))
            return format(value, "f")
        case UUID():
            return str(value)
        case datetime():
            return _instant(value)
        case date():
            return value.isoformat()
        case timedelta():
            return _duration(value)
        case float():
            raise _refused("a Decimal", f"the float {value!r}")
        case _:
            raise _refused("a value an event can hold", f"a {type(value).__name__}")


def _instant(value: datetime) -> str:
    if value.utcoffset() is None:
        raise _refused("a datetime with its zone", f"the naive {value.isoformat()}")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise _refused("an instant between the years 1 and 9999", value.isoformat()) from None
    return utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _duration(value: timedelta) -> str:
    microseconds = value // timedelta(microseconds=1)
    seconds, rest = divmod(abs(microseconds), 1_000_000)
    fraction = f".{rest:06}".rstrip("0") if rest else ""
    return f"{'-' if microseconds < 0 else ''}PT{seconds}{fraction}S"


def _check_depth(depth: int) -> None:
    if depth > DEPTH_MAX:
        raise _refused(f"at most {DEPTH_MAX} levels of lists and mappings", "more")


def _refused(expected: str, found: str) -> Invalid:
    return Invalid(
        f"Event data: expected {expected}, found {found}.",
        next_step="Convert the value before it is written.",
        params={"expected": expected, "found": found},
    )
