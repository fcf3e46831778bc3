"""A synthetic plugin with fields of every kind, for the tests of reads."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from hansa_core.model.shape import Shape
from hansa_core.plugins.compile import compile_shape
from hansa_sdk import (
    Currency,
    Email,
    Entity,
    Field,
    Json,
    Many,
    Money,
    Phone,
    Plugin,
    Quantity,
    Ref,
    Translated,
    Url,
    computed,
    field,
    formula,
    many,
    money,
    ref,
    rollup,
)


class Colour(StrEnum):
    """What a thing may look like."""

    RED = "red"
    GREEN = "green"
    DARK_BLUE = "dark blue"


class Box(Entity, name="probe.box", plural="boxes", label="Box"):
    """What things are in; boxes are in boxes."""

    name: Field[str | None] = field(default=None, search=True)
    currency: Field[Currency | None] = field(default=None)
    price: Field[Money | None] = money(currency="currency", default=None)
    keeper: Field[UUID | None] = field(default=None)
    outer: Ref[Box | None] = ref(default=None)
    things: Many[Thing] = many("box")
    boxes: Many[Box] = many("outer")
    thing_count: Field[int] = rollup("count", lambda: Thing.id)
    red_weight: Field[Decimal] = rollup(
        "sum", lambda: Thing.weight, where=lambda: Thing.colour == Colour.RED
    )
    last_day: Field[date | None] = rollup("max", lambda: Thing.day)
    first_name: Field[str | None] = rollup("min", lambda: Thing.name)
    margin_eur: Field[Decimal] = rollup(
        "sum", lambda: Thing.margin, where=lambda: Thing.currency == Currency("EUR")
    )
    box_count: Field[int] = rollup("count", lambda: Box.boxes)
    doubled: Field[Money | None] = formula(lambda: Box.price * 2)


class Thing(Entity, name="probe.thing", label="Thing"):
    """A record with a field of every kind, all of them optional."""

    name: Field[str | None] = field(default=None, search=True)
    email: Field[Email | None] = field(default=None, search=True)
    phone: Field[Phone | None] = field(default=None)
    tag: Field[str | None] = field(default=None)
    url: Field[Url | None] = field(default=None)
    colour: Field[Colour | None] = field(default=None)
    amount: Field[int | None] = field(default=None)
    done: Field[bool | None] = field(default=None)
    weight: Field[Decimal | None] = field(default=None)
    currency: Field[Currency | None] = field(default=None)
    price: Field[Money | None] = money(currency="currency", default=None)
    cost: Field[Money | None] = money(currency="currency", default=None)
    length: Field[Quantity | None] = field(default=None)
    day: Field[date | None] = field(default=None)
    seen_at: Field[datetime | None] = field(default=None)
    took: Field[timedelta | None] = field(default=None)
    owner: Field[UUID | None] = field(default=None)
    title: Field[Translated | None] = field(default=None)
    tags: Field[list[str] | None] = field(default=None)
    more: Field[Json] = field(default=None)
    box: Ref[Box | None] = ref(default=None)

    margin: Field[Money | None] = formula(lambda: Thing.price - Thing.cost)
    third: Field[Money | None] = formula(lambda: Thing.price / 3)
    density: Field[Decimal | None] = formula(lambda: Thing.weight / Thing.amount)
    heavy: Field[Decimal] = formula(lambda: Thing.weight.or_else(Decimal(1)) * 2)
    rest: Field[int | None] = formula(lambda: 100 - Thing.amount * 2)
    squared: Field[int | None] = formula(lambda: Thing.amount * Thing.amount)
    label: Field[str | None] = formula(lambda: "<" + Thing.name + "> " + Thing.tag.or_else("-"))

    @computed
    def shout(self) -> str:
        """The name and the price, loudly."""
        return f"{self.name} {self.price.currency if self.price else '-'}!"


PLUGIN = Plugin(name="probe", version="1", entities=(Box, Thing))


def shape() -> Shape:
    """Compile the plugin."""
    return compile_shape([PLUGIN])
