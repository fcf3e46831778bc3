"""A synthetic plugin with fields, arguments and results of every kind, for tests of the schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from hansa_sdk import (
    Context,
    Currency,
    Email,
    Entity,
    Field,
    Json,
    Link,
    Many,
    Money,
    Phone,
    Plugin,
    Quantity,
    Ref,
    Translated,
    Url,
    action,
    computed,
    field,
    formula,
    many,
    money,
    query,
    ref,
    rollup,
)


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark blue"


class Shelf(Entity, name="lab.shelf", plural="shelves", label="Shelf"):
    name: Field[str] = field(max_length=40, search=True)
    above: Ref[Shelf | None] = ref(default=None)
    samples: Many[Sample] = many("shelf", owned=True)
    shelves: Many[Shelf] = many("above")
    total: Field[Decimal] = rollup("sum", lambda: Sample.weight)
    doubled: Field[Decimal] = rollup("sum", lambda: Sample.twice)
    reds: Field[int] = rollup(
        "count", lambda: Shelf.samples, where=lambda: Sample.colour == Colour.RED
    )


class Sample(Entity, name="lab.sample", label="Sample", archivable=False):
    shelf: Ref[Shelf] = ref(on_delete="cascade")
    name: Field[str] = field(max_length=40, help="What is written on it")
    colour: Field[Colour] = field(default=Colour.RED)
    count: Field[int | None] = field(default=None)
    pure: Field[bool] = field(default=True)
    weight: Field[Decimal | None] = field(default=None)
    currency: Field[Currency] = field()
    price: Field[Money] = money(currency="currency")
    length: Field[Quantity | None] = field(default=None)
    taken_on: Field[date | None] = field(default=None)
    seen_at: Field[datetime | None] = field(default=None)
    lasts: Field[timedelta | None] = field(default=None)
    batch: Field[UUID | None] = field(default=None)
    email: Field[Email | None] = field(default=None)
    phone: Field[Phone | None] = field(default=None)
    url: Field[Url | None] = field(default=None)
    title: Field[Translated | None] = field(default=None)
    marks: Field[list[str] | None] = field(default=None)
    more: Field[Json] = field(default=None)
    sealed: Field[bool] = field(default=False, readonly=True)

    twice: Field[Decimal | None] = formula(lambda: Sample.weight * 2)

    @computed
    def shout(self) -> str:
        return self.name.upper()


class Locked(Entity, name="lab.locked", label="Locked"):
    """Has no field the API may write."""

    note: Field[str] = field(default="", readonly=True)


@dataclass(frozen=True, slots=True)
class Reading:
    taken_on: date | None
    value: Decimal
    price: Money
    colour: Colour


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    readings: list[Reading]


@action(Sample, permission="lab.sample.seal")
async def seal_sample(
    ctx: Context,
    sample: Sample,
    *,
    note: str = "none",
    on: date | None = None,
    colour: Colour = Colour.RED,
    price: Money | None = None,
    to: Link[Shelf] | None = None,
    beside: Sample | None = None,
) -> Sample:
    return sample


@action(Sample, permission="lab.sample.weigh")
async def weigh_sample(ctx: Context, sample: Sample, *, factor: Decimal, times: int = 1) -> Reading:
    return Reading(None, factor, Money(factor, Currency("EUR")), Colour.RED)


@action(Shelf, permission="lab.shelf.clear")
async def clear_shelf(ctx: Context, shelf: Shelf) -> None:
    return None


@query(permission="lab.sample.read", label="Readings of a day")
async def day_report(ctx: Context, *, day: date, colours: list[str] | None = None) -> Report:
    return Report(day.isoformat(), [])


PLUGIN = Plugin(
    name="lab",
    version="1",
    entities=(Shelf, Sample, Locked),
    actions=(seal_sample, weigh_sample, clear_shelf),
    queries=(day_report,),
)
