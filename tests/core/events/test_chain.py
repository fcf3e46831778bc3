"""The chain: whole after sealing, and every damage found."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable

import psycopg
import pytest

from hansa_core.events.chain import first_hash, head, next_hash, sealed_after, verify_chain
from hansa_core.proof.ledger import ledger_fault
from hansa_core.testing.counting import Count
from hansa_sdk.errors import LimitExceeded
from tests.core.events.conftest import Ledger, changed

FLIPS = 100


async def fault(ledger: Ledger, batch: int = 7) -> str | None:
    async with ledger.database.transaction(ledger.tenant, read_only=True) as session:
        report = await verify_chain(session, ledger.tables, batch=batch)
    return report.fault.reason if report.fault else None


async def filled(ledger: Ledger, size: int = 30) -> list[uuid.UUID]:
    ids = await ledger.record(*(changed(uuid.uuid4(), 1) for _ in range(size)))
    await ledger.seal()
    return ids


async def test_the_chain_verifies_whatever_the_batch(ledger: Ledger) -> None:
    for size in (1, 13, 1):
        await filled(ledger, size)
    for batch in (1, 5, 15, 16, 5000):
        async with ledger.database.transaction(ledger.tenant) as session:
            report = await verify_chain(session, ledger.tables, batch=batch)
            assert report.fault is None
            assert report.checked == 15
            assert report.head == await head(session, ledger.tables)
    assert await ledger_fault(ledger.database, ledger.tenant, ledger.tables) is None


async def test_the_hash_is_the_documented_one(ledger: Ledger) -> None:
    await filled(ledger, 3)
    async with ledger.database.transaction(ledger.tenant) as session:
        expected = first_hash(ledger.tenant.id)
        for event in await sealed_after(session, ledger.tables, 0, 10):
            expected = next_hash(expected, event.id, event.body)
            assert event.hash == expected


async def test_an_empty_ledger_verifies_and_has_a_head_of_its_tenant(
    make_ledger: Callable[[], Ledger],
) -> None:
    heads: set[bytes] = set()
    for ledger in (make_ledger(), make_ledger()):
        async with ledger.database.transaction(ledger.tenant) as session:
            last = await head(session, ledger.tables)
            assert (last.position, await fault(ledger)) == (0, None)
            heads.add(last.hash)
    assert len(heads) == 2


async def test_reading_by_position_yields_each_event_once(ledger: Ledger) -> None:
    ids = await filled(ledger, 25)
    seen: list[uuid.UUID] = []
    position = 0
    async with ledger.database.transaction(ledger.tenant) as session:
        while events := await sealed_after(session, ledger.tables, position, 10):
            seen += [event.id for event in events]
            position = events[-1].position
        with pytest.raises(LimitExceeded):
            await sealed_after(session, ledger.tables, 0, 0)
    assert (seen, position) == (ids, 25)


def _flip(cursor: psycopg.Cursor, kind: str, rng: random.Random) -> str:
    """Change one byte (one bit, for a position) of one random row; return what was changed."""
    position = rng.randint(1, 30)
    row = cursor.execute(
        "SELECT e.id, e.body, s.hash FROM system_event_seal s JOIN system_event e"
        " ON e.id = s.event_id WHERE s.position = %s",
        [position],
    ).fetchone()
    assert row is not None
    id_, body, hash_ = row

    def flipped(data: bytes) -> bytes:
        index = rng.randrange(len(data))
        return data[:index] + bytes([data[index] ^ rng.randint(1, 255)]) + data[index + 1 :]

    match kind:
        case "body":
            cursor.execute("UPDATE system_event SET body = %s WHERE id = %s", [flipped(body), id_])
        case "hash":
            cursor.execute(
                "UPDATE system_event_seal SET hash = %s WHERE event_id = %s", [flipped(hash_), id_]
            )
        case "event id":
            new = uuid.UUID(bytes=flipped(id_.bytes))
            cursor.execute("UPDATE system_event SET id = %s WHERE id = %s", [new, id_])
        case "sealed id":
            new = uuid.UUID(bytes=flipped(id_.bytes))
            cursor.execute(
                "UPDATE system_event_seal SET event_id = %s WHERE event_id = %s", [new, id_]
            )
        case _:
            # Bit 5 and up: the new position is never one that is taken.
            bit = 1 << rng.randint(5, 62)
            cursor.execute(
                "UPDATE system_event_seal SET position = position # %s::bigint WHERE event_id = %s",
                [bit, id_],
            )
    assert cursor.rowcount == 1
    return f"{kind} at position {position}"


async def test_one_flipped_byte_is_found_wherever_it_is(ledger: Ledger) -> None:
    await filled(ledger)
    rng = random.Random(20261121)  # noqa: S311  # repeatable damage, not a secret
    kinds = ("body", "hash", "event id", "sealed id", "position")
    with ledger.owner() as owner:
        owner.execute("CREATE TABLE event_copy AS TABLE system_event")
        owner.execute("CREATE TABLE seal_copy AS TABLE system_event_seal")
    found = 0
    for number in range(FLIPS):
        with ledger.owner() as owner:
            what = _flip(owner, kinds[number % len(kinds)], rng)
        reason = await fault(ledger, batch=rng.choice((1, 7, 30, 5000)))
        assert reason is not None, what
        found += 1
        with ledger.owner() as owner:
            owner.execute("DELETE FROM system_event_seal")
            owner.execute("DELETE FROM system_event")
            owner.execute("INSERT INTO system_event TABLE event_copy")
            owner.execute("INSERT INTO system_event_seal TABLE seal_copy")
    assert found == FLIPS
    assert await fault(ledger) is None


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("DELETE FROM system_event_seal WHERE position = 4", "position 4 is missing"),
        ("DELETE FROM system_event_seal WHERE position = 1", "position 1 is missing"),
        ("DELETE FROM system_event_seal WHERE position = 30", "neither sealed nor waiting"),
        ("UPDATE system_event SET cause = 'else' WHERE id = %s", "column cause"),
        ("UPDATE system_event SET actor_id = NULL WHERE id = %s", "column actor_id"),
        ("UPDATE system_event SET at = at + interval '1 us' WHERE id = %s", "column at"),
        ("UPDATE system_event SET record_version = 2 WHERE id = %s", "column record_version"),
        ("DELETE FROM system_event WHERE id = %s", "is missing"),
    ],
)
async def test_other_damage_is_found_and_named(ledger: Ledger, damage: str, reason: str) -> None:
    ids = await filled(ledger)
    with ledger.owner() as owner:
        owner.execute(damage.encode(), [ids[3]] if "%s" in damage else None)
    assert reason in (await fault(ledger) or "")
    assert reason in (await ledger_fault(ledger.database, ledger.tenant, ledger.tables) or "")


async def test_two_swapped_events_are_found(ledger: Ledger) -> None:
    first, second = await filled(ledger, 2)
    with ledger.owner() as owner:
        owner.execute("UPDATE system_event_seal SET position = 3 - position + 10")
        owner.execute("UPDATE system_event_seal SET position = position - 10")
    assert await fault(ledger) == f"the hash does not match event {second}"
    assert first != second


async def test_a_waiting_row_that_was_deleted_is_found(ledger: Ledger, count: Count) -> None:
    faults = count.asked("faults")
    ids = await ledger.record(*(changed(uuid.uuid4(), 1) for _ in range(faults + 1)))
    assert await fault(ledger) is None
    for lost in ids[:faults]:
        with ledger.owner() as owner:
            owner.execute("DELETE FROM system_event_pending WHERE event_id = %s", [lost])
        assert "neither sealed nor waiting" in (await fault(ledger) or "")
        count.ran()
