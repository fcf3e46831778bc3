"""The seeded currencies and their decimals."""

from __future__ import annotations

import pytest

from hansa_contacts.currencies import currencies_in_use, exponent


def test_currencies_in_use_are_each_there_once() -> None:
    codes = [str(currency.code) for currency in currencies_in_use()]
    assert len(set(codes)) == len(codes) > 140
    assert {"EUR", "USD", "GBP", "CHF", "JPY", "KWD", "XOF"} <= set(codes)
    assert not {"DEM", "XAU", "XTS", "XXX"} & set(codes)
    assert all(1 <= len(currency.symbol) <= 12 for currency in currencies_in_use())


@pytest.mark.parametrize(
    ("code", "decimals"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("RSD", 2), ("IQD", 3), ("CLP", 0)]
)
def test_exponent_is_that_of_iso_4217(code: str, decimals: int) -> None:
    assert exponent(code) == decimals
