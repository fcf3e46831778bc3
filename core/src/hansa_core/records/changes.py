"""What a unit of work changed, as the events it will write."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from hansa_core.caller import Caller
from hansa_core.events.crypto import Subject
from hansa_core.events.record import Change, Origin
from hansa_core.model.meta import EntityMeta
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
    row: Mapping[str, object]


Lines = dict[str, list[Mapping[str, object]]]
Created = dict[str, dict[UUID, RecordChange]]


def loud(row: Mapping[str, object], names: Sequence[str] | None = None) -> dict[str, object]:
    """Return the values an event tells: not the kernel's own bookkeeping.

    With `names`, those fields whatever they hold; else every field that holds something.
    """
    if names is not None:
        return {name: row.get(name) for name in names if name not in _QUIET}
    return {name: value for name, value in row.items() if name not in _QUIET and value is not None}


def origin_of(caller: Caller) -> Origin:
    """Return whose changes those of a caller are."""
    principal = caller.principal
    return Origin(
        actor_id=principal.user_id,
        key_id=principal.key_id,
        session_id=principal.session_id,
        cause=principal.cause,
    )


def to_events(shape: Shape, changes: Sequence[RecordChange]) -> list[Change]:
    """Turn changes to events, new owned lines told inside their new owner's event.

    Going backwards, a line has its own lines when it is put into its owner. A line about another
    person than its owner's keeps an event of its own, under that person's key.
    """
    created: Created = {}
    for change in changes:
        if change.verb == "created":
            created.setdefault(change.meta.name, {})[change.record_id] = change
    lines: dict[int, Lines] = {}
    events: list[Change] = []
    for change in reversed(changes):
        own = lines.get(id(change), {})
        owner = _new_owner(change, created)
        if owner is None:
            events.append(_event(change, own))
        else:
            parent, relation = owner
            line = {"id": change.record_id, **change.after, **own}
            lines.setdefault(id(parent), {}).setdefault(relation, []).insert(0, line)
    return events[::-1]


def _new_owner(change: RecordChange, created: Created) -> tuple[RecordChange, str] | None:
    if change.verb != "created":
        return None
    for reference in change.meta.references:
        owners = created.get(reference.target)
        if owners is None or change.after.get(reference.name) is None:
            continue
        owner = owners.get(cast(UUID, change.after[reference.name]))
        if owner is None or owner is change:
            continue
        for relation in owner.meta.relations.values():
            ours = relation.target == change.meta.name and relation.inverse == reference.name
            if relation.owned and ours and _fits(change, owner):
                return owner, relation.name
    return None


def _fits(line: RecordChange, owner: RecordChange) -> bool:
    """Tell whether a line may stand under its owner's key (or, both about nobody, in clear)."""
    personal = any(field.personal for field in line.meta.fields.values())
    return not personal or _subject(line) == _subject(owner)


def _event(change: RecordChange, lines: Lines) -> Change:
    meta = change.meta
    subject = _subject(change)
    personal = _personal(meta, subject)
    if subject is not None:
        personal.update(dict.fromkeys(lines, subject))
    return Change(
        type=f"{meta.name}.{change.verb}",
        entity=meta.name,
        record_id=change.record_id,
        record_version=change.version,
        before=change.before,
        after={**change.after, **cast("Mapping[str, object]", lines)},
        personal=personal,
        personal_before=_personal(meta, _subject(change, before=True)),
    )


def _personal(meta: EntityMeta, subject: Subject | None) -> dict[str, Subject]:
    if subject is None:
        return {}
    return {name: subject for name, field in meta.fields.items() if field.personal}


def _subject(change: RecordChange, *, before: bool = False) -> Subject | None:
    """Return whose data a record is (or was `before` the change).

    One that says so but refers to nobody is its own subject.
    """
    meta = change.meta
    if not meta.subject:
        return None
    row = {**change.row, **change.before} if before else change.row
    reference = row.get(meta.subject) if meta.subject != "self" else None
    if reference is None:
        return Subject(meta.name, change.record_id)
    return Subject(meta.fields[meta.subject].target, cast(UUID, reference))


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
