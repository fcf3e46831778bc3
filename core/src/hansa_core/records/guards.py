"""Row rules and references of writes: may this caller touch these rows, and point at those."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.caller import Caller
from hansa_core.model.meta import EntityMeta, Kind
from hansa_core.query.operands import Bindings
from hansa_core.query.predicates import to_sql
from hansa_core.storage.transaction import Row, Session
from hansa_sdk import Denied, HansaError, NotFound, Predicate
from hansa_sdk.predicates import Everything

IDS = sa.bindparam("ids", type_=postgresql.ARRAY(sa.Uuid))


@dataclass(frozen=True, slots=True)
class LockedRow:
    """A row locked for writing, and whether the caller may change it so."""

    row: Row
    allowed: bool


class Guards:
    """Answers, in a constant number of statements, what a caller may write."""

    def __init__(self, session: Session, caller: Caller, bindings: Bindings) -> None:
        self._session = session
        self._caller = caller
        self._bindings = bindings

    def predicate_sql(self, entity: str, predicate: Predicate) -> sa.ColumnElement[bool]:
        """Turn a row rule into SQL on the entity's own table."""
        shape = self._caller.shape
        return to_sql(predicate, shape, entity, shape.table(entity), self._bindings)

    async def lock(
        self,
        entity: str,
        action: str | None,
        ids: Sequence[UUID],
        own: Collection[UUID] = (),
    ) -> dict[UUID, LockedRow]:
        """Lock the rows the caller may see, in the order of their ids.

        The order keeps two such writers from waiting in a circle. A row he may not see is neither
        locked nor waited for, so it takes as long as one that is not there; those in `own` count
        as seen. With `action` None every row is allowed: another permission covers the write.
        Raises Denied when no role grants the action on any row.
        """
        grants = self._caller.grants
        table = self._caller.shape.table(entity)
        allowed = Everything() if action is None else grants.rows_for(entity, action)
        rule = grants.rows.get((entity, "read"))
        seen = sa.false() if rule is None else self.predicate_sql(entity, rule)
        mine = sa.bindparam("own", type_=postgresql.ARRAY(sa.Uuid))
        allowed_sql = sa.func.coalesce(self.predicate_sql(entity, allowed), sa.false())
        statement = (
            sa.select(table, allowed_sql.label("__allowed"))
            .where(table.c.id == sa.any_(IDS), sa.or_(seen, table.c.id == sa.any_(mine)))
            .order_by(table.c.id)
            .with_for_update(of=table)
        )
        found = await self._session.fetch(statement, {"ids": list(ids), "own": list(own)})
        return {cast(UUID, row["id"]): LockedRow(row, bool(row["__allowed"])) for row in found}

    async def may_delete(self, entity: str, ids: Sequence[UUID]) -> bool:
        """Tell whether the caller may delete all these rows."""
        if not self._caller.grants.allows(entity, "delete"):
            return False
        return not await self.outside(entity, "delete", ids)

    async def outside(self, entity: str, action: str, ids: Sequence[UUID]) -> set[UUID]:
        """Return the ids of written rows that the action's row rule does not cover."""
        rule = self._caller.grants.rows_for(entity, action)
        if isinstance(rule, Everything) or not ids:
            return set()
        table = self._caller.shape.table(entity)
        covered = await self._session.fetch(
            sa.select(table.c.id).where(
                table.c.id == sa.any_(IDS), self.predicate_sql(entity, rule)
            ),
            {"ids": list(ids)},
        )
        return set(ids) - {cast(UUID, row["id"]) for row in covered}

    async def bad_references(
        self,
        meta: EntityMeta,
        rows: Sequence[Mapping[str, object]],
        names: Sequence[Sequence[str]],
        just_made: Mapping[str, set[UUID]],
    ) -> list[HansaError]:
        """Return an error per reference to a record the caller may not see, or that is not there.

        `names` says per row which fields were set; one statement per entity referred to. One
        answer for missing and hidden records: nobody learns of rows they may not see.
        """
        wanted: dict[str, set[UUID]] = {}
        for row, set_names in zip(rows, names, strict=True):
            for name in set_names:
                field = meta.fields.get(name)
                if field and field.kind is Kind.REFERENCE and row.get(name) is not None:
                    wanted.setdefault(field.target, set()).add(cast(UUID, row[name]))
        missing: dict[str, set[UUID]] = {}
        for target, ids in wanted.items():
            ask = ids - just_made.get(target, set())
            missing[target] = ask - await self._visible(target, ask) if ask else set()
        errors: list[HansaError] = []
        for index, (row, set_names) in enumerate(zip(rows, names, strict=True)):
            for name in set_names:
                field = meta.fields.get(name)
                if (
                    field
                    and field.kind is Kind.REFERENCE
                    and row.get(name) in missing.get(field.target, set())
                ):
                    errors.append(
                        NotFound(
                            f"{field.label}: there is no {field.target} {row[name]}.",
                            next_step="Choose one that exists.",
                            path=(index, name),
                        )
                    )
        return errors

    async def _visible(self, target: str, ids: set[UUID]) -> set[UUID]:
        rule = self._caller.grants.rows.get((target, "read"))
        if rule is None:
            return set()
        table = self._caller.shape.table(target)
        found = await self._session.fetch(
            sa.select(table.c.id).where(
                table.c.id == sa.any_(IDS), self.predicate_sql(target, rule)
            ),
            {"ids": sorted(ids)},
        )
        return {cast(UUID, row["id"]) for row in found}


def not_there(meta: EntityMeta, id: UUID) -> NotFound:
    """Return the one error for a record that is missing or hidden."""
    return NotFound(
        f"There is no {meta.label.lower()} {id}.",
        next_step="Check the id.",
        params={"entity": meta.name, "id": str(id)},
    )


def not_allowed(meta: EntityMeta, action: str, id: UUID) -> Denied:
    """Return the error for a row the caller may see but not change so."""
    return Denied(
        f"Your roles do not grant {action} on this {meta.label.lower()}.",
        next_step="Ask an administrator for a role that does.",
        params={"entity": meta.name, "action": action, "id": str(id)},
    )
