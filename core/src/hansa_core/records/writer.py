"""Creating, changing and deleting rows: authorise, validate, hooks, one statement each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from hansa_core.caller import Caller
from hansa_core.model.meta import EntityMeta
from hansa_core.records.changes import RecordChange, loud
from hansa_core.records.database_errors import still_used
from hansa_core.records.dependents import dependents_of
from hansa_core.records.guards import Guards, LockedRow, not_allowed, not_there
from hansa_core.records.prepare import (
    Row,
    back_to_rows,
    changed,
    check_pairs,
    checked_values,
    new_row,
    reject,
    through_hooks,
)
from hansa_core.records.rules import check_rules
from hansa_core.records.run import run_write
from hansa_core.records.stale import stale_errors
from hansa_core.records.statements import (
    columns_of,
    delete_statement,
    insert_statement,
    row_from,
    rows_document,
    update_statement,
)
from hansa_core.records.units import bad_units
from hansa_core.storage.transaction import Session
from hansa_sdk import Entity, HansaError, Invalid, LimitExceeded, Stale

ROWS_MAX: Final = 20_000
"""How many records one call may write."""

Hooks = Callable[[str, str, Sequence[Entity]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RowUpdate:
    """New values for one record; with `version` None the newest version is taken."""

    id: UUID
    version: int | None
    values: Mapping[str, object]


@dataclass(slots=True)
class Writer:
    """Writes rows of a caller in one transaction and remembers what changed.

    `trusted` writes come from plugin code: they may set read-only fields. `elevated` holds the
    records a running action was authorised for by its own permission.
    """

    session: Session
    caller: Caller
    guards: Guards
    now: datetime
    hooks: Hooks
    changes: list[RecordChange] = field(default_factory=list[RecordChange])
    elevated: set[UUID] = field(default_factory=set[UUID])
    made: dict[str, set[UUID]] = field(default_factory=dict[str, set[UUID]])

    async def create(
        self, entity: str, values: Sequence[Mapping[str, object]], *, trusted: bool = False
    ) -> list[Row]:
        """Create records; all or none. Raises Rejected, Denied or Duplicate."""
        meta = self.caller.shape.entity(entity)
        self.caller.grants.rows_for(entity, "create")
        _bounded(len(values))
        rows, errors = self._new_rows(meta, values, trusted=trusted)
        reject(errors)
        given = [set(row) for row in rows]
        rows = await self._hooked(meta, "create", rows)
        names = [sorted(each) for each in given]
        reject(await self.guards.bad_references(meta, rows, names, self.made))
        reject(await bad_units(self.session, self.caller.shape, meta, rows, names))
        statement = insert_statement(
            self.caller.shape.table(entity), list(columns_of(meta).values())
        )
        stored = await self._write(meta, statement, rows, columns_of(meta), range(len(rows)))
        ids = [cast(UUID, row["id"]) for row in rows]
        outside = await self.guards.outside(entity, "create", ids)
        reject(
            [
                not_allowed(meta, "create", id).under(index)
                for index, id in enumerate(ids)
                if id in outside
            ]
        )
        self.made.setdefault(entity, set()).update(ids)
        ordered = [stored[id] for id in ids]
        for row in ordered:
            self._note(meta, "created", row, {}, loud(row))
        return ordered

    def _new_rows(
        self, meta: EntityMeta, values: Sequence[Mapping[str, object]], *, trusted: bool
    ) -> tuple[list[Row], list[HansaError]]:
        rows: list[Row] = []
        errors: list[HansaError] = []
        for index, given in enumerate(values):
            row, wrong = new_row(meta, given, now=self.now, trusted=trusted)
            row["created_by"] = row["updated_by"] = self.caller.principal.user_id
            rows.append(row)
            errors.extend(error.under(index) for error in wrong)
        return rows, errors

    async def update(
        self, entity: str, updates: Sequence[RowUpdate], *, trusted: bool = False
    ) -> list[Row]:
        """Change records; all or none. Raises Rejected, Denied, Duplicate or Stale."""
        meta = self.caller.shape.entity(entity)
        _bounded(len(updates))
        if not updates:
            self.caller.grants.rows_for(entity, "update")
            return []
        locked = await self._lock(meta, "update", [(u.id, u.version) for u in updates])
        befores = [row_from(meta, locked[update.id].row) for update in updates]
        afters: list[Row] = []
        errors: list[HansaError] = []
        for index, (update, before) in enumerate(zip(updates, befores, strict=True)):
            values, wrong = checked_values(meta, update.values, trusted=trusted)
            after: Row = {**before, **values}
            wrong.extend(check_pairs(meta, after))
            errors.extend(error.under(index) for error in wrong)
            afters.append(after)
        reject(errors)
        afters = await self._hooked(meta, "update", afters)
        return await self._store_updates(meta, "updated", befores, afters)

    async def archive(
        self, entity: str, targets: Sequence[tuple[UUID, int | None]], *, archived: bool
    ) -> list[Row]:
        """Hide records from lists, or bring them back; raises Invalid where none can be hidden."""
        meta = self.caller.shape.entity(entity)
        if not meta.archivable:
            raise Invalid(
                f"A {meta.label.lower()} cannot be archived.",
                next_step="Delete it, or declare the entity with archivable=True.",
                params={"entity": meta.name},
            )
        _bounded(len(targets))
        locked = await self._lock(meta, "archive", targets)
        befores = [row_from(meta, locked[id].row) for id, _ in targets]
        afters = [{**before, "archived": archived} for before in befores]
        verb = "archived" if archived else "restored"
        return await self._store_updates(meta, verb, befores, afters, action="archive")

    async def delete(self, entity: str, targets: Sequence[tuple[UUID, int | None]]) -> None:
        """Delete records with what hangs on them. Raises Rejected, Denied, Stale or InUse."""
        meta = self.caller.shape.entity(entity)
        _bounded(len(targets))
        locked = await self._lock(meta, "delete", targets)
        await self._delete(meta, [row_from(meta, locked[id].row) for id, _ in targets], set())

    async def _delete(self, meta: EntityMeta, rows: Sequence[Row], going: set[UUID]) -> None:
        """Delete locked rows; `going` are those whose deletion is under way, for circles."""
        rows = [row for row in rows if row["id"] not in going]
        if not rows:
            return
        ids = [cast(UUID, row["id"]) for row in rows]
        going.update(ids)
        await self.hooks(meta.name, "delete", through_hooks(meta, rows))
        await self._release(meta, ids, going)
        shape = self.caller.shape
        statement = delete_statement(shape.table(meta.name))
        await run_write(
            self.session, self.caller, meta, statement, {"ids": ids}, rows, deleting=True
        )
        for row in rows:
            gone = {**row, "version": cast(int, row["version"]) + 1}
            self._note(meta, "deleted", gone, loud(row), {})

    async def _release(self, meta: EntityMeta, ids: Sequence[UUID], going: set[UUID]) -> None:
        """Delete or detach what refers to records that go, through the kernel so events tell it."""
        shape = self.caller.shape
        for dependent in dependents_of(shape, meta):
            other = shape.entity(dependent.entity)
            found = await dependent.rows(self.session, shape, ids)
            rows = [row_from(other, row) for row in found if row["id"] not in going]
            if dependent.detach:
                afters: list[Row] = [{**row, dependent.name: None} for row in rows]
                await self._store_updates(other, "updated", rows, afters, checked=False)
                continue
            others = [cast(UUID, row["id"]) for row in rows]
            # Lines go with their owner; what others made of it only with their leave.
            if others and not dependent.owned:
                if not await self.guards.may_delete(other.name, others):
                    raise still_used(self.caller, meta, other)
            await self._delete(other, rows, going)

    async def _lock(
        self,
        meta: EntityMeta,
        action: str,
        targets: Sequence[tuple[UUID, int | None]],
    ) -> dict[UUID, LockedRow]:
        ids = [id for id, _ in targets]
        reject(_twice(meta, ids))
        # What a running action was authorised for needs no other permission.
        free = bool(ids) and set(ids) <= self.elevated
        locked = await self.guards.lock(meta.name, None if free else action, ids, self.elevated)
        errors: list[HansaError] = []
        stale: list[tuple[int, LockedRow, int]] = []
        for index, (id, version) in enumerate(targets):
            found = locked.get(id)
            if found is None:
                errors.append(not_there(meta, id).under(index))
            elif not (found.allowed or id in self.elevated):
                errors.append(not_allowed(meta, action, id).under(index))
            elif version is not None and found.row["version"] != version:
                stale.append((index, found, version))
        if stale:
            given = [(found.row, version) for _, found, version in stale]
            told = await stale_errors(self.session, meta, given)
            errors += [error.under(index) for (index, _, _), error in zip(stale, told, strict=True)]
        if len(errors) == 1 and len(targets) == 1:
            raise errors[0]
        reject(errors)
        return locked

    async def _hooked(self, meta: EntityMeta, change: str, rows: list[Row]) -> list[Row]:
        after = rows
        if (meta.name, change) in self.caller.shape.hooks.before:
            records = through_hooks(meta, rows)
            await self.hooks(meta.name, change, records)
            after = back_to_rows(meta, records, rows)
        errors: list[HansaError] = []
        for index, record in enumerate(through_hooks(meta, after) if meta.checks else ()):
            errors.extend(error.under(index) for error in check_rules(meta, record))
        reject(errors)
        return after

    async def _store_updates(
        self,
        meta: EntityMeta,
        verb: str,
        befores: Sequence[Row],
        afters: Sequence[Row],
        *,
        action: str = "update",
        checked: bool = True,
    ) -> list[Row]:
        names = [changed(before, after) for before, after in zip(befores, afters, strict=True)]
        union = sorted({name for each in names for name in each})
        touched = [after for after, each in zip(afters, names, strict=True) if each]
        if not touched:
            return list(afters)
        if checked:
            reject(await self.guards.bad_references(meta, afters, names, self.made))
            reject(await bad_units(self.session, self.caller.shape, meta, afters, names))
        for row in touched:
            row["updated_at"] = self.now
            row["updated_by"] = self.caller.principal.user_id
        columns = {key: col for key, col in columns_of(meta).items() if key in union}
        columns.update(updated_at="updated_at", updated_by="updated_by")
        statement = update_statement(self.caller.shape.table(meta.name), list(columns.values()))
        positions = [index for index, each in enumerate(names) if each]
        stored = await self._write(
            meta, statement, touched, {"id": "id", "version": "version", **columns}, positions
        )
        reject(
            [
                _moved(meta).under(index)
                for index, row in zip(positions, touched, strict=True)
                if row["id"] not in stored
            ]
        )
        own = [id for id in stored if id not in self.elevated]
        if checked and own:
            outside = await self.guards.outside(meta.name, action, own)
            reject(
                [
                    not_allowed(meta, action, cast(UUID, after["id"])).under(index)
                    for index, after in enumerate(afters)
                    if after["id"] in outside
                ]
            )
        result: list[Row] = []
        for before, after, each in zip(befores, afters, names, strict=True):
            row = stored.get(cast(UUID, after["id"]), after)
            result.append(row)
            if each:
                self._note(meta, verb, row, loud(before, each), loud(row, each))
        return result

    async def _write(
        self,
        meta: EntityMeta,
        statement: object,
        rows: Sequence[Row],
        columns: Mapping[str, str],
        positions: Sequence[int],
    ) -> dict[UUID, Row]:
        stored = await run_write(
            self.session,
            self.caller,
            meta,
            statement,
            {"rows": rows_document(rows, columns)},
            rows,
            positions=positions,
        )
        every = columns_of(meta)
        return {
            cast(UUID, record["id"]): {key: record[column] for key, column in every.items()}
            for record in stored
        }

    def _note(
        self,
        meta: EntityMeta,
        verb: str,
        row: Row,
        before: Mapping[str, object],
        after: Mapping[str, object],
    ) -> None:
        id, version = cast(UUID, row["id"]), cast(int, row["version"])
        self.changes.append(RecordChange(meta, verb, id, version, before, after, row))


def _twice(meta: EntityMeta, ids: Sequence[UUID]) -> list[HansaError]:
    """Refuse an id named twice: one of its changes would be lost."""
    first: dict[UUID, int] = {}
    return [
        Invalid(
            f"The {meta.label.lower()} {id} is named twice, first at position {first[id]}.",
            next_step="Put its changes together.",
            path=(index,),
        )
        for index, id in enumerate(ids)
        if first.setdefault(id, index) != index
    ]


def _moved(meta: EntityMeta) -> Stale:
    return Stale(
        f"This {meta.label.lower()} was changed while its own change was under way.",
        next_step="A hook that changes a record must not save that same record.",
        path=("version",),
    )


def _bounded(count: int) -> None:
    if count > ROWS_MAX:
        raise LimitExceeded(
            f"One call writes at most {ROWS_MAX} records, not {count}.",
            next_step="Split them into several calls.",
        )
