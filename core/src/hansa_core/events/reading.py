"""Reading events back: their values, with the personal ones decrypted where their key still is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from hansa_core.events.canonical import Plain, parse_canonical
from hansa_core.events.chain import SealedEvent
from hansa_core.events.crypto import (
    ERASED,
    Erasure,
    Keyring,
    Place,
    Subject,
    SubjectKey,
    encrypted_subject,
)
from hansa_core.events.record import SECTIONS
from hansa_core.events.subject_keys import find_keys
from hansa_core.events.tables import EventTables
from hansa_core.storage.transaction import Session

Values: TypeAlias = "Mapping[str, Plain | Erasure]"
"""Field name -> value; ERASED where the person's key is destroyed."""


@dataclass(frozen=True, slots=True)
class EventValues:
    """What an event says: the changed fields before and after, or a declared event's payload."""

    before: Values
    after: Values
    payload: Values


async def read_values(
    session: Session, tables: EventTables, keyring: Keyring, events: Sequence[SealedEvent]
) -> list[EventValues]:
    """Return the values of each of `events`, in one statement however many.

    Raises Unreadable when an encrypted value was changed or the master key is another.
    """
    bodies = [cast("dict[str, Plain]", parse_canonical(event.body)) for event in events]
    subjects = {
        subject
        for body in bodies
        for section in SECTIONS
        for value in _section(body, section).values()
        if (subject := encrypted_subject(value)) is not None
    }
    keys = await find_keys(session, tables, keyring, subjects)
    return [
        EventValues(
            *(_opened(session, event, name, _section(body, name), keys) for name in SECTIONS)
        )
        for event, body in zip(events, bodies, strict=True)
    ]


def _section(body: dict[str, Plain], name: str) -> dict[str, Plain]:
    return cast("dict[str, Plain]", body.get(name, {}))


def _opened(
    session: Session,
    event: SealedEvent,
    section: str,
    values: dict[str, Plain],
    keys: Mapping[Subject, SubjectKey],
) -> Values:
    opened: dict[str, Plain | Erasure] = {}
    for name, value in values.items():
        subject = encrypted_subject(value)
        if subject is None:
            opened[name] = value
            continue
        key = keys.get(subject)
        place = Place(
            session.tenant.id, event.id, event.entity, event.record_id, f"{section}.{name}"
        )
        opened[name] = ERASED if key is None else key.decrypt(value, place)
    return opened
