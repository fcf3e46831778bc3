"""What hangs on a record: rows to delete or detach when it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from hansa_core.model.meta import EntityMeta, Kind
from hansa_core.model.shape import Shape
from hansa_core.records.guards import IDS
from hansa_core.storage.transaction import Row, Session
from hansa_sdk import LimitExceeded

DEPENDENTS_MAX: Final = 20_000
"""How many rows the deletion of records may take along."""


@dataclass(frozen=True, slots=True)
class Dependent:
    """A reference whose rows follow their target: deleted with it, or detached (`set_null`).

    `owned` rows are lines of the target: their deletion needs no permission of its own.
    """

    entity: str
    name: str
    detach: bool
    owned: bool

    async def rows(self, session: Session, shape: Shape, ids: Sequence[UUID]) -> list[Row]:
        """Lock and return the rows that refer to `ids`.

        A row that refers elsewhere by the time it is locked is not among them. Raises
        LimitExceeded above DEPENDENTS_MAX.
        """
        table = shape.table(self.entity)
        statement = (
            sa.select(table)
            .where(table.c[shape.entity(self.entity).fields[self.name].column] == sa.any_(IDS))
            .order_by(table.c.id)
            .limit(DEPENDENTS_MAX + 1)
            .with_for_update()
        )
        rows = await session.fetch(statement, {"ids": list(ids)})
        if len(rows) > DEPENDENTS_MAX:
            raise LimitExceeded(
                f"More than {DEPENDENTS_MAX} rows of {self.entity} hang on these records.",
                next_step="Delete fewer at once, or archive them.",
            )
        return rows


def dependents_of(shape: Shape, meta: EntityMeta) -> list[Dependent]:
    """Return the references that cascade or detach, owned lines included.

    What may itself refer to another dependent comes first, so that nothing blocks the other.
    """
    owned = {(r.target, r.inverse) for r in meta.relations.values() if r.owned}
    found: list[Dependent] = []
    for other in shape.entities.values():
        for field in other.fields.values():
            if field.kind is not Kind.REFERENCE or field.target != meta.name:
                continue
            line = (other.name, field.name) in owned
            if line or field.on_delete in ("cascade", "set_null"):
                detach = field.on_delete == "set_null" and not line
                found.append(Dependent(other.name, field.name, detach, line))
    return sorted(found, key=lambda each: -_height(shape, each.entity, frozenset()))


def _height(shape: Shape, entity: str, above: frozenset[str]) -> int:
    """Return how long a chain of references starts at an entity, circles cut."""
    targets = {
        field.target
        for field in shape.entity(entity).fields.values()
        if field.kind is Kind.REFERENCE and field.target in shape.entities
    }
    path = above | {entity}
    return 1 + max((_height(shape, target, path) for target in targets - path), default=0)
