"""What plugin code may catch and go on after, and what is refused whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from uuid import uuid4

import pytest

from hansa_core.caller import Caller
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.testing.platform import Platform
from hansa_sdk import HansaError, InUse, Invalid, Quantity, Rejected, Stale, Unit
from tests.core.records.kernel import create, events_since, id_of, update
from tests.core.records.kernel import events as ledger
from tests.core.records.probe import Thing, Trip


async def test_plugin_goes_on_after_a_deletion_the_database_refused(
    kernel: Platform, admin: Caller
) -> None:
    held = (await create(kernel, admin, "probe.thing", {"name": "held"}))[0]
    holder, child = await create(
        kernel,
        admin,
        "probe.thing",
        {"name": "holder", "anchor": id_of(held)},
        {"name": "child", "parent": id_of(held)},
    )
    before = len(await ledger(kernel, admin))

    async def work(unit: UnitOfWork) -> str:
        thing = await unit.get(Thing, id_of(held))
        try:
            await unit.delete(thing)
        except InUse as error:
            thing.name = "kept"
            await unit.save(thing)
            return str(error)
        raise AssertionError("a record in use was deleted")

    said = await kernel.runtime.write(admin, work)
    assert said.startswith("This thing is still used by a thing. Archive it instead")
    async with kernel.runtime.read(admin) as unit:
        assert (await unit.get(Thing, id_of(held))).name == "kept"
        assert (await unit.get(Thing, id_of(child))).name == "child"
        assert (await unit.get(Thing, id_of(holder))).name == "holder"
    told = [kind for kind, _ in await events_since(kernel, admin, before)]
    assert told == ["probe.thing.updated"]


async def test_plugin_goes_on_after_an_old_version_was_not_archived(
    kernel: Platform, admin: Caller
) -> None:
    made = (await create(kernel, admin, "probe.thing", {"name": "old"}))[0]

    async def work(unit: UnitOfWork) -> None:
        thing = await unit.get(Thing, id_of(made))
        await unit.update_rows("probe.thing", [RowUpdate(thing.id, 1, {"name": "newer"})])
        with pytest.raises(Stale):
            await unit.archive(thing)
        await unit.archive(await unit.get(Thing, thing.id))

    await kernel.runtime.write(admin, work)
    async with kernel.runtime.read(admin) as unit:
        kept = await unit.get(Thing, id_of(made))
    assert (kept.name, kept.archived) == ("newer", True)


async def test_refusal_of_one_record_is_told_without_its_position(
    kernel: Platform, admin: Caller
) -> None:
    made = (await create(kernel, admin, "probe.thing", {"name": "one"}))[0]

    async def work(unit: UnitOfWork) -> list[tuple[type[HansaError], tuple[str | int, ...]]]:
        thing = await unit.get(Thing, id_of(made))
        await unit.update_rows("probe.thing", [RowUpdate(thing.id, 1, {"name": "newer"})])
        found: list[tuple[type[HansaError], tuple[str | int, ...]]] = []
        thing.name = "mine"
        for writing in (unit.save, unit.archive, unit.delete):
            with pytest.raises(HansaError) as caught:
                await writing(thing)
            found.append((caught.type, caught.value.path))
        return found

    assert await kernel.runtime.write(admin, work) == [(Stale, ("version",))] * 3


async def test_entity_without_archive_is_archived_by_nobody(
    kernel: Platform, admin: Caller
) -> None:
    made = (await create(kernel, admin, "probe.trip", {"name": "Rome"}))[0]

    async def by_plugin(unit: UnitOfWork) -> None:
        await unit.archive(await unit.get(Trip, id_of(made)))

    async def by_api(unit: UnitOfWork) -> None:
        await unit.archive_rows("probe.trip", [(id_of(made), 1)], archived=True)

    for work in (by_plugin, by_api):
        with pytest.raises(Invalid, match=r"A trip cannot be archived\. Delete it"):
            await kernel.runtime.write(admin, work)
    async with kernel.runtime.read(admin) as unit:
        assert not (await unit.get(Trip, id_of(made))).archived


async def test_unit_of_a_quantity_must_be_there(kernel: Platform, admin: Caller) -> None:
    def weighs(unit: object) -> Mapping[str, object]:
        return {"name": "w", "weight": Decimal(1), "weight_unit": unit}

    with pytest.raises(Rejected, match="there is no unit of measure 'stone'") as caught:
        await create(kernel, admin, "probe.thing", weighs("kg"), weighs("stone"), weighs("ell"))
    assert [error.path for error in caught.value.errors] == [
        (1, "weight", "unit"),
        (2, "weight", "unit"),
    ]
    made = (await create(kernel, admin, "probe.thing", weighs("kg")))[0]
    change = RowUpdate(id_of(made), 1, {"weight": Decimal(2), "weight_unit": "stone"})
    with pytest.raises(Rejected, match="'stone'"):
        await update(kernel, admin, "probe.thing", change)

    async def own(unit: UnitOfWork) -> None:
        code = f"u{uuid4().hex[:8]}"
        await unit.save(Unit(code=code, name="Own", dimension="mass", factor=Decimal(1)))
        await unit.save(Thing(name="own", weight=Quantity(Decimal(3), code)))

    await kernel.runtime.write(admin, own)


async def test_units_of_many_rows_take_one_statement(kernel: Platform, admin: Caller) -> None:
    def rows(unit: str | None, count: int) -> list[Mapping[str, object]]:
        weight = {} if unit is None else {"weight": Decimal(1), "weight_unit": unit}
        return [{"name": f"w{n}", **weight} for n in range(count)]

    async def statements(unit: str | None, count: int) -> int:
        async def work(own: UnitOfWork) -> int:
            before = own.session.statement_count
            await own.create_rows("probe.thing", rows(unit, count))
            return own.session.statement_count - before

        return await kernel.runtime.write(admin, work)

    none, one, many = [await statements(*each) for each in ((None, 1), ("kg", 1), ("kg", 50))]
    assert (one, many) == (none + 1, none + 1)
