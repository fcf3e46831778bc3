"""What a unit of work changed, as the events it will write."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from hansa_core.events.crypto import Subject
from hansa_core.events.record import Change
from hansa_core.model.meta import EntityMeta, Kind
from hansa_core.model.shape import Shape
from hansa_sdk import Entity, Event, Invalid, Link, Money, Quantity

_QUIET = frozenset({"id", "created_at", "created_by", "updated_at", "updated_by", "version"})


@dataclass(slots=True)
class RecordChange:
    """One record's change, before it is an event. `verb` is created, updated, deleted ..."""

    meta: EntityMeta
    verb: str
    record_id: UUID
    version: int
    before: Mapping[str, object]
    after: Mapping[str, object]
    lines: dict[str, list[Mapping[str, object]]] = field(
        default_factory=dict[str, list[Mapping[str, object]]]
    )


def loud(row: Mapping[str, object], names: Sequence[str] | None = None) -> dict[str, object]:
    """Return the values an event tells: not the kernel's own bookkeeping.

    With `names`, those fields whatever they hold; else every field that holds something.
    """
    if names is not None:
        return {name: row.get(name) for name in names if name not in _QUIET}
    return {name: value for name, value in row.items() if name not in _QUIET and value is not None}


def to_events(shape: Shape, changes: Sequence[RecordChange]) -> list[Change]:
    """Turn changes to events, new owned lines told inside their new owner's event."""
    created = {(c.meta.name, c.record_id): c for c in changes if c.verb == "created"}
    events: list[RecordChange] = []
    for change in changes:
        owner = _new_owner(shape, change, created)
        if owner is None:
            events.append(change)
        else:
            parent, relation = owner
            line = {"id": change.record_id, **change.after}
            parent.lines.setdefault(relation, []).append(line)
    return [_event(change) for change in events]


def _new_owner(
    shape: Shape, change: RecordChange, created: Mapping[tuple[str, UUID], RecordChange]
) -> tuple[RecordChange, str] | None:
    if change.verb != "created":
        return None
    for name, reference in change.meta.fields.items():
        if reference.kind is not Kind.REFERENCE or change.after.get(name) is None:
            continue
        owner = created.get((reference.target, cast(UUID, change.after[name])))
        if owner is None:
            continue
        for relation in owner.meta.relations.values():
            if relation.owned and relation.target == change.meta.name and relation.inverse == name:
                return owner, relation.name
    return None


def _event(change: RecordChange) -> Change:
    meta = change.meta
    subject = _subject(change)
    personal: dict[str, Subject] = {}
    if subject is not None:
        personal = {name: subject for name, meta_ in meta.fields.items() if meta_.personal}
        personal.update(dict.fromkeys(change.lines, subject))
    after = {**change.after, **change.lines}
    return Change(
        type=f"{meta.name}.{change.verb}",
        entity=meta.name,
        record_id=change.record_id,
        record_version=change.version,
        before=change.before,
        after=cast("Mapping[str, object]", after),
        personal=personal,
    )


def _subject(change: RecordChange) -> Subject | None:
    meta = change.meta
    if not meta.subject:
        return None
    if meta.subject == "self":
        return Subject(meta.name, change.record_id)
    reference = change.after.get(meta.subject) or change.before.get(meta.subject)
    target = meta.fields[meta.subject].target
    return Subject(target, cast(UUID, reference)) if reference is not None else None


def event_type(shape: Shape, event: Event) -> str:
    """Return a plugin event's ledger type: crm.deal_won for DealWon of crm.

    Raises Invalid for an event no enabled plugin declares.
    """
    for name, cls in shape.events.items():
        if cls is type(event):
            plugin, _, class_name = name.partition(".")
            return f"{plugin}.{re.sub(r'(?<!^)(?=[A-Z])', '_', class_name).lower()}"
    raise Invalid(
        f"No enabled plugin declares the event {type(event).__name__}.",
        next_step="Add it to Plugin(events=...).",
    )


def payload_of(event: Event) -> dict[str, object]:
    """Return an event's values as plain ones."""
    return {
        item.name: _plain(getattr(event, item.name))
        for item in dataclasses.fields(event)  # type: ignore[arg-type]  # every Event is a dataclass
    }


def _plain(value: object) -> object:
    if isinstance(value, Money):
        return {"value": value.value, "currency": str(value.currency)}
    if isinstance(value, Quantity):
        return {"value": value.value, "unit": value.unit}
    if isinstance(value, Link):
        return cast("Link[object]", value).id
    return value.id if isinstance(value, Entity) else value
