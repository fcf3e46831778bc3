"""Checking one value against its field: what comes in is validated once, here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Final, cast
from urllib.parse import urlsplit
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from hansa_core.model.currencies import known_currency
from hansa_core.model.meta import FieldMeta, Kind
from hansa_sdk import HansaError, Invalid

TEXT_LENGTH_MAX: Final = 100_000
"""Characters a text may have where its field says nothing."""

_JSON_DEPTH_MAX: Final = 32
_JSON_DIGITS_MAX: Final = 100
_INTEGER_MAX: Final = 2**53 - 1
_SCALES: Final[Mapping[Kind, int]] = {Kind.DECIMAL: 6, Kind.MONEY: 4, Kind.QUANTITY: 6}
_DIGITS: Final = 20


def check_value(field: FieldMeta, value: object) -> object:
    """Return the plain value to store; raises Invalid with the field's name as its path."""
    if value is None:
        if field.nullable:
            return None
        raise _invalid(field, "a value", "nothing")
    return _CHECKS[field.kind](field, value)


def check_unit(field: FieldMeta, value: object) -> str | None:
    """Return the unit of a quantity as text; raises Invalid."""
    return None if value is None else _text(field, value)


def _invalid(field: FieldMeta, expected: str, found: str, next_step: str = "") -> Invalid:
    return Invalid(
        f"{field.label}: expected {expected}, got {found}.",
        next_step=next_step,
        path=(field.name,),
        params={"field": field.name, "expected": expected},
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(field: FieldMeta, value: object) -> str:
    text = _any_text(field, value)
    if field.required and not text.strip():
        raise _invalid(field, "a text that is not empty", _shown(value))
    return text


def _any_text(field: FieldMeta, value: object) -> str:
    if not isinstance(value, str):
        raise _invalid(field, "a text", _shown(value))
    if "\x00" in value:
        raise _invalid(field, "a text without NUL characters", _shown(value))
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _invalid(field, "valid Unicode text", _shown(value)) from None
    most = field.max_length or TEXT_LENGTH_MAX
    if len(value) > most:
        raise _invalid(field, f"at most {most} characters", f"{len(value)}", "Shorten the text.")
    return str.__str__(value)


def _email(field: FieldMeta, value: object) -> str:
    text = _text(field, value)
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise _invalid(field, "an e-mail address", _shown(text), str(error)) from None


def _url(field: FieldMeta, value: object) -> str:
    text = _text(field, value)
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        good = False
    if not good:
        raise _invalid(field, "an address like https://example.org", _shown(text))
    return text


def _phone(field: FieldMeta, value: object) -> str:
    text = _text(field, value)
    if not any(character.isdigit() for character in text):
        raise _invalid(field, "a telephone number with digits", _shown(text))
    return text


def _currency(field: FieldMeta, value: object) -> str:
    text = _text(field, value)
    try:
        return str.__str__(known_currency(text))
    except HansaError as error:
        raise error.under(field.name) from None


def _enum(field: FieldMeta, value: object) -> str:
    text = str.__str__(value) if isinstance(value, str) else ""
    if text not in field.values:
        raise _invalid(field, f"one of {', '.join(field.values)}", _shown(value))
    return text


def _integer(field: FieldMeta, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _invalid(field, "a whole number", _shown(value))
    if abs(value) > _INTEGER_MAX:
        raise _invalid(field, f"a number up to {_INTEGER_MAX}", _shown(value))
    return value


def _boolean(field: FieldMeta, value: object) -> bool:
    if not isinstance(value, bool):
        raise _invalid(field, "true or false", _shown(value))
    return value


def _decimal(field: FieldMeta, value: object) -> Decimal:
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        raise _invalid(field, "an exact decimal number", _shown(value), 'Write it like "10.50".')
    scale = _SCALES[field.kind]
    if value != 0 and value.adjusted() >= _DIGITS - scale:
        raise _invalid(
            field, f"at most {_DIGITS - scale} digits before the point", _shown(str(value))
        )
    # Of its own precision: the default one would round a long tail away.
    exact = Context(prec=max(1, len(value.as_tuple().digits)))
    places = -cast(int, value.normalize(exact).as_tuple().exponent)
    if places > scale:
        raise _invalid(field, f"at most {scale} decimals", _shown(str(value)), "Round it first.")
    return value


def _date(field: FieldMeta, value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise _invalid(field, "a date like 2026-01-31", _shown(value))
    return value


def _instant(field: FieldMeta, value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise _invalid(field, "a time with its offset, like 2026-01-31T10:00:00Z", _shown(value))
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise _invalid(field, "a time between the years 1 and 9999 in UTC", _shown(value)) from None


def _duration(field: FieldMeta, value: object) -> timedelta:
    if not isinstance(value, timedelta):
        raise _invalid(field, "a duration", _shown(value))
    return value


def _uuid(field: FieldMeta, value: object) -> UUID:
    if not isinstance(value, UUID):
        raise _invalid(field, "an id", _shown(value))
    return value


def _texts(field: FieldMeta, value: object) -> list[str]:
    if not isinstance(value, (list, tuple)):
        raise _invalid(field, "a list of texts", _shown(value))
    return [_any_text(field, item) for item in cast("Sequence[object]", value)]


def _json(field: FieldMeta, value: object, depth: int = 0) -> object:
    """Check and copy a JSON value, so that nobody else's later change reaches the record."""
    if depth > _JSON_DEPTH_MAX:
        raise _invalid(field, f"JSON of at most {_JSON_DEPTH_MAX} levels", "a deeper one")
    if isinstance(value, float):
        raise _invalid(field, "exact numbers", "a float", "Write decimals as texts.")
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {_any_text(field, key): _json(field, item, depth + 1) for key, item in pairs}
    if isinstance(value, (list, tuple)):
        return [_json(field, item, depth + 1) for item in cast("Sequence[object]", value)]
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        number = Decimal(value)
        # Digits are spelt out where it is stored and told: 1e999999999 would be a gigabyte.
        if not number.is_finite() or abs(number.adjusted()) > _JSON_DIGITS_MAX:
            raise _invalid(field, f"numbers of at most {_JSON_DIGITS_MAX} digits", "a longer one")
        return value
    if value is None or isinstance(value, bool):
        return value
    return _any_text(field, value)


def _translated(field: FieldMeta, value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _invalid(field, "texts by language", _shown(value), 'Like {"en": "Open"}.')
    texts = cast("Mapping[object, object]", value)
    return {_any_text(field, language): _any_text(field, text) for language, text in texts.items()}


_CHECKS: Final[Mapping[Kind, Callable[[FieldMeta, object], object]]] = {
    Kind.TEXT: _text,
    Kind.EMAIL: _email,
    Kind.PHONE: _phone,
    Kind.URL: _url,
    Kind.CURRENCY: _currency,
    Kind.ENUM: _enum,
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: _boolean,
    Kind.DECIMAL: _decimal,
    Kind.MONEY: _decimal,
    Kind.QUANTITY: _decimal,
    Kind.DATE: _date,
    Kind.INSTANT: _instant,
    Kind.DURATION: _duration,
    Kind.UUID: _uuid,
    Kind.REFERENCE: _uuid,
    Kind.TEXT_LIST: _texts,
    Kind.JSON: _json,
    Kind.TRANSLATED: _translated,
}
