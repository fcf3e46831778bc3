"""The currencies of ISO 4217, those of the past too, from Babel's data."""

from __future__ import annotations

from functools import cache

from babel.numbers import list_currencies

from hansa_sdk import Currency, Invalid


def known_currency(code: str) -> Currency:
    """Return the currency of a code; raises Invalid for a code that never was one.

    One that is no more is good: the bills of last year are in it, and no release of the data may
    make a plugin's declarations or a company's records wrong.
    """
    currency = Currency(code)
    if currency not in _codes():
        raise Invalid(
            f"Expected a currency of ISO 4217, got {code!r}.",
            next_step="Write it like EUR or USD.",
        )
    return currency


@cache
def _codes() -> frozenset[str]:
    return frozenset(list_currencies("en"))
