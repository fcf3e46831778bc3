"""Writes under awkward conditions: defaults, doubled ids, circles, races, lines and their keys."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import cast
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from hansa_core.caller import Caller
from hansa_core.migrate.autogenerate import make_migration
from hansa_core.plugins.compile import compile_shape
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.system.plugin import plugin as system
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import Platform, installed_of, open_platform
from hansa_sdk import Duplicate, InUse, Invalid, Quantity, Rejected, Stale
from tests.core.records import probe
from tests.core.records.probe import Guest, Line, Order, Part, Thing, Trip

Row = Mapping[str, object]


@pytest.fixture(scope="module")
async def kernel(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Platform]:
    """A kernel with the probe plugin, its tables migrated from scripts made here."""
    folder = tmp_path_factory.mktemp("probe")
    scripts = folder / "probe_scripts"
    (scripts / "versions").mkdir(parents=True)
    (scripts / "__init__.py").touch()
    with pytest.MonkeyPatch.context() as patch, fresh_database(postgres_url) as url:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        shape = compile_shape([system, probe.plugin])
        with owner_engine(url) as engine, engine.connect() as connection:
            required = [("system", system.migrations)]
            make_migration(
                connection, "probe", shape.metadata, scripts, "initial", requires=required
            )
        plugin = replace(probe.plugin, migrations="probe_scripts")
        home = tmp_path_factory.mktemp("home")
        async with open_platform(url, home, installed_of([plugin])) as opened:
            yield opened


@pytest.fixture(scope="module")
async def admin(kernel: Platform) -> Caller:
    return await kernel.system(await kernel.tenant("probe"))


async def create(kernel: Platform, caller: Caller, entity: str, *rows: Row) -> list[Row]:
    async def work(unit: UnitOfWork) -> list[Row]:
        return [*await unit.create_rows(entity, rows)]

    return await kernel.runtime.write(caller, work)


async def update(kernel: Platform, caller: Caller, entity: str, *changes: RowUpdate) -> list[Row]:
    async def work(unit: UnitOfWork) -> list[Row]:
        return [*await unit.update_rows(entity, changes)]

    return await kernel.runtime.write(caller, work)


async def delete(kernel: Platform, caller: Caller, entity: str, *ids: UUID) -> None:
    async def work(unit: UnitOfWork) -> None:
        await unit.delete_rows(entity, [(id, None) for id in ids])

    await kernel.runtime.write(caller, work)


async def events(kernel: Platform, caller: Caller) -> list[dict[str, object]]:
    table = kernel.runtime.events.event
    async with kernel.runtime.database.transaction(caller.tenant, read_only=True) as session:
        rows = await session.fetch(sa.select(table.c.body).order_by(table.c.id))
    return [json.loads(cast(bytes, row["body"])) for row in rows]


async def events_since(
    kernel: Platform, caller: Caller, before: int
) -> list[tuple[object, dict[str, object]]]:
    found = (await events(kernel, caller))[before:]
    return [(event["type"], cast("dict[str, object]", event.get("after", {}))) for event in found]


def id_of(row: Row) -> UUID:
    return cast(UUID, row["id"])


async def test_changing_a_records_list_leaves_the_default_alone(
    kernel: Platform, admin: Caller
) -> None:
    thing = Thing(name="one")
    thing.tags.append("secret")

    async def work(unit: UnitOfWork) -> None:
        await unit.save(thing)

    await kernel.runtime.write(admin, work)
    rows = await create(kernel, admin, "probe.thing", {"name": "two"})
    assert rows[0]["tags"] == ["first"]
    assert Thing(name="three").tags == ["first"]


async def test_list_changed_in_place_is_saved(kernel: Platform, admin: Caller) -> None:
    made = (await create(kernel, admin, "probe.thing", {"name": "x", "extra": {"n": [1]}}))[0]

    async def work(unit: UnitOfWork) -> Thing:
        thing = await unit.get(Thing, id_of(made))
        thing.tags.append("second")
        cast("dict[str, list[int]]", thing.extra)["n"].append(2)
        await unit.save(thing)
        return await unit.get(Thing, id_of(made))

    kept = await kernel.runtime.write(admin, work)
    assert (kept.tags, kept.extra, kept.version) == (["first", "second"], {"n": [1, 2]}, 2)


async def test_json_keeps_its_numbers_and_tells_one_from_true(
    kernel: Platform, admin: Caller
) -> None:
    value = {"size": Decimal("1.50"), "n": 1}
    made = (await create(kernel, admin, "probe.thing", {"name": "j", "extra": value}))[0]
    assert made["extra"] == value
    change = RowUpdate(id_of(made), 1, {"extra": {"size": Decimal("1.50"), "n": True}})
    kept = (await update(kernel, admin, "probe.thing", change))[0]
    assert cast("dict[str, object]", kept["extra"])["n"] is True
    assert kept["version"] == 2


@pytest.mark.parametrize(
    "bad",
    ["a\x00b", {"k\x00": 1}, [["x"] * 2, "\ud800"], 1.5, Decimal("1e999999999"), [Decimal("NaN")]],
)
async def test_bad_json_is_refused_at_its_row(kernel: Platform, admin: Caller, bad: object) -> None:
    rows = ({"name": "good"}, {"name": "bad", "extra": bad})
    with pytest.raises(Rejected) as caught:
        await create(kernel, admin, "probe.thing", *rows)
    assert [error.path for error in caught.value.errors] == [(1, "extra")]


async def test_id_named_twice_is_refused(kernel: Platform, admin: Caller) -> None:
    made = (await create(kernel, admin, "probe.thing", {"name": "twice"}))[0]
    changes = [RowUpdate(id_of(made), 1, {"name": n}) for n in ("one", "two")]
    with pytest.raises(Rejected, match="is named twice, first at position 0") as caught:
        await update(kernel, admin, "probe.thing", *changes)
    assert caught.value.path == (1,)
    with pytest.raises(Rejected, match="is named twice"):
        await delete(kernel, admin, "probe.thing", id_of(made), id_of(made))


async def test_hook_that_saves_its_own_record_is_told_instead_of_losing_a_change(
    kernel: Platform, admin: Caller
) -> None:
    made = (await create(kernel, admin, "probe.order", {"name": "plain"}))[0]
    change = RowUpdate(id_of(made), 1, {"name": "saves itself"})
    with pytest.raises((Rejected, Stale), match="changed while its own change was under way"):
        await update(kernel, admin, "probe.order", change)
    async with kernel.runtime.read(admin) as unit:
        kept = await unit.get(Order, id_of(made))
    assert (kept.name, kept.total, kept.version) == ("plain", 0, 1)


async def test_field_that_ends_like_a_unit_is_updated(kernel: Platform, admin: Caller) -> None:
    made = (await create(kernel, admin, "probe.thing", {"name": "u", "business_unit": "west"}))[0]
    change = RowUpdate(id_of(made), 1, {"business_unit": "east"})
    assert (await update(kernel, admin, "probe.thing", change))[0]["business_unit"] == "east"


async def test_quantity_keeps_its_unit_and_is_refused_without(
    kernel: Platform, admin: Caller
) -> None:
    weight = {"weight": Decimal("2.5"), "weight_unit": "kg"}
    made = (await create(kernel, admin, "probe.thing", {"name": "q", **weight}))[0]
    async with kernel.runtime.read(admin) as unit:
        assert (await unit.get(Thing, id_of(made))).weight == Quantity(Decimal("2.5"), "kg")
    for bad in ({"weight": Decimal(1)}, {"weight": Decimal(1), "weight_unit": 7}):
        with pytest.raises(Rejected):
            await create(kernel, admin, "probe.thing", {"name": "bad", **bad})
    with pytest.raises(Rejected, match="has no field 'name_unit'"):
        await create(kernel, admin, "probe.thing", {"name": "bad", "name_unit": "x"})


async def test_amount_without_a_currency_is_refused_not_dropped(
    kernel: Platform, admin: Caller
) -> None:
    with pytest.raises(Rejected, match="expected a number with currency"):
        await create(kernel, admin, "probe.thing", {"name": "m", "amount": Decimal(5)})
    rich = {"name": "m", "amount": Decimal(5), "currency": "EUR"}
    made = (await create(kernel, admin, "probe.thing", rich))[0]
    with pytest.raises(Rejected, match="expected a number with currency"):
        await update(kernel, admin, "probe.thing", RowUpdate(id_of(made), 1, {"currency": None}))


async def test_long_tail_of_a_decimal_is_refused_not_rounded(
    kernel: Platform, admin: Caller
) -> None:
    tail = Decimal("1." + "0" * 28 + "9")
    row = {"name": "d", "amount": tail, "currency": "EUR"}
    with pytest.raises(Rejected, match="at most 4 decimals"):
        await create(kernel, admin, "probe.thing", row)
    with pytest.raises(Rejected, match="digits before the point"):
        await create(kernel, admin, "probe.thing", {**row, "amount": Decimal("1e1000000")})


async def test_records_in_a_circle_go_together(kernel: Platform, admin: Caller) -> None:
    first, second = await create(
        kernel, admin, "probe.thing", {"name": "circle a"}, {"name": "circle b"}
    )
    await update(
        kernel,
        admin,
        "probe.thing",
        RowUpdate(id_of(first), 1, {"parent": id_of(second), "boss": id_of(first)}),
        RowUpdate(id_of(second), 1, {"parent": id_of(first)}),
    )
    await delete(kernel, admin, "probe.thing", id_of(first))
    async with kernel.runtime.read(admin) as unit:
        assert await unit.count(Thing, Thing.name.starts_with("circle")) == 0


async def test_record_a_sibling_refers_to_is_in_use(kernel: Platform, admin: Caller) -> None:
    held = (await create(kernel, admin, "probe.thing", {"name": "held"}))[0]
    await create(kernel, admin, "probe.thing", {"name": "holder", "anchor": id_of(held)})
    with pytest.raises(InUse, match="still used by a thing"):
        await delete(kernel, admin, "probe.thing", id_of(held))


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


async def test_line_moved_away_survives_the_deletion_of_its_old_owner(
    kernel: Platform, admin: Caller
) -> None:
    old, new = await create(kernel, admin, "probe.order", {"name": "old"}, {"name": "new"})
    line = (await create(kernel, admin, "probe.line", {"order": id_of(old), "name": "l"}))[0]
    moved, go_on = asyncio.Event(), asyncio.Event()

    async def move(unit: UnitOfWork) -> None:
        await unit.update_rows("probe.line", [RowUpdate(id_of(line), 1, {"order": id_of(new)})])
        moved.set()
        await go_on.wait()

    moving = asyncio.create_task(kernel.runtime.write(admin, move))
    await moved.wait()
    deleting = asyncio.create_task(delete(kernel, admin, "probe.order", id_of(old)))
    await _until_somebody_waits(kernel)
    go_on.set()
    await asyncio.gather(moving, deleting)
    async with kernel.runtime.read(admin) as unit:
        kept = await unit.get(Line, id_of(line))
        assert kept.order.id == id_of(new)
        assert await unit.count(Order, Order.id == id_of(old)) == 0


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


async def test_duplicate_with_a_comma_is_told_at_its_row(kernel: Platform, admin: Caller) -> None:
    code = f"Acme, Inc. {uuid4()}"
    await create(kernel, admin, "probe.thing", {"name": "has it", "code": code})
    rows = [{"name": "a"}, {"name": "b", "code": code}, {"name": "c"}]
    with pytest.raises(Rejected) as caught:
        await create(kernel, admin, "probe.thing", *rows)
    assert caught.value.path == (1, "code")
    made = await create(kernel, admin, "probe.thing", *({"name": n} for n in "xyz"))
    changes = [
        RowUpdate(id_of(made[0]), 1, {}),
        RowUpdate(id_of(made[1]), 1, {"name": "free"}),
        RowUpdate(id_of(made[2]), 1, {"code": code}),
    ]
    with pytest.raises(Rejected) as caught:
        await update(kernel, admin, "probe.thing", *changes)
    assert caught.value.path == (2, "code")


async def test_plugin_code_catches_the_error_the_sdk_promises(
    kernel: Platform, admin: Caller
) -> None:
    code = str(uuid4())
    await create(kernel, admin, "probe.thing", {"name": "first", "code": code})

    async def work(unit: UnitOfWork) -> tuple[object, ...]:
        try:
            await unit.save(Thing(name="second", code=code))
        except Duplicate as error:
            await unit.save(Thing(name="instead"))
            return error.path
        raise AssertionError("saved twice")

    assert await kernel.runtime.write(admin, work) == ("code",)

    async def refused(unit: UnitOfWork) -> None:
        await unit.save(Thing(name="x" * 201))

    with pytest.raises(Invalid) as caught:
        await kernel.runtime.write(admin, refused)
    assert caught.value.path == ("name",)
    assert not isinstance(caught.value, Rejected)


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


async def _until_somebody_waits(kernel: Platform) -> None:
    """Wait until a backend of this database waits for a lock."""
    with owner_engine(kernel.owner_url) as engine, engine.connect() as connection:
        for _ in range(200):
            waiting = connection.scalar(
                sa.text(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                )
            )
            connection.rollback()
            if waiting:
                return
            await asyncio.sleep(0.02)
    raise AssertionError("nobody waited for the lock")


async def test_version_that_is_yet_to_come_is_refused(kernel: Platform, admin: Caller) -> None:
    made = (await create(kernel, admin, "probe.order", {"name": "early"}))[0]
    with pytest.raises(Stale, match="has version 1; 9 is yet to come"):
        await update(kernel, admin, "probe.order", RowUpdate(id_of(made), 9, {"name": "x"}))
