"""The currencies of ISO 4217 in use, from Babel's data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from babel.numbers import get_currency_name, get_currency_symbol, get_territory_currencies

from hansa_contacts.countries import territory_codes
from hansa_contacts.entities import KnownCurrency
from hansa_sdk import Currency

# A fixed day: what a release seeds must not depend on the day it runs.
_AS_OF: Final = date(2026, 6, 30)

# Decimals as ISO 4217 has them. Babel's own are those of cash in shops (no cents in Serbia or
# Iraq), which would round invoices.
_EXPONENTS: Final[Mapping[str, int]] = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}


def currencies_in_use() -> tuple[KnownCurrency, ...]:
    """Return every currency that is legal tender in some country, sorted by code."""
    codes = {
        code
        for territory in territory_codes()
        for code in get_territory_currencies(territory, start_date=_AS_OF)
    }
    return tuple(
        KnownCurrency(
            code=Currency(code),
            name=get_currency_name(code, locale="en"),
            symbol=get_currency_symbol(code, locale="en"),
            exponent=exponent(code),
        )
        for code in sorted(codes)
    )


def exponent(code: str) -> int:
    """Return the number of decimals of a currency in ISO 4217."""
    return _EXPONENTS.get(code, 2)
