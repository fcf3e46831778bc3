"""Subjects' keys in the database: found, made in bulk, erased."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, cast
from uuid import UUID

from hansa_core.clock import Clock
from hansa_core.events.crypto import Keyring, Subject, SubjectKey
from hansa_core.events.tables import EventTables
from hansa_core.storage.transaction import Row, Session
from hansa_sdk.errors import Busy

_ATTEMPTS_MAX: Final = 3


async def find_keys(
    session: Session, tables: EventTables, keyring: Keyring, subjects: Collection[Subject]
) -> dict[Subject, SubjectKey]:
    """Return the keys of those `subjects` that have one; an erased subject has none."""
    if not subjects:
        return {}
    rows = await session.fetch(tables.statements.subject_keys, _arrays(sorted(subjects)))
    return _opened(session, keyring, rows)


async def ensure_keys(
    session: Session,
    tables: EventTables,
    keyring: Keyring,
    subjects: Collection[Subject],
    clock: Clock,
) -> dict[Subject, SubjectKey]:
    """Return a key for each of `subjects`, making the missing ones.

    Two statements at most, unless another transaction makes the same keys at the same time.
    Raises Busy when keys keep being made and erased meanwhile.
    """
    keys = await find_keys(session, tables, keyring, subjects)
    for _ in range(_ATTEMPTS_MAX):
        missing = sorted(set(subjects) - keys.keys())
        if not missing:
            return keys
        made = [keyring.new_wrapped_key(session.tenant.id, subject) for subject in missing]
        params = {**_arrays(missing), "wrapped_keys": made, "at": clock.now()}
        added = await session.fetch(tables.statements.add_subject_keys, params)
        keys |= _opened(session, keyring, added)
        if len(added) < len(missing):
            keys |= await find_keys(session, tables, keyring, set(missing) - keys.keys())
    raise Busy(
        "The keys of the people in this change kept being made and erased.",
        next_step="Try again in a moment.",
    )


async def erase_subject(session: Session, tables: EventTables, subject: Subject) -> bool:
    """Destroy the key of `subject`, so none of its values in events can be read again.

    Returns whether there was one. A later change about the subject gets a new key.
    """
    params = {"entity": subject.entity, "record_id": subject.record_id}
    return await session.execute(tables.statements.erase_subject_key, params) > 0


def _arrays(subjects: Collection[Subject]) -> dict[str, object]:
    return {
        "entities": [subject.entity for subject in subjects],
        "record_ids": [subject.record_id for subject in subjects],
    }


def _opened(session: Session, keyring: Keyring, rows: list[Row]) -> dict[Subject, SubjectKey]:
    opened: dict[Subject, SubjectKey] = {}
    for row in rows:
        subject = Subject(cast(str, row["entity"]), cast(UUID, row["record_id"]))
        wrapped = cast(bytes, row["wrapped_key"])
        opened[subject] = keyring.unwrap(session.tenant.id, subject, wrapped)
    return opened
