"""Writes under awkward conditions: defaults, doubled ids, circles, races."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import cast
from uuid import uuid4

import pytest

from hansa_core.caller import Caller
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.testing.platform import Platform
from hansa_sdk import Duplicate, InUse, Invalid, Quantity, Rejected, Stale
from tests.core.records.kernel import (
    create,
    delete,
    id_of,
    until_somebody_waits,
    update,
)
from tests.core.records.probe import Line, Order, Thing


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


async def test_currency_that_never_was_is_refused(kernel: Platform, admin: Caller) -> None:
    with pytest.raises(Rejected, match="a currency of ISO 4217, got 'ABC'"):
        await create(kernel, admin, "probe.thing", {"name": "m", "currency": "ABC"})


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
    await until_somebody_waits(kernel)
    go_on.set()
    await asyncio.gather(moving, deleting)
    async with kernel.runtime.read(admin) as unit:
        kept = await unit.get(Line, id_of(line))
        assert kept.order.id == id_of(new)
        assert await unit.count(Order, Order.id == id_of(old)) == 0


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


async def test_version_that_is_yet_to_come_is_refused(kernel: Platform, admin: Caller) -> None:
    made = (await create(kernel, admin, "probe.order", {"name": "early"}))[0]
    with pytest.raises(Stale, match="has version 1; 9 is yet to come"):
        await update(kernel, admin, "probe.order", RowUpdate(id_of(made), 9, {"name": "x"}))


@pytest.mark.parametrize("text", ["text", "5", "null", '{"a": 1}'])
async def test_json_text_stays_a_text(kernel: Platform, admin: Caller, text: str) -> None:
    made = (await create(kernel, admin, "probe.thing", {"name": "json", "extra": text}))[0]
    async with kernel.runtime.read(admin) as unit:
        assert (await unit.get(Thing, id_of(made))).extra == text
