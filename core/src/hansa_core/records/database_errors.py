"""PostgreSQL's refusals of a write, told in the words of the entity."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from hansa_core.caller import Caller
from hansa_core.model.meta import EntityMeta
from hansa_sdk import Duplicate, HansaError, InUse, NotFound


class Violation(Protocol):
    """What asyncpg tells of a constraint that was broken."""

    detail: str | None
    table_name: str | None


def duplicate(
    caller: Caller,
    meta: EntityMeta,
    violation: Violation,
    rows: Sequence[Mapping[str, object]],
    positions: Sequence[int],
) -> HansaError:
    """Return the error for a value that must be unique, at the row that brought it.

    Its path is empty where the row cannot be told.
    """
    names = _unique_fields(meta, violation)
    value = _value(violation.detail)
    guilty = [
        position
        for position, row in zip(positions, rows, strict=True)
        if names and ", ".join(str(row.get(name)) for name in names) == value
    ]
    known = positions if len(positions) == 1 else guilty[-1:]
    return taken(caller, meta, names, value, tuple(known[:1]))


def taken(
    caller: Caller,
    meta: EntityMeta,
    names: Sequence[str],
    value: str,
    place: tuple[int, ...] = (),
) -> Duplicate:
    """Return the error for values of a unique key that another record has.

    A key with a field that is masked for the caller is told without it, and without its values.
    """
    shown = [name for name in names if (meta.name, name) not in caller.grants.masks]
    labels = " and ".join(meta.fields[name].label.lower() for name in shown) or "a unique value"
    whole = len(shown) == len(names)
    said = f"{labels} {value}" if whole else f"the same in {labels} and what goes with it"
    return Duplicate(
        f"Another {meta.label.lower()} already {'has' if whole else 'is'} {said}.",
        next_step="Change the value, or update that record.",
        path=(*place, *shown[:1]) if place or shown else (),
        params={"fields": list(shown), **({"value": value} if whole else {})},
    )


def in_use(caller: Caller, meta: EntityMeta, violation: Violation, *, deleting: bool) -> HansaError:
    """Return the error for a record others refer to, or a reference that just went away."""
    entities = caller.shape.entities.values()
    other = next((e for e in entities if e.table == violation.table_name), None)
    if deleting:
        return still_used(caller, meta, other)
    return NotFound(
        "A record referred to is no longer there.", next_step="Read again and choose another."
    )


def still_used(caller: Caller, meta: EntityMeta, other: EntityMeta | None) -> InUse:
    """Return the error for a record others refer to; it names only what the caller may read."""
    named = other is not None and caller.grants.allows(other.name, "read")
    label = other.label.lower() if named and other is not None else "record you may not see"
    instead = "Archive it instead, or ask" if meta.archivable else "Ask"
    return InUse(
        f"This {meta.label.lower()} is still used by a {label}.",
        next_step=f"{instead} for what uses it to be changed first.",
        params={"entity": other.name} if named and other is not None else {},
    )


def _unique_fields(meta: EntityMeta, violation: Violation) -> tuple[str, ...]:
    key = re.match(r"Key \(([^)]*)\)=", violation.detail or "")
    columns = [part.strip(' "') for part in key[1].split(",")] if key else []
    return tuple(name for name in columns if name in meta.fields)


def _value(detail: str | None) -> str:
    found = re.search(r"\)=\((.*)\) already exists", detail or "", re.DOTALL)
    return found[1] if found else ""
