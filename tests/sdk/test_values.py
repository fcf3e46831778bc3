"""Money never mixes currencies and never loses a cent; a float never gets in."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa_sdk import Currency, CurrencyMismatch, Invalid, Money, Quantity

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KWD"]).map(Currency)
AMOUNTS = st.decimals(
    min_value=-(10**12), max_value=10**12, places=4, allow_nan=False, allow_infinity=False
)
MONEY = st.builds(Money, AMOUNTS, CURRENCIES)
OPERATIONS: list[Callable[[Money, Money], object]] = [
    operator.add,
    operator.sub,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
]


@given(MONEY, MONEY, st.sampled_from(OPERATIONS))
def test_two_amounts_combine_only_in_one_currency(
    first: Money, second: Money, operation: Callable[[Money, Money], object]
) -> None:
    if first.currency == second.currency:
        result = operation(first, second)
        if isinstance(result, Money):
            assert result.value == operation(first.value, second.value)  # type: ignore[arg-type]  # the same operation on plain numbers
        else:
            assert result is operation(first.value, second.value)  # type: ignore[arg-type]  # as above
    else:
        with pytest.raises(CurrencyMismatch):
            operation(first, second)


@given(st.lists(MONEY, min_size=1, max_size=8), CURRENCIES)
def test_total_is_exact_or_refused_when_currencies_differ(
    amounts: list[Money], currency: Currency
) -> None:
    if {amount.currency for amount in amounts} <= {currency}:
        total = Money.total(amounts, currency)
        assert total.value == sum(amount.value for amount in amounts)
    else:
        with pytest.raises(CurrencyMismatch):
            Money.total(amounts, currency)


@given(
    MONEY,
    st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any),
    st.sampled_from([0, 2, 3, 4]),
)
def test_split_parts_add_up_exactly(amount: Money, weights: list[int], exponent: int) -> None:
    parts = amount.split(weights, exponent)
    assert len(parts) == len(weights)
    assert sum(part.value for part in parts) == amount.value
    assert {part.currency for part in parts} == {amount.currency}


@pytest.mark.parametrize("value", [1.5, "1.50", None, Decimal("NaN"), Decimal("Infinity"), True])
def test_money_and_quantity_refuse_what_is_no_exact_number(value: object) -> None:
    with pytest.raises(Invalid, match="takes a finite Decimal"):
        Money(value, Currency("EUR"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the point of the test
    with pytest.raises(Invalid, match="takes a finite Decimal"):
        Quantity(value, "kg")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the point of the test


@pytest.mark.parametrize("code", ["eur", "EURO", "E1R", "", "ÄÖÜ"])
def test_currency_code_is_three_capital_letters(code: str) -> None:
    with pytest.raises(Invalid, match="ISO 4217"):
        Currency(code)
