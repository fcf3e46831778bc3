"""Row rules and references of writes: may this caller touch these rows, and point at those."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.caller import Caller
from hansa_core.model.meta import EntityMeta, Kind
from hansa_core.query.late import Bindings, Late, MarkersLater
from hansa_core.query.predicates import to_sql
from hansa_core.storage.kept import kept
from hansa_core.storage.statements import Statement, compile_statement
from hansa_core.storage.transaction import Row, Session
from hansa_sdk import Denied, HansaError, NotFound, Predicate
from hansa_sdk.predicates import Everything

STATEMENTS_KEPT: Final = 64
"""Compiled statements that are kept for one entity."""

IDS = sa.bindparam("ids", type_=postgresql.ARRAY(sa.Uuid))


@dataclass(frozen=True, slots=True)
class LockedRow:
    """A row locked for writing, and whether the caller may change it so."""

    row: Row
    allowed: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    """A compiled statement, and the markers each run puts a value for."""

    statement: Statement
    late: Mapping[str, Late]


class Guards:
    """Answers, in a constant number of statements, what a caller may write."""

    def __init__(self, session: Session, caller: Caller, bindings: Bindings) -> None:
        self._session = session
        self._caller = caller
        self._bindings = bindings

    def _rule(self, entity: str, predicate: Predicate) -> sa.ColumnElement[bool]:
        """Turn a row rule into SQL on the entity's own table, for whoever holds the grants."""
        shape = self._caller.shape
        return to_sql(predicate, shape, entity, shape.table(entity), MarkersLater())

    async def _fetch(
        self,
        entity: str,
        what: str,
        make: Callable[[], sa.Executable],
        params: Mapping[str, object],
    ) -> list[Row]:
        """Run the statement of a question about an entity, compiled once for equal grants."""

        def compiled() -> _Kept:
            statement = compile_statement(make())
            late = {n: v for n, v in statement.defaults.items() if isinstance(v, Late)}
            return _Kept(statement, late)

        table = self._caller.shape.table(entity)
        key = (self._caller.grants.key, what)
        known = kept(table, "guards", key, compiled, STATEMENTS_KEPT)
        meant = {name: value.meant(self._bindings) for name, value in known.late.items()}
        return await self._session.fetch(known.statement, {**meant, **params})

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

        def make() -> sa.Executable:
            seen = sa.false() if rule is None else self._rule(entity, rule)
            mine = sa.bindparam("own", type_=postgresql.ARRAY(sa.Uuid))
            allowed_sql = sa.func.coalesce(self._rule(entity, allowed), sa.false())
            return (
                sa.select(table, allowed_sql.label("__allowed"))
                .where(table.c.id == sa.any_(IDS), sa.or_(seen, table.c.id == sa.any_(mine)))
                .order_by(table.c.id)
                .with_for_update(of=table)
            )

        params = {"ids": list(ids), "own": list(own)}
        found = await self._fetch(entity, f"lock {action}", make, params)
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
        covered = await self._fetch(
            entity, f"meet {action}", lambda: self._meeting(entity, rule), {"ids": list(ids)}
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
        for field in meta.references:
            ids = {
                cast(UUID, row[field.name])
                for row, set_names in zip(rows, names, strict=True)
                if field.name in set_names and row.get(field.name) is not None
            }
            if ids:
                wanted.setdefault(field.target, set()).update(ids)
        missing: dict[str, set[UUID]] = {}
        for target, ids in wanted.items():
            ask = ids - just_made.get(target, set())
            missing[target] = ask - await self._visible(target, ask) if ask else set()
        errors: list[HansaError] = []
        if not any(missing.values()):
            return errors
        for index, (row, set_names) in enumerate(zip(rows, names, strict=True)):
            for name in set_names:
                found = meta.fields.get(name)
                if (
                    found
                    and found.kind is Kind.REFERENCE
                    and row.get(name) in missing.get(found.target, set())
                ):
                    errors.append(
                        NotFound(
                            f"{found.label}: there is no {found.target} {row[name]}.",
                            next_step="Choose one that exists.",
                            path=(index, name),
                        )
                    )
        return errors

    def _meeting(self, entity: str, rule: Predicate) -> sa.Executable:
        """Select the ids of those of some rows that meet a rule."""
        table = self._caller.shape.table(entity)
        return sa.select(table.c.id).where(table.c.id == sa.any_(IDS), self._rule(entity, rule))

    async def _visible(self, target: str, ids: set[UUID]) -> set[UUID]:
        rule = self._caller.grants.rows.get((target, "read"))
        if rule is None:
            return set()
        found = await self._fetch(
            target, "meet read", lambda: self._meeting(target, rule), {"ids": sorted(ids)}
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
