"""A plugin of entities with everything that can go wrong in a write."""

from __future__ import annotations

from collections.abc import Sequence

from hansa_sdk import (
    Context,
    Currency,
    Entity,
    Event,
    Field,
    Json,
    Many,
    Money,
    Plugin,
    Quantity,
    Ref,
    action,
    before,
    field,
    many,
    money,
    ref,
)


class Thing(Entity, name="probe.thing", label="Thing"):
    name: Field[str] = field(max_length=200, search=True)
    code: Field[str | None] = field(default=None, max_length=60, unique=True)
    parent: Ref[Thing | None] = ref(default=None, on_delete="cascade")
    boss: Ref[Thing | None] = ref(default=None, on_delete="set_null")
    anchor: Ref[Thing | None] = ref(default=None)
    business_unit: Field[str | None] = field(default=None, max_length=60)
    tags: Field[list[str]] = field(default=["first"])
    extra: Field[Json] = field(default=None)
    weight: Field[Quantity | None] = field(default=None)
    currency: Field[Currency | None] = field(default=None)
    amount: Field[Money | None] = money(currency="currency", default=None)


class Order(Entity, name="probe.order", label="Order"):
    name: Field[str]
    total: Field[int] = field(default=0)
    lines: Many[Line] = many("order", owned=True)


class Line(Entity, name="probe.line", label="Line"):
    order: Ref[Order] = ref(on_delete="cascade")
    name: Field[str]
    parts: Many[Part] = many("line", owned=True)


class Part(Entity, name="probe.part", label="Part"):
    line: Ref[Line] = ref(on_delete="cascade")
    name: Field[str]


class Trip(Entity, name="probe.trip", label="Trip", archivable=False):
    name: Field[str]
    guests: Many[Guest] = many("trip", owned=True)


class Guest(Entity, name="probe.guest", label="Guest", subject="self"):
    trip: Ref[Trip] = ref(on_delete="cascade")
    name: Field[str] = field(personal=True)
    room: Field[str] = field(default="")


class Poked(Event):
    name: str


@before(Order, "update")
async def rewrite(ctx: Context, batch: Sequence[Order]) -> None:
    """Save the very record that is being saved, where its name asks for it."""
    for order in batch:
        if order.name == "saves itself":
            again = await ctx.get(Order, order.id)
            again.total += 1
            again.name = "from the hook"
            await ctx.save(again)


@action(Thing, permission="probe.thing.poke", name="poke")
async def poke(ctx: Context, thing: Thing) -> Thing:
    thing.name = "poked"
    await ctx.save(thing)
    thing.name = "poked twice"
    await ctx.save(thing)
    ctx.emit(Poked(name=thing.name))
    return thing


plugin = Plugin(
    name="probe",
    version="1",
    entities=(Thing, Order, Line, Part, Trip, Guest),
    events=(Poked,),
    hooks=(rewrite,),
    actions=(poke,),
    migrations="tests.core.records.probe_migrations",
)
