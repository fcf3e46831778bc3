"""Codes are those of ISO 4217, and last year's bills keep their currency."""

from __future__ import annotations

import pytest

from hansa_core.model.currencies import known_currency
from hansa_sdk import Currency, Invalid


@pytest.mark.parametrize("code", ["EUR", "JPY", "KWD", "XXX", "BGN", "DEM"])
def test_currency_of_today_or_the_past_is_known(code: str) -> None:
    assert known_currency(code) == Currency(code)


@pytest.mark.parametrize("code", ["ABC", "EUX", "eur", "EURO", ""])
def test_code_of_no_currency_is_refused_with_the_next_step(code: str) -> None:
    with pytest.raises(Invalid, match=f"ISO 4217.*got '{code}'.* Write it") as refused:
        known_currency(code)
    assert "EUR" in refused.value.next_step
