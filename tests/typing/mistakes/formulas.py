"""Formulas of values that do not go together, or of another type than their field."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hansa_sdk import Currency, Entity, Expression, Field, Money, field, formula, money


class Item(Entity, name="sales.item", label="Item"):
    name: Field[str] = field()
    note: Field[str | None] = field(default=None)
    count: Field[int] = field()
    spare: Field[int | None] = field(default=None)
    day: Field[date] = field()
    currency: Field[Currency] = field(default=Currency("EUR"))
    price: Field[Money] = money(currency="currency")
    half: Field[int] = formula(lambda: Item.count / 2)  # reject: f1 [arg-type, return-value, reportAssignmentType]
    rest: Field[int] = formula(lambda: Item.count - Item.spare)  # reject: f2 [arg-type, return-value, reportAssignmentType]
    typo: Field[int] = formula(lambda: Item.cuont + 1)  # reject: f3 [attr-defined, reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownLambdaType]


def combine() -> None:
    total: Expression[Money] = Item.price * 2
    print(total + 1)  # reject: f4 [operator, reportOperatorIssue, reportUnknownArgumentType]
    print(Item.price * Item.price)  # reject: f5 [operator, reportOperatorIssue, reportUnknownArgumentType]
    print(Item.price + Item.count)  # reject: f6 [operator, reportOperatorIssue, reportUnknownArgumentType]
    print(Item.name + 1)  # reject: f7 [operator, reportOperatorIssue, reportUnknownArgumentType]
    print(Item.day + Item.day)  # reject: f8 [operator, reportOperatorIssue, reportUnknownArgumentType]
    print(Item.count / "2")  # reject: f9 [operator, reportOperatorIssue, reportUnknownArgumentType]
    print(Item.note.or_else(5))  # reject: f10 [arg-type, reportArgumentType, reportUnknownArgumentType]
    print(Item.price * Decimal(2) > 3)  # reject: f11 [operator, reportOperatorIssue, reportUnknownArgumentType]


def write(item: Item) -> Item:
    return Item(name="n", count=1, day=item.day, price=item.price, half=2)  # reject: f12 [call-arg, reportCallIssue]
