"""PostgreSQL's refusals of a write, told in the words of the entity."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from hansa_core.model.meta import EntityMeta
from hansa_core.model.shape import Shape
from hansa_sdk import Duplicate, HansaError, InUse, NotFound


class Violation(Protocol):
    """What asyncpg tells of a constraint that was broken."""

    constraint_name: str | None
    detail: str | None
    table_name: str | None


def duplicate(
    meta: EntityMeta, violation: Violation, rows: Sequence[Mapping[str, object]]
) -> HansaError:
    """Return the error for a value that must be unique, at the row that brought it."""
    names = _unique_fields(meta, violation)
    values = _values(violation.detail)
    position = next(
        (i for i, row in enumerate(rows) if names and _same(row, names, values)),
        0,
    )
    labels = " and ".join(meta.fields[name].label.lower() for name in names) or "a unique value"
    shown = ", ".join(values)
    return Duplicate(
        f"Another {meta.label.lower()} already has {labels} {shown}.".replace("  ", " "),
        next_step="Change the value, or update that record.",
        path=(position, *names[:1]),
        params={"fields": list(names)},
    )


def in_use(shape: Shape, meta: EntityMeta, violation: Violation) -> HansaError:
    """Return the error for a record others refer to, or a reference that just went away."""
    other = next((e for e in shape.entities.values() if e.table == violation.table_name), None)
    if other is not None and other.name != meta.name:
        return InUse(
            f"This {meta.label.lower()} is still used by a {other.label.lower()}.",
            next_step=f"Archive it instead, or change that {other.label.lower()} first.",
            params={"entity": other.name},
        )
    return NotFound(
        "A record referred to is no longer there.", next_step="Read again and choose another."
    )


def _unique_fields(meta: EntityMeta, violation: Violation) -> tuple[str, ...]:
    key = re.match(r"Key \(([^)]*)\)=", violation.detail or "")
    columns = [part.strip(' "') for part in key[1].split(",")] if key else []
    return tuple(name for name in columns if name in meta.fields)


def _values(detail: str | None) -> list[str]:
    found = re.search(r"\)=\((.*)\) already exists", detail or "", re.DOTALL)
    return found[1].split(", ") if found else []


def _same(row: Mapping[str, object], names: Sequence[str], values: Sequence[str]) -> bool:
    return [str(row.get(name)) for name in names] == list(values)
