"""The write side: a transaction's changes become event rows, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeVar, cast
from uuid import UUID

from hansa_core.clock import Clock
from hansa_core.events.canonical import canonical_bytes, spelt_out
from hansa_core.events.crypto import ENCRYPTED, Keyring, Place, Subject, SubjectKey
from hansa_core.events.subject_keys import ensure_keys
from hansa_core.events.tables import EventTables
from hansa_core.storage.ids import new_id
from hansa_core.storage.transaction import Session
from hansa_sdk.errors import HansaError, Invalid, LimitExceeded

T = TypeVar("T")

CHANGES_MAX: Final = 200_000
"""How many events one transaction may write: all of them are in memory until it commits."""

BATCH_CHANGES: Final = 10_000
"""How many events one statement writes."""

SECTIONS: Final = ("before", "after", "payload")
"""The parts of a body that hold values."""


_PLAIN: Final = frozenset({str, int, bool, type(None), UUID, Decimal, date, datetime})
"""Types that hold no names: the usual values."""


def _nothing() -> Mapping[str, object]:
    return {}


def _nobody() -> Mapping[str, Subject]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One aggregate's change, or one event a plugin declares.

    `type` is like "crm.deal.updated" or "crm.deal_won". `before` and `after` hold the changed
    fields only, `payload` the declared event's own. `personal` names the fields, of any of the
    three, that are about a person, and whom; a list of owned lines is encrypted as a whole.
    """

    type: str
    entity: str | None = None
    record_id: UUID | None = None
    record_version: int = 0
    before: Mapping[str, object] = field(default_factory=_nothing)
    after: Mapping[str, object] = field(default_factory=_nothing)
    payload: Mapping[str, object] = field(default_factory=_nothing)
    personal: Mapping[str, Subject] = field(default_factory=_nobody)
    personal_before: Mapping[str, Subject] | None = None
    """Whose the values of `before` are, where the change moved the record to another person."""

    def personal_in(self, section: str) -> Mapping[str, Subject]:
        """Return whose the values of one section are."""
        moved = section == "before" and self.personal_before is not None
        return (self.personal_before or {}) if moved else self.personal

    def subjects(self) -> set[Subject]:
        """Return the people whose values the change really holds."""
        parts = zip(SECTIONS, (self.before, self.after, self.payload), strict=True)
        return {
            subject
            for section, values in parts
            for name, subject in self.personal_in(section).items()
            if name in values
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who made the changes and how: user, API key, session, and what caused it."""

    actor_id: UUID | None = None
    key_id: UUID | None = None
    session_id: UUID | None = None
    cause: str | None = None


async def record_events(
    session: Session,
    tables: EventTables,
    keyring: Keyring,
    changes: Sequence[Change],
    origin: Origin,
    clock: Clock,
) -> list[UUID]:
    """Write one event per change into the open transaction; return their ids in order.

    One statement, and one to three more where values are personal, for each BATCH_CHANGES
    changes. Call it after the records are written: a record's row lock is what orders its events.
    No lock is shared between writers of different records and subjects.

    Raises Invalid for a value an event cannot hold, LimitExceeded above CHANGES_MAX.
    """
    if len(changes) > CHANGES_MAX:
        raise LimitExceeded(
            f"One transaction may write {CHANGES_MAX:,} events; this one has {len(changes):,}.",
            next_step="Split the work into smaller transactions.",
        )
    subjects = {subject for change in changes for subject in change.subjects()}
    keys: dict[Subject, SubjectKey] = {}
    for some in _batches(sorted(subjects)):  # in one order for all writers: none waits in a circle
        keys |= await ensure_keys(session, tables, keyring, some, clock)
    ids: list[UUID] = []
    for batch in _batches(changes):
        values = event_values(session.tenant.id, batch, keys, origin, clock.now())
        await session.execute(tables.statements.insert_events, values)
        ids += cast("list[UUID]", values["ids"])
    return ids


def event_values(
    tenant_id: UUID,
    changes: Sequence[Change],
    keys: Mapping[Subject, SubjectKey],
    origin: Origin,
    at: datetime,
) -> dict[str, object]:
    """Return the parameters of `EventStatements.insert_events` for these changes.

    `keys` are those of the people their values are about. Raises Invalid for a value an event
    cannot hold.
    """
    ids = [new_id() for _ in changes]
    shared = _shared(origin, at)
    bodies = [
        _body(change, shared, keys, Place(tenant_id, id_, change.entity, change.record_id, ""))
        for id_, change in zip(ids, changes, strict=True)
    ]
    return {
        "ids": ids,
        "types": [change.type for change in changes],
        "entities": [change.entity for change in changes],
        "record_ids": [change.record_id for change in changes],
        "versions": [change.record_version for change in changes],
        "bodies": bodies,
        "actor_id": origin.actor_id,
        "key_id": origin.key_id,
        "session_id": origin.session_id,
        "cause": origin.cause,
        "at": at,
    }


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH_CHANGES):
        yield items[start : start + BATCH_CHANGES]


def _shared(origin: Origin, at: datetime) -> Mapping[str, object]:
    """Return what all events of a batch say, as they spell it."""
    return spelt_out(
        {
            "actor_id": origin.actor_id,
            "key_id": origin.key_id,
            "session_id": origin.session_id,
            "cause": origin.cause,
            "at": at,
        }
    )


def _body(
    change: Change,
    shared: Mapping[str, object],
    keys: Mapping[Subject, SubjectKey],
    place: Place,
) -> bytes:
    """Return the exact bytes that are hashed: every column's value, then the values; no blanks."""
    parts: dict[str, object] = {
        "type": change.type,
        "entity": change.entity,
        "record_id": change.record_id,
        "record_version": change.record_version,
        **shared,
    }
    for section, values in zip(
        SECTIONS, (change.before, change.after, change.payload), strict=True
    ):
        if values:
            parts[section] = _section(section, values, change.personal_in(section), keys, place)
    try:
        return canonical_bytes({name: part for name, part in parts.items() if part is not None})
    except HansaError as error:
        raise error.under(change.type) from None


def _section(
    section: str,
    values: Mapping[str, object],
    personal: Mapping[str, Subject],
    keys: Mapping[Subject, SubjectKey],
    place: Place,
) -> Mapping[str, object]:
    if not personal and _PLAIN.issuperset(map(type, values.values())):
        return values
    stored: dict[str, object] = {}
    for name, value in values.items():
        if name in personal:
            there = Place(
                place.tenant_id,
                place.event_id,
                place.entity,
                place.record_id,
                f"{section}.{name}",
            )
            stored[name] = keys[personal[name]].encrypt(value, there)
        elif isinstance(value, Mapping) and ENCRYPTED in value:
            raise Invalid(
                f"Event data: {name} uses the key {ENCRYPTED}, which marks encrypted values.",
                next_step="Rename the key.",
                path=(section, name),
            )
        else:
            stored[name] = value
    return stored
