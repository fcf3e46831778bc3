"""The write side: a constant number of statements, personal values encrypted, order kept."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import asyncpg
import pytest

from hansa_core.events import record
from hansa_core.events.canonical import parse_canonical
from hansa_core.events.chain import sealed_after, verify_chain
from hansa_core.events.crypto import ERASED, Subject
from hansa_core.events.reading import EventValues, read_values
from hansa_core.events.record import Change
from hansa_core.events.subject_keys import erase_subject
from hansa_core.storage.transaction import Session, Tenant
from hansa_core.testing.waiting import eventually
from hansa_sdk.errors import Invalid, LimitExceeded
from tests.core.events.conftest import ORIGIN, Ledger, changed

SECRET = "Annegret Müller-Lüdenscheidt"


def about(subject: Subject, version: int = 1, name: str = SECRET) -> Change:
    return Change(
        type="contacts.party.updated",
        entity=subject.entity,
        record_id=subject.record_id,
        record_version=version,
        before={"name": None, "vat": "DE1"},
        after={"name": name, "vat": "DE2"},
        payload={"name": name},
        personal={"name": subject, "not_changed": Subject("contacts.party", uuid.uuid4())},
    )


def person() -> Subject:
    return Subject("contacts.party", uuid.uuid4())


async def values(ledger: Ledger) -> list[EventValues]:
    async with ledger.database.transaction(ledger.tenant) as session:
        events = await sealed_after(session, ledger.tables, 0, 1000)
        return await read_values(session, ledger.tables, ledger.keyring, events)


@pytest.mark.parametrize("size", [1, 500])
async def test_the_number_of_statements_is_constant_when_changes_grow(
    ledger: Ledger, size: int
) -> None:
    people = [person() for _ in range(size)]
    async with ledger.database.transaction(ledger.tenant) as session:
        await ledger.record_in(session, *(changed(uuid.uuid4(), 1) for _ in range(size)))
        assert session.statement_count == 1
    async with ledger.database.transaction(ledger.tenant) as session:
        await ledger.record_in(session, *map(about, people))
        assert session.statement_count == 3
    async with ledger.database.transaction(ledger.tenant) as session:
        await ledger.record_in(session, *(about(one, 2) for one in people))
        assert session.statement_count == 2
    assert await ledger.seal() == 3 * size


async def test_ids_rise_and_come_in_the_order_of_the_changes(ledger: Ledger) -> None:
    records = [uuid.uuid4() for _ in range(50)]
    ids = await ledger.record(*(changed(record, 1) for record in records))
    assert ids == sorted(ids)
    await ledger.seal()
    async with ledger.database.transaction(ledger.tenant) as session:
        events = await sealed_after(session, ledger.tables, 0, 50)
    assert [(event.id, event.record_id) for event in events] == list(zip(ids, records, strict=True))
    assert {event.actor_id for event in events} == {ORIGIN.actor_id}
    assert parse_canonical(events[0].body) == {
        "type": "crm.deal.updated",
        "entity": "crm.deal",
        "record_id": str(records[0]),
        "record_version": 1,
        "actor_id": str(ORIGIN.actor_id),
        "cause": "test",
        "at": events[0].at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "before": {"name": "name 0"},
        "after": {"name": "name 1"},
    }


async def test_many_changes_are_written_in_batches(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "BATCH_CHANGES", 20)
    people = [person() for _ in range(50)]
    async with ledger.database.transaction(ledger.tenant) as session:
        ids = await ledger.record_in(session, *map(about, people))
        assert session.statement_count == 3 * 3
    assert len(ids) == 50
    assert await ledger.seal() == 50
    async with ledger.database.transaction(ledger.tenant) as session:
        events = await sealed_after(session, ledger.tables, 0, 100)
    assert [event.id for event in events] == ids == sorted(ids)


async def test_more_changes_than_one_transaction_writes_are_refused(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "CHANGES_MAX", 2)
    async with ledger.database.transaction(ledger.tenant) as session:
        with pytest.raises(LimitExceeded, match="may write 2 events; this one has 3"):
            await ledger.record_in(session, *(changed(uuid.uuid4(), 1) for _ in range(3)))


async def test_no_event_is_left_when_the_transaction_rolls_back(ledger: Ledger) -> None:
    async def refused() -> None:
        async with ledger.database.transaction(ledger.tenant) as session:
            await ledger.record_in(session, about(person()))
            raise RuntimeError("refused")

    with pytest.raises(RuntimeError, match="refused"):
        await refused()
    assert await ledger.seal() == 0
    with ledger.owner() as owner:
        row = owner.execute("SELECT count(*) FROM system_event").fetchone()
        assert row == (0,)


async def test_personal_values_are_never_in_clear_in_any_table(ledger: Ledger) -> None:
    await ledger.record(about(person()), about(person()))
    with ledger.owner() as owner:
        rows = owner.execute("SELECT e::text, p::text FROM system_event e, system_event_pending p")
        text = str(rows.fetchall())
    await ledger.seal()
    assert b"DE2".hex() in text
    for clear in (SECRET, SECRET.encode().hex(), "Annegret", b"Annegret".hex()):
        assert clear not in text
    with ledger.owner() as owner:
        bodies = owner.execute("SELECT body FROM system_event").fetchall()
        assert all(b"DE2" in body and b"Annegret" not in body for (body,) in bodies)
    assert [(v.before, v.after, v.payload) for v in await values(ledger)] == 2 * [
        ({"name": None, "vat": "DE1"}, {"name": SECRET, "vat": "DE2"}, {"name": SECRET})
    ]


async def test_a_person_is_gone_and_the_chain_whole_when_the_key_is_erased(
    ledger: Ledger,
) -> None:
    gone, kept = person(), person()
    await ledger.record(about(gone), about(kept))
    await ledger.seal()
    async with ledger.database.transaction(ledger.tenant) as session:
        assert await erase_subject(session, ledger.tables, gone)
        assert not await erase_subject(session, ledger.tables, gone)
    first, second = await values(ledger)
    assert first.after == {"name": ERASED, "vat": "DE2"}
    assert first.before == {"name": ERASED, "vat": "DE1"}
    assert second.after["name"] == SECRET
    # A later change about the same record gets a new key, which does not open the old values.
    await ledger.record(about(gone, 2, "erased person"))
    await ledger.seal()
    read = await values(ledger)
    assert [read[0].after["name"], read[2].after["name"]] == [ERASED, "erased person"]
    async with ledger.database.transaction(ledger.tenant) as session:
        report = await verify_chain(session, ledger.tables)
    assert (report.checked, report.fault) == (3, None)


async def test_writers_agree_on_one_key_when_they_meet_the_same_person(ledger: Ledger) -> None:
    people = [person() for _ in range(20)]

    async def write(version: int) -> None:
        order = people if version % 2 else people[::-1]
        await ledger.record(*(about(one, version) for one in order))

    async with asyncio.TaskGroup() as group:
        for version in range(1, 9):
            group.create_task(write(version))
    assert await ledger.seal() == 160
    assert all(one.after["name"] == SECRET for one in await values(ledger))


@pytest.mark.parametrize("first_commits", [True, False])
async def test_a_writer_takes_the_key_another_was_making_when_that_one_commits(
    ledger: Ledger, first_commits: bool
) -> None:
    one = person()

    async def waits() -> bool:
        with ledger.owner() as owner:
            waiting = owner.execute(
                "SELECT 1 FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            return waiting.fetchone() is not None

    async with ledger.database.connection() as connection:
        await connection.execute(f'BEGIN; SET LOCAL ROLE "{ledger.tenant.role}"')
        await ledger.record_in(Session(connection, ledger.tenant), about(one))
        second = asyncio.create_task(ledger.record(about(one, 2)))
        await eventually(waits, what="the second writer's wait")
        await connection.execute("COMMIT" if first_commits else "ROLLBACK")
        await asyncio.wait_for(second, 5)
    assert await ledger.seal() == 1 + first_commits
    assert all(read.after["name"] == SECRET for read in await values(ledger))


async def test_a_value_no_event_can_hold_is_refused_with_its_path(ledger: Ledger) -> None:
    change = Change(type="crm.deal_won", payload={"lines": [{"amount": 1.5}]})
    with pytest.raises(Invalid) as caught:
        await ledger.record(change)
    assert caught.value.path == ("crm.deal_won", "payload", "lines", 0, "amount")
    with pytest.raises(Invalid, match=r"\$enc"):
        await ledger.record(Change(type="crm.deal_won", payload={"note": {"$enc": "x"}}))


@pytest.mark.parametrize("table", ["system_event", "system_event_seal"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET {} = NULL", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
async def test_the_tenants_role_cannot_change_the_ledger(
    ledger: Ledger, table: str, change: str
) -> None:
    await ledger.record(changed(uuid.uuid4(), 1))
    await ledger.seal()
    column = {"system_event": "cause", "system_event_seal": "hash"}[table]
    text = change.format(f'"{ledger.tenant.schema}".{table}', column)
    async with ledger.database.connection() as connection:
        await connection.execute(f'BEGIN; SET LOCAL ROLE "{ledger.tenant.role}"')
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(text)
        await connection.execute("ROLLBACK")


async def test_one_tenants_role_cannot_read_anothers_ledger(
    make_ledger: Callable[[], Ledger],
) -> None:
    mine, other = make_ledger(), make_ledger()
    await other.record(changed(uuid.uuid4(), 1))
    crossed = Tenant(mine.tenant.id, "x", other.tenant.schema, mine.tenant.role)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with mine.database.transaction(crossed) as session:
            await sealed_after(session, mine.tables, 0, 10)
