"""The hash chain over sealed events: its rule, its head, reading by position, and its check.

hash(n) = sha256(hash(n - 1) || the event's id, 16 bytes || the event's body). hash(0) is made of
the tenant's id, so that no tenant's ledger passes for another's. Cutting off the newest seals
leaves a whole chain: only a head kept elsewhere shows it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from hansa_core.events.canonical import Plain, canonical_bytes, parse_canonical
from hansa_core.events.tables import EventTables
from hansa_core.storage.transaction import Row, Session
from hansa_sdk.errors import LimitExceeded

READ_MAX: Final = 10_000
"""How many sealed events one call may read."""

_COLUMNS: Final = (
    "type",
    "entity",
    "record_id",
    "record_version",
    "actor_id",
    "key_id",
    "session_id",
    "cause",
    "at",
)
_FIRST_BIGINT: Final = -(2**63)


@dataclass(frozen=True, slots=True)
class Head:
    """The last seal: its position (0 in an empty ledger) and hash."""

    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event with its place in the ledger; `body` holds the exact bytes of its values."""

    position: int
    id: UUID
    hash: bytes
    type: str
    entity: str | None
    record_id: UUID | None
    record_version: int
    actor_id: UUID | None
    key_id: UUID | None
    session_id: UUID | None
    cause: str | None
    at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first thing wrong: at which position (None: outside the chain) and what."""

    position: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What `verify_chain` found: positions checked, the head they lead to, the first fault."""

    checked: int
    head: Head
    fault: ChainFault | None


def first_hash(tenant_id: UUID) -> bytes:
    """Return the hash before the first event of a tenant."""
    return hashlib.sha256(b"hansa event chain 1" + tenant_id.bytes).digest()


def next_hash(previous: bytes, event_id: UUID, body: bytes) -> bytes:
    """Return the hash of the event that follows `previous`."""
    return hashlib.sha256(previous + event_id.bytes + body).digest()


async def head(session: Session, tables: EventTables) -> Head:
    """Return the ledger's head; export it to have an anchor outside the database."""
    row = await session.fetch_one(tables.statements.head)
    if row is None:
        return Head(0, first_hash(session.tenant.id))
    return Head(cast(int, row["position"]), cast(bytes, row["hash"]))


async def sealed_after(
    session: Session, tables: EventTables, position: int, limit: int
) -> list[SealedEvent]:
    """Return at most `limit` sealed events after `position`, in the ledger's order.

    Raises LimitExceeded when `limit` is not between 1 and READ_MAX.
    """
    if not 1 <= limit <= READ_MAX:
        raise LimitExceeded(
            f"Between 1 and {READ_MAX} events can be read at once, not {limit}.",
            next_step="Read in smaller steps, from the last position on.",
        )
    rows = await session.fetch(
        tables.statements.sealed_after, {"position": position, "rows_max": limit}
    )
    return [_sealed(row) for row in rows]


async def verify_chain(session: Session, tables: EventTables, *, batch: int = 5000) -> ChainReport:
    """Recompute the whole chain, `batch` events at a time, and report the first fault.

    Checked: positions consecutive from 1, each event there once, each hash, each column the same
    as in the hashed body, and no event outside both the ledger and the queue.
    """
    last = Head(0, first_hash(session.tenant.id))
    after = _FIRST_BIGINT
    while True:
        rows = await session.fetch(
            tables.statements.sealed_after, {"position": after, "rows_max": batch}
        )
        for row in rows:
            reason = _fault(last, row)
            if reason is not None:
                fault = ChainFault(cast(int, row["position"]), reason)
                return ChainReport(last.position, last, fault)
            last = Head(cast(int, row["position"]), cast(bytes, row["hash"]))
        if len(rows) < batch:
            break
        after = last.position
    lost = await session.fetch_value(tables.statements.lost_event)
    outside = (
        ChainFault(None, f"event {lost} is neither sealed nor waiting to be") if lost else None
    )
    return ChainReport(last.position, last, outside)


def _fault(last: Head, row: Row) -> str | None:
    position, event_id = cast(int, row["position"]), cast(UUID, row["event_id"])
    if position != last.position + 1:
        return f"position {last.position + 1} is missing"
    if row["id"] is None:
        return f"event {event_id} is missing"
    body = cast(bytes, row["body"])
    if next_hash(last.hash, event_id, body) != row["hash"]:
        return f"the hash does not match event {event_id}"
    differing = _differing_column(row, body)
    return f"column {differing} of event {event_id} differs from its body" if differing else None


def _differing_column(row: Row, body: bytes) -> str | None:
    """Return a column that does not say what the body says."""
    try:
        values = parse_canonical(body)
    except ValueError:
        return "body"
    if not isinstance(values, dict):
        return "body"
    columns = parse_canonical(canonical_bytes({name: row[name] for name in _COLUMNS}))
    plain = cast("dict[str, Plain]", columns)
    return next((name for name in _COLUMNS if plain[name] != values.get(name)), None)


def _sealed(row: Row) -> SealedEvent:
    return SealedEvent(
        position=cast(int, row["position"]),
        id=cast(UUID, row["event_id"]),
        hash=cast(bytes, row["hash"]),
        type=cast(str, row["type"]),
        entity=cast("str | None", row["entity"]),
        record_id=cast("UUID | None", row["record_id"]),
        record_version=cast(int, row["record_version"]),
        actor_id=cast("UUID | None", row["actor_id"]),
        key_id=cast("UUID | None", row["key_id"]),
        session_id=cast("UUID | None", row["session_id"]),
        cause=cast("str | None", row["cause"]),
        at=cast(datetime, row["at"]),
        body=cast(bytes, row["body"]),
    )
