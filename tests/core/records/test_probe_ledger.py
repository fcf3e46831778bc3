"""What the ledger tells of writes under awkward conditions: lines, deletions, whose values."""

from __future__ import annotations

import json
from typing import cast
from uuid import UUID

from hansa_core.caller import Caller
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.testing.platform import Platform
from tests.core.records import probe
from tests.core.records.kernel import (
    create,
    delete,
    events,
    events_since,
    id_of,
    update,
)
from tests.core.records.probe import Guest, Line, Order, Part, Thing, Trip


async def test_reference_to_a_deleted_boss_is_emptied_and_told(
    kernel: Platform, admin: Caller
) -> None:
    boss = (await create(kernel, admin, "probe.thing", {"name": "boss"}))[0]
    worker = (await create(kernel, admin, "probe.thing", {"name": "worker", "boss": id_of(boss)}))[
        0
    ]
    before = len(await events(kernel, admin))
    await delete(kernel, admin, "probe.thing", id_of(boss))
    async with kernel.runtime.read(admin) as unit:
        kept = await unit.get(Thing, id_of(worker))
    assert (kept.boss, kept.version) == (None, 2)
    assert await events_since(kernel, admin, before) == [
        ("probe.thing.updated", {"boss": None}),
        ("probe.thing.deleted", {}),
    ]


async def test_owned_lines_of_any_depth_go_and_are_told(kernel: Platform, admin: Caller) -> None:
    async def make(unit: UnitOfWork) -> Order:
        order = Order(name="deep")
        await unit.save(order)
        line = Line(order=order, name="line")
        await unit.save(line)
        await unit.save_all([Part(line=line, name="p1"), Part(line=line, name="p2")])
        return order

    before = len(await events(kernel, admin))
    order = await kernel.runtime.write(admin, make)
    made = await events_since(kernel, admin, before)
    assert [kind for kind, _ in made] == ["probe.order.created"]
    lines = cast("list[dict[str, object]]", made[0][1]["lines"])
    parts = cast("list[dict[str, object]]", lines[0]["parts"])
    assert [part["name"] for part in parts] == ["p1", "p2"]
    await delete(kernel, admin, "probe.order", order.id)
    gone = (await events_since(kernel, admin, before))[1:]
    assert [kind for kind, _ in gone] == [
        "probe.part.deleted",
        "probe.part.deleted",
        "probe.line.deleted",
        "probe.order.deleted",
    ]
    async with kernel.runtime.read(admin) as unit:
        assert await unit.count(Part, Part.name.starts_with("p")) == 0


async def test_values_of_a_person_are_under_his_key_wherever_they_are_told(
    kernel: Platform, admin: Caller
) -> None:
    async def make(unit: UnitOfWork) -> Guest:
        trip = Trip(name="Rome")
        await unit.save(trip)
        guest = Guest(trip=trip, name="Livia Secret")
        await unit.save(guest)
        return guest

    async def change(unit: UnitOfWork, guest: UUID, name: str) -> None:
        kept = await unit.get(Guest, guest)
        kept.name, kept.room = name, "12"
        await unit.save(kept)

    guest = await kernel.runtime.write(admin, make)
    await kernel.runtime.write(admin, lambda unit: change(unit, guest.id, "Livia Other Secret"))
    text = json.dumps(await events(kernel, admin))
    assert "Secret" not in text
    assert '"room": "12"' in text


async def test_value_of_a_line_that_moves_stays_under_its_old_owners_key(
    platform: Platform,
) -> None:
    tenant = await platform.tenant("contacts")
    caller = await platform.system(tenant)
    first, second = await create(
        platform, caller, "contacts.party", {"name": "Anna"}, {"name": "Berta"}
    )
    phone = (
        await create(
            platform, caller, "contacts.phone", {"party": id_of(first), "number": "030-111"}
        )
    )[0]
    change = RowUpdate(id_of(phone), 1, {"party": id_of(second), "number": "040-222"})
    await update(platform, caller, "contacts.phone", change)
    told = (await events(platform, caller))[-1]
    before, after = (
        cast("dict[str, dict[str, object]]", told[part]) for part in ("before", "after")
    )
    assert before["number"]["s"] == ["contacts.party", str(id_of(first))]
    assert after["number"]["s"] == ["contacts.party", str(id_of(second))]


async def test_action_saves_its_record_twice_under_its_own_permission(
    kernel: Platform, admin: Caller
) -> None:
    made = (await create(kernel, admin, "probe.thing", {"name": "poke me"}))[0]
    before = len(await events(kernel, admin))

    async def work(unit: UnitOfWork) -> object:
        return await unit.run_action(probe.poke, id_of(made), {})

    await kernel.runtime.write(admin, work)
    kinds = [kind for kind, _ in await events_since(kernel, admin, before)]
    assert kinds == ["probe.thing.updated", "probe.thing.updated", "probe.poked"]
