"""One open transaction of one caller: what plugin code sees as its Context."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import date, datetime
from typing import Any, Final, TypeVar, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hansa_core.caller import Caller
from hansa_core.clock import Clock
from hansa_core.events.record import Change
from hansa_core.model.instances import loaded_row, refresh, row_of, to_record
from hansa_core.model.meta import EntityMeta
from hansa_core.query.late import Bindings
from hansa_core.query.reader import Reader
from hansa_core.records.changes import event_type, payload_of, to_events
from hansa_core.records.guards import Guards, not_allowed, not_there
from hansa_core.records.prepare import Row, changed
from hansa_core.records.stale import stale_error
from hansa_core.records.statements import row_from
from hansa_core.records.writer import RowUpdate, Writer
from hansa_core.storage.transaction import Session
from hansa_sdk import (
    Action,
    AnyColumn,
    Entity,
    Event,
    HansaError,
    HookSpec,
    Invalid,
    LimitExceeded,
    Lines,
    Link,
    NotFound,
    Order,
    Predicate,
    Query,
    Rejected,
)
from hansa_sdk.hooks import P, R
from hansa_sdk.predicates import Compare, Path

E = TypeVar("E", bound=Entity)

FIND_MAX: Final = 10_000
"""How many records one `find` returns at the most."""


class UnitOfWork:
    """A caller's transaction: reads, row writes for the API, and the SDK's Context for plugins."""

    def __init__(self, session: Session, caller: Caller, reader: Reader, clock: Clock) -> None:
        self.session = session
        self.caller = caller
        self.reader = reader
        self._now = clock.now()
        principal = caller.principal
        bindings = Bindings(principal.user_id, principal.teams, self._now)
        self._guards = Guards(session, caller, bindings)
        self.writer = Writer(session, caller, self._guards, self._now, self._run_hooks)
        self._emitted: list[Change] = []

    # Context: who and when

    @property
    def user_id(self) -> UUID | None:
        """The signed-in user's id, or None for the system itself."""
        return self.caller.principal.user_id

    @property
    def now(self) -> datetime:
        """The instant the transaction began, in UTC."""
        return self._now

    @property
    def today(self) -> date:
        """The present date in the caller's zone."""
        return self._now.astimezone(ZoneInfo(self.caller.principal.time_zone)).date()

    # Rows, for the API and imports

    async def create_rows(self, entity: str, rows: Sequence[Mapping[str, object]]) -> list[Row]:
        """Create records from plain values; raises Rejected, Denied."""
        return await self.writer.create(entity, rows)

    async def update_rows(self, entity: str, updates: Sequence[RowUpdate]) -> list[Row]:
        """Change records by plain values; raises Rejected, Denied, NotFound, Stale."""
        return await self.writer.update(entity, updates)

    async def delete_rows(self, entity: str, targets: Sequence[tuple[UUID, int | None]]) -> None:
        """Delete records by id and version; raises Rejected, Denied, NotFound, Stale, InUse."""
        await self.writer.delete(entity, targets)

    async def archive_rows(
        self, entity: str, targets: Sequence[tuple[UUID, int | None]], *, archived: bool
    ) -> list[Row]:
        """Hide records from lists, or bring them back."""
        return await self.writer.archive(entity, targets, archived=archived)

    async def run_action(
        self,
        action: Action[Any, ..., Any],  # of any entity, arguments and result
        id: UUID,
        arguments: Mapping[str, object],
        version: int | None = None,
    ) -> object:
        """Run an action on a record the caller may see and its permission covers.

        Raises NotFound, Denied, Stale, and whatever the action raises.
        """
        meta = self.caller.shape.entity_of(action.entity)
        verb = action.permission.rpartition(".")[2]
        locked = (await self._guards.lock(meta.name, verb, [id])).get(id)
        if locked is None:
            raise not_there(meta, id)
        if not locked.allowed:
            raise not_allowed(meta, verb, id)
        if version is not None and locked.row["version"] != version:
            raise await stale_error(self.session, meta, locked.row, version)
        record = to_record(meta, row_from(meta, locked.row))
        self.writer.elevated.add(id)
        try:
            return await action.function(self, record, **arguments)
        finally:
            self.writer.elevated.discard(id)

    async def run_query(
        self,
        query: Query[..., Any],  # of any arguments and result
        arguments: Mapping[str, object],
    ) -> object:
        """Run a plugin's hand-written read; raises Denied."""
        entity, _, verb = query.permission.rpartition(".")
        self.caller.grants.rows_for(entity, verb)
        return await query.function(self, **arguments)

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo what the block wrote, its events too, when it raises; the transaction goes on.

        Every write of plugin code stands in one, so that it may catch the refusal and go on; rows
        of the API do not, for whoever writes them lets the transaction roll back.
        """
        changes, emitted = len(self.writer.changes), len(self._emitted)
        made = {entity: set(ids) for entity, ids in self.writer.made.items()}
        try:
            async with self.session.savepoint():
                yield
        except BaseException:
            del self.writer.changes[changes:]
            del self._emitted[emitted:]
            self.writer.made = made
            raise

    def events(self) -> list[Change]:
        """Return what the transaction must write to the ledger before it commits."""
        return [*to_events(self.caller.shape, self.writer.changes), *self._emitted]

    # Context: records

    async def get(self, entity: type[E], id: UUID) -> E:
        """Fetch a record; raises NotFound when there is none the caller may see."""
        meta = self._meta(entity)
        rows = await self.reader.rows(meta.name, _by_id(meta, (id,)), (), 1, archived=True)
        if not rows:
            raise not_there(meta, id)
        return cast(E, to_record(meta, rows[0]))

    async def find(
        self,
        entity: type[E],
        where: Predicate | None = None,
        *,
        order_by: Sequence[Order] = (),
        limit: int = 200,
    ) -> list[E]:
        """Fetch records that meet `where`, at most `limit` (10,000 at the most)."""
        if not 0 < limit <= FIND_MAX:
            raise LimitExceeded(f"find takes a limit from 1 to {FIND_MAX}, not {limit}.")
        meta = self._meta(entity)
        rows = await self.reader.rows(meta.name, where, tuple(order_by), limit)
        return [cast(E, to_record(meta, row)) for row in rows]

    async def count(self, entity: type[E], where: Predicate | None = None) -> int:
        """Count the records that meet `where`."""
        return await self.reader.count(self._meta(entity).name, where)

    async def select(
        self,
        entity: type[Entity],
        columns: Sequence[AnyColumn],
        *,
        where: Predicate | None = None,
        order_by: Sequence[Order] = (),
        limit: int = 200,
    ) -> list[Any]:  # Any: the Context's overloads say of what
        """Return columns of records, also across references, as tuples; at most 10,000."""
        paths = [column.path for column in columns]
        return await self.reader.select(self._meta(entity).name, paths, where, order_by, limit)

    def source(self, entity: type[Entity]) -> sa.Subquery:
        """Return what the caller may read of an entity as a table for a hand-written report."""
        return self.reader.source(self._meta(entity).name)

    async def report(self, statement: sa.SelectBase) -> list[Mapping[str, object]]:
        """Run a statement over sources; raises Invalid for one that reads anything else."""
        return list(await self.reader.report(statement))

    async def load(self, link: Link[E]) -> E:
        """Fetch the record a reference points to; raises NotFound."""
        target = link.target
        if target is None:
            raise LookupError(
                "this link does not know its entity: make it with Link(id=..., target=...)"
            )
        return await self.get(cast("type[E]", target), link.id)

    async def load_all(self, lines: Lines[E], *, limit: int = 1000) -> list[E]:
        """Fetch the records of a to-many relation, oldest first."""
        owner = self.caller.shape.entity(lines.entity)
        relation = owner.relations[lines.name]
        target = self.caller.shape.entity(relation.target)
        where = Compare(Path(target.name, (relation.inverse,)), "eq", lines.record_id)
        return await self.find(
            cast("type[E]", target.cls), where, order_by=(target.cls.id.ascending(),), limit=limit
        )

    async def save(self, record: Entity) -> None:
        """Create a new record, or update a fetched one if nobody changed it since."""
        with _alone():
            await self.save_all([record])

    async def save_all(self, records: Sequence[Entity]) -> None:
        """Save records of one entity in a constant number of statements; all or none."""
        if not records:
            return
        meta = self._meta(type(records[0]))
        if any(type(record) is not type(records[0]) for record in records):
            raise Invalid("save_all takes records of one entity.")
        new = [record for record in records if loaded_row(record) is None]
        old = [record for record in records if loaded_row(record) is not None]
        async with self.savepoint():
            values = [_new_values(meta, record) for record in new]
            created = await self.writer.create(meta.name, values, trusted=True) if new else []
            updates = [_update_of(meta, record) for record in old]
            updated = await self.writer.update(meta.name, updates, trusted=True) if old else []
        for record, row in zip([*new, *old], [*created, *updated], strict=True):
            refresh(meta, record, row)

    async def archive(self, record: Entity, *, archived: bool = True) -> None:
        """Hide a record from lists, or bring it back; raises Denied, Stale or Invalid."""
        meta = self._meta(type(record))
        target = (record.id, record.version)
        with _alone():
            async with self.savepoint():
                rows = await self.writer.archive(meta.name, [target], archived=archived)
        refresh(meta, record, rows[0])

    async def delete(self, record: Entity) -> None:
        """Delete a record and its owned lines; raises InUse, Denied or Stale."""
        meta = self._meta(type(record))
        with _alone():
            async with self.savepoint():
                await self.writer.delete(meta.name, [(record.id, record.version)])

    def emit(self, event: Event) -> None:
        """Add an event to the transaction; handlers see it after commit."""
        kind = event_type(self.caller.shape, event)
        self._emitted.append(Change(type=kind, payload=payload_of(event)))

    async def ask(self, hook: HookSpec[P, R], *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """Call every plugin's answer to a hook, in the order of the plugins."""
        functions = self.caller.shape.hooks.answers.get(hook.name, ())
        return [cast(R, await function(*args, **kwargs)) for function in functions]

    async def _run_hooks(self, entity: str, change: str, records: Sequence[Entity]) -> None:
        for hook in self.caller.shape.hooks.before.get((entity, change), ()):
            await hook.function(self, records)

    def _meta(self, entity: type[Entity]) -> EntityMeta:
        try:
            return self.caller.shape.entity_of(entity)
        except KeyError:
            raise NotFound(
                f"{entity.__entity_name__} is not enabled here.",
                next_step="Enable its plugin first.",
            ) from None


