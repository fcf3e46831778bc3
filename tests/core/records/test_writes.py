"""Creating, changing and deleting records: rules, versions, references, constant statements."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import cast
from uuid import UUID, uuid4

import pytest

from hansa_contacts.api import Party
from hansa_core.caller import Caller
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.testing.platform import Platform
from hansa_crm.entities import Deal
from hansa_sdk import (
    Currency,
    Denied,
    Duplicate,
    HansaError,
    InUse,
    Money,
    NotFound,
    Rejected,
    Stale,
)

Row = Mapping[str, object]


async def create(platform: Platform, caller: Caller, entity: str, *rows: Row) -> list[Row]:
    async def work(unit: UnitOfWork) -> list[Row]:
        return [*await unit.create_rows(entity, rows)]

    return await platform.runtime.write(caller, work)


async def update(
    platform: Platform, caller: Caller, entity: str, row: Row, **values: object
) -> Row:
    change = RowUpdate(id_of(row), cast(int, row["version"]), values)

    async def work(unit: UnitOfWork) -> Row:
        return (await unit.update_rows(entity, [change]))[0]

    return await platform.runtime.write(caller, work)


async def delete(platform: Platform, caller: Caller, entity: str, row: Row) -> None:
    async def work(unit: UnitOfWork) -> None:
        await unit.delete_rows(entity, [(id_of(row), cast(int, row["version"]))])

    await platform.runtime.write(caller, work)


async def party(platform: Platform, caller: Caller, name: str) -> Row:
    return (await create(platform, caller, "contacts.party", {"name": name}))[0]


async def deal(platform: Platform, caller: Caller, customer: Row, **more: object) -> Row:
    values = {"title": "Ten boxes", "party": customer["id"], "currency": "EUR"}
    return (
        await create(platform, caller, "crm.deal", {**values, "amount": Decimal("10.50"), **more})
    )[0]


def id_of(row: Row) -> UUID:
    return cast(UUID, row["id"])


def errors_of(caught: pytest.ExceptionInfo[Rejected]) -> dict[tuple[str | int, ...], str]:
    return {error.path: error.code for error in caught.value.errors}


async def test_create_completes_defaults_and_bookkeeping(platform: Platform, rep: Caller) -> None:
    row = await party(platform, rep, "Alfreds Futterkiste")
    assert row["version"] == 1
    assert row["archived"] is False
    assert row["created_by"] == rep.principal.user_id
    assert id_of(row).version == 7


async def test_create_tells_every_mistake_of_every_row_at_once(
    platform: Platform, rep: Caller
) -> None:
    with pytest.raises(Rejected) as caught:
        await create(
            platform,
            rep,
            "contacts.party",
            {"name": "x" * 201},
            {"name": "Good"},
            {"naem": "typo"},
            {"name": "nul\x00", "kind": "alien"},
        )
    found = errors_of(caught)
    assert found == {
        (0, "name"): "invalid",
        (2, "naem"): "invalid",
        (2, "name"): "invalid",
        (3, "name"): "invalid",
        (3, "kind"): "invalid",
    }
    assert "Did you mean name" in str(caught.value.errors[1])


async def test_nothing_is_written_when_one_row_is_wrong(platform: Platform, rep: Caller) -> None:
    marker = f"Half {uuid4()}"
    with pytest.raises(Rejected):
        await create(platform, rep, "contacts.party", {"name": marker}, {"name": None})
    async with platform.runtime.read(rep) as unit:
        assert await unit.count(Party, Party.name == marker) == 0


async def test_float_is_refused_for_money(platform: Platform, rep: Caller) -> None:
    customer = await party(platform, rep, "Float")
    with pytest.raises(Rejected, match="expected an exact decimal number"):
        await deal(platform, rep, customer, amount=10.5)


async def test_amount_with_too_many_decimals_is_refused_not_rounded(
    platform: Platform, rep: Caller
) -> None:
    customer = await party(platform, rep, "Decimals")
    with pytest.raises(Rejected, match="at most 4 decimals"):
        await deal(platform, rep, customer, amount=Decimal("1.00001"))


async def test_stale_version_is_refused_and_says_who_changed_what(
    platform: Platform, rep: Caller
) -> None:
    row = await party(platform, rep, "Stale")
    await update(platform, rep, "contacts.party", row, notes="first")
    with pytest.raises(Stale) as caught:
        await update(platform, rep, "contacts.party", row, notes="second")
    assert rep.principal.name in str(caught.value)
    assert caught.value.params["fields"] == ["notes"]
    assert caught.value.params["version"] == 2


async def test_one_of_two_writers_wins_when_both_read_the_same_version(
    platform: Platform, rep: Caller
) -> None:
    row = await party(platform, rep, "Race")
    answers = await asyncio.gather(
        *(update(platform, rep, "contacts.party", row, notes=f"n{i}") for i in range(2)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Stale", "dict"]


async def test_unique_value_twice_is_a_duplicate_at_its_row(
    platform: Platform, manager: Caller
) -> None:
    name = f"Tag {uuid4()}"
    await create(platform, manager, "contacts.tag", {"name": name})
    with pytest.raises(Rejected) as caught:
        await create(platform, manager, "contacts.tag", {"name": "fine"}, {"name": name})
    assert isinstance(caught.value.errors[0], Duplicate)
    assert caught.value.path == (1, "name")
    assert name in str(caught.value)


async def test_reference_to_a_missing_record_is_refused_at_its_field(
    platform: Platform, rep: Caller
) -> None:
    with pytest.raises(Rejected) as caught:
        await deal(platform, rep, {"id": uuid4()})
    assert errors_of(caught) == {(0, "party"): "not_found"}


async def test_hidden_row_answers_like_a_missing_one(
    platform: Platform, rep: Caller, manager: Caller
) -> None:
    customer = await party(platform, manager, "Hidden")
    hidden = await deal(platform, manager, customer)
    texts: list[str] = []
    for row in (hidden, {"id": uuid4(), "version": 1}):
        with pytest.raises(NotFound) as caught:
            await update(platform, rep, "crm.deal", row, title="mine")
        texts.append(str(caught.value).replace(str(row["id"]), "ID"))
    assert texts[0] == texts[1]


async def test_row_may_not_be_moved_out_of_reach(platform: Platform, rep: Caller) -> None:
    customer = await party(platform, rep, "Out of reach")
    mine = await deal(platform, rep, customer)
    other = await platform.user(rep.tenant, "crm.sales_rep")
    with pytest.raises((Rejected, Denied)):
        await update(platform, rep, "crm.deal", mine, owner=other.principal.user_id)
    async with platform.runtime.read(rep) as unit:
        kept = await unit.get(Deal, id_of(mine))
    assert kept.owner is not None
    assert kept.owner.id == rep.principal.user_id


async def test_action_without_its_permission_is_denied(platform: Platform, rep: Caller) -> None:
    customer = await party(platform, rep, "No delete")
    mine = await deal(platform, rep, customer)
    with pytest.raises(Denied):
        await delete(platform, rep, "crm.deal", mine)


async def test_record_in_use_is_not_deleted(platform: Platform, manager: Caller) -> None:
    customer = await party(platform, manager, "In use")
    await deal(platform, manager, customer)
    with pytest.raises(HansaError) as caught:
        await delete(platform, manager, "contacts.party", customer)
    assert isinstance(caught.value, InUse)
    assert "still used by a deal" in str(caught.value)


async def test_deletion_takes_nothing_of_others_along_without_leave(
    platform: Platform, manager: Caller, rep: Caller
) -> None:
    customer = await party(platform, manager, "With activities")
    call = {"subject": "Call back", "party": customer["id"], "kind": "call"}
    await create(platform, rep, "crm.activity", call)
    clerk = await platform.user(manager.tenant, "contacts.manager")
    with pytest.raises(HansaError, match="still used by a record you may not see") as caught:
        await delete(platform, clerk, "contacts.party", customer)
    assert isinstance(caught.value, InUse)
    await delete(platform, manager, "contacts.party", customer)


async def test_hidden_row_is_neither_waited_for_nor_locked(
    platform: Platform, rep: Caller, manager: Caller
) -> None:
    customer = await party(platform, manager, "Locked")
    hidden = await deal(platform, manager, customer)

    async def hold(unit: UnitOfWork) -> None:
        change = RowUpdate(id_of(hidden), 1, {"title": "held"})
        await unit.update_rows("crm.deal", [change])
        with pytest.raises(NotFound):  # at once, though the row is locked by this transaction
            await update(platform, rep, "crm.deal", hidden, title="mine")

    await platform.runtime.write(manager, hold)


async def test_owned_lines_go_with_their_owner(platform: Platform, manager: Caller) -> None:
    owner = await party(platform, manager, "Owner")
    phone = {"party": owner["id"], "number": "030-0074321"}
    await create(platform, manager, "contacts.phone", phone)
    await delete(platform, manager, "contacts.party", owner)
    async with platform.runtime.read(manager) as unit:
        assert await unit.count(Party, Party.id == id_of(owner)) == 0


async def test_statement_count_does_not_grow_with_rows(platform: Platform, manager: Caller) -> None:
    async def statements(rows: int) -> int:
        async def work(unit: UnitOfWork) -> int:
            values = [{"name": f"Bulk {uuid4()}"} for _ in range(rows)]
            made = await unit.create_rows("contacts.party", values)
            changes = [RowUpdate(id_of(row), 1, {"notes": "changed"}) for row in made]
            await unit.update_rows("contacts.party", changes)
            await unit.delete_rows("contacts.party", [(id_of(row), 2) for row in made])
            return unit.session.statement_count

        return await platform.runtime.write(manager, work)

    assert await statements(2) == await statements(200)


async def test_money_of_another_currency_than_the_record_is_refused(
    platform: Platform, rep: Caller
) -> None:
    customer = await party(platform, rep, "Two currencies")
    mine = await deal(platform, rep, customer)

    async def work(unit: UnitOfWork) -> None:
        found = await unit.get(Deal, id_of(mine))
        found.amount = Money(Decimal(5), Currency("USD"))
        await unit.save(found)

    with pytest.raises(HansaError, match="is in USD, but currency is EUR"):
        await platform.runtime.write(rep, work)


async def test_readonly_field_is_refused_through_the_api(platform: Platform, rep: Caller) -> None:
    customer = await party(platform, rep, "Readonly")
    mine = await deal(platform, rep, customer)
    with pytest.raises(Rejected, match="set by actions only"):
        await update(platform, rep, "crm.deal", mine, status="won")


async def test_archived_record_is_got_by_id_and_hidden_from_find(
    platform: Platform, manager: Caller
) -> None:
    row = await party(platform, manager, f"Archived {uuid4()}")

    async def work(unit: UnitOfWork) -> None:
        found = await unit.get(Party, id_of(row))
        await unit.archive(found)
        assert await unit.find(Party, Party.name == found.name) == []
        again = await unit.get(Party, id_of(row))
        assert again.archived
        await unit.archive(again, archived=False)
        assert len(await unit.find(Party, Party.name == found.name)) == 1

    await platform.runtime.write(manager, work)
