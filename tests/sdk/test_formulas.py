"""Formulas read from a record in Python: exact, missing where something is missing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hansa_sdk import Currency, CurrencyMismatch, Entity, Field, Money, field, formula, money

EUR, USD = Currency("EUR"), Currency("USD")


class Item(Entity, name="demo.item", label="Item"):
    name: Field[str] = field(default="Nail")
    brand: Field[str | None] = field(default=None)
    count: Field[int] = field(default=3)
    weight: Field[Decimal | None] = field(default=None)
    currency: Field[Currency] = field(default=EUR)
    price: Field[Money | None] = money(currency="currency", default=None)
    cost: Field[Money | None] = money(currency="currency", default=None)

    label: Field[str] = formula(lambda: Item.brand.or_else("?") + " " + Item.name)
    left: Field[int] = formula(lambda: 10 - Item.count * 2)
    each: Field[Decimal | None] = formula(lambda: Item.weight / Item.count)
    third: Field[Decimal] = formula(lambda: Item.count * 2 / 9)
    margin: Field[Money | None] = formula(lambda: Item.price - Item.cost)
    share: Field[Money | None] = formula(lambda: Item.price * Item.count / 7)


def test_formulas_are_computed_from_what_a_record_holds() -> None:
    item = Item(price=Money(Decimal("1.00"), EUR), cost=Money(Decimal("0.3"), EUR))
    assert (item.label, item.left, item.each) == ("? Nail", 4, None)
    assert str(item.third) == "0.666667"
    assert item.margin == Money(Decimal("0.7000"), EUR)
    assert str(item.share.value if item.share else None) == "0.4286"
    item.brand, item.count, item.weight = "Acme", 4, Decimal("-0.000002")
    assert (item.label, item.left) == ("Acme Nail", 2)
    assert str(item.each) == "-0.000001"  # half away from zero


def test_formulas_are_missing_where_a_value_is_or_the_divisor_is_zero() -> None:
    item = Item(weight=Decimal(1), count=0)
    assert (item.each, item.margin, item.share) == (None, None, None)


def test_formulas_are_never_zero_with_a_sign() -> None:
    item = Item(weight=Decimal("-0.0000001"))
    assert str(item.each) == "0.000000"


def test_formulas_cannot_be_set() -> None:
    with pytest.raises(AttributeError, match=r"Item\.left is computed"):
        Item().left = 5


def test_amounts_of_two_currencies_never_mix_in_a_formula() -> None:
    item = Item(price=Money(Decimal(1), EUR), cost=Money(Decimal(1), USD))
    with pytest.raises(CurrencyMismatch):
        print(item.margin)