@contextmanager
def _alone() -> Generator[None]:
    """Raise what refuses a write of one record without its position among the records."""
    try:
        yield
    except HansaError as error:
        several = error.errors if isinstance(error, Rejected) else (error,)
        only = several[0] if len(several) == 1 else error
        if only.path and isinstance(only.path[0], int):
            only = only.without(1)
        raise only from error.__cause__


def _by_id(meta: EntityMeta, ids: tuple[UUID, ...]) -> Predicate:
    return Compare(Path(meta.name, ("id",)), "in", ids)


def _new_values(meta: EntityMeta, record: Entity) -> Row:
    """Return a new record's values without those the kernel keeps."""
    kept = {name for name, field in meta.fields.items() if field.system}
    return {name: value for name, value in row_of(meta, record).items() if name not in kept}


def _update_of(meta: EntityMeta, record: Entity) -> RowUpdate:
    before = loaded_row(record) or {}
    row = row_of(meta, record)
    values = {name: row[name] for name in changed(before, row)}
    kept = [name for name in values if name in meta.fields and meta.fields[name].system]
    if kept:
        raise Invalid(
            f"{meta.label}: {', '.join(kept)} cannot be saved.",
            next_step="Use ctx.archive to archive; the kernel keeps the rest.",
            path=(kept[0],),
        )
    return RowUpdate(record.id, cast("int | None", before.get("version")), values)
