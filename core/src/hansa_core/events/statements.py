"""Every SQL statement of the ledger, compiled once per set of tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from hansa_core.storage.statements import Statement, compile_statement

_Element: TypeAlias = sa.Uuid[UUID] | sa.Text | sa.Integer | sa.LargeBinary


@dataclass(frozen=True, eq=False)
class EventStatements:
    """The ledger's statements; parameters are named as in the table columns unless said."""

    event: sa.Table
    pending: sa.Table
    seal: sa.Table
    subject_key: sa.Table

    @cached_property
    def insert_events(self) -> Statement:
        """Insert events and queue them, however many, in one statement.

        Arrays `ids`, `types`, `entities`, `record_ids`, `versions`, `bodies`; one value each of
        `actor_id`, `key_id`, `session_id`, `cause`, `at`.
        """
        return compile_statement(self.adding())

    def adding(self, *conditions: sa.ColumnElement[bool]) -> sa.Insert:
        """Return the statement `insert_events` before it is compiled, to be part of another.

        Nothing is inserted where a condition does not hold.
        """
        given = _unnest(
            ids=sa.Uuid(),
            types=sa.Text(),
            entities=sa.Text(),
            record_ids=sa.Uuid(),
            versions=sa.Integer(),
            bodies=sa.LargeBinary(),
        )
        shared = ("actor_id", "key_id", "session_id", "cause", "at")
        rows = sa.select(
            *given.c, *(sa.bindparam(name, type_=self.event.c[name].type) for name in shared)
        ).where(*conditions)
        columns = ["id", "type", "entity", "record_id", "record_version", "body", *shared]
        added = (
            sa.insert(self.event)
            .from_select(columns, rows, include_defaults=False)
            .returning(self.event.c.id, self.event.c.record_version)
            .cte("added")
        )
        queued = sa.select(added.c.id, added.c.record_version)
        return sa.insert(self.pending).from_select(
            ["event_id", "record_version"], queued, include_defaults=False
        )

    @cached_property
    def lock_if_pending(self) -> Statement:
        """Return NULL when nothing waits, else whether the lock `lock_key` was free and is held."""
        waiting = sa.select(sa.literal_column("1", sa.Integer)).select_from(self.pending).exists()
        lock = sa.func.pg_try_advisory_xact_lock(sa.bindparam("lock_key", type_=sa.BigInteger))
        return compile_statement(sa.select(sa.case((waiting, lock), else_=sa.null())))

    @cached_property
    def take(self) -> Statement:
        """Return `id` and `body` of at most `rows_max` waiting events, of about `bytes_max`.

        By record version, then id: a snapshot that shows a version shows all before it, so each
        record's order holds. LATERAL with a limit: the plan looks each event up, never scans them.
        """
        pending, event = self.pending, self.event
        order = (pending.c.record_version, pending.c.event_id)
        batch = (
            sa.select(*order)
            .order_by(*order)
            .limit(sa.bindparam("rows_max", type_=sa.Integer))
            .subquery("batch")
        )
        found = sa.select(event.c.body).where(event.c.id == batch.c.event_id).limit(1).lateral()
        read = sa.select(*batch.c, found.c.body).join_from(batch, found, sa.true()).subquery("read")
        size = sa.func.octet_length(read.c.body)
        ordered = (read.c.record_version, read.c.event_id)
        sized = sa.select(
            *read.c, (sa.func.sum(size).over(order_by=ordered) - size).label("before")
        ).subquery("sized")
        return compile_statement(
            sa.select(sized.c.event_id, sized.c.body)
            .where(sized.c.before < sa.bindparam("bytes_max", type_=sa.BigInteger))
            .order_by(sized.c.record_version, sized.c.event_id)
        )

    @cached_property
    def append_seals(self) -> Statement:
        """Insert seals for `ids` and `hashes` (arrays) at the positions after `last`."""
        given = _unnest("nth", ids=sa.Uuid(), hashes=sa.LargeBinary())
        rows = sa.select(
            sa.bindparam("last", type_=sa.BigInteger) + given.c.nth,
            given.c.ids,
            given.c.hashes,
            sa.func.clock_timestamp(),
        )
        return compile_statement(
            sa.insert(self.seal).from_select(
                ["position", "event_id", "hash", "sealed_at"], rows, include_defaults=False
            )
        )

    @cached_property
    def unqueue(self) -> Statement:
        """Delete the waiting rows of `ids` (an array)."""
        ids = sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid()))
        return compile_statement(
            sa.delete(self.pending).where(self.pending.c.event_id == sa.any_(ids))
        )

    @cached_property
    def unsealed_age(self) -> Statement:
        """Return the age in seconds of the oldest waiting event, NULL when none waits."""
        waited = sa.func.clock_timestamp() - sa.func.min(self.pending.c.queued_at)
        age = sa.cast(sa.extract("epoch", waited), sa.Double)
        return compile_statement(sa.select(age).select_from(self.pending))

    @cached_property
    def head(self) -> Statement:
        """Return `position` and `hash` of the last seal."""
        seal = self.seal
        return compile_statement(
            sa.select(seal.c.position, seal.c.hash).order_by(seal.c.position.desc()).limit(1)
        )

    @cached_property
    def sealed_after(self) -> Statement:
        """Return at most `rows_max` sealed events after `position`, in order.

        A seal whose event is gone has NULL in the event's columns.
        """
        seal, event = self.seal, self.event
        return compile_statement(
            sa.select(seal.c.position, seal.c.event_id, seal.c.hash, *event.c)
            .select_from(seal.outerjoin(event, event.c.id == seal.c.event_id))
            .where(seal.c.position > sa.bindparam("position", type_=sa.BigInteger))
            .order_by(seal.c.position)
            .limit(sa.bindparam("rows_max", type_=sa.Integer))
        )

    @cached_property
    def told_after(self) -> Statement:
        """Return what `sealed_after` does without hashes and bodies."""
        seal, event = self.seal, self.event
        columns = (event.c.type, event.c.entity, event.c.record_id, event.c.record_version)
        return compile_statement(
            sa.select(seal.c.position, *columns, event.c.at)
            .select_from(seal.outerjoin(event, event.c.id == seal.c.event_id))
            .where(seal.c.position > sa.bindparam("position", type_=sa.BigInteger))
            .order_by(seal.c.position)
            .limit(sa.bindparam("rows_max", type_=sa.Integer))
        )

    @cached_property
    def of_records(self) -> Statement:
        """Return the events of one `type` about `entity`'s records `ids` (an array).

        Those not sealed yet are among them; each record's come in the order of its versions.
        """
        event = self.event
        ids = sa.bindparam("ids", type_=pg.ARRAY(sa.Uuid()))
        return compile_statement(
            sa.select(*event.c)
            .where(event.c.entity == sa.bindparam("entity", type_=sa.Text))
            .where(event.c.record_id == sa.any_(ids))
            .where(event.c.type == sa.bindparam("type", type_=sa.Text))
            .order_by(event.c.record_id, event.c.record_version)
        )

    @cached_property
    def lost_event(self) -> Statement:
        """Return one event that is neither sealed nor waiting, or a waiting one that is gone."""
        event, pending, seal = self.event, self.pending, self.seal
        lost = (
            sa.select(event.c.id)
            .where(~sa.exists().where(seal.c.event_id == event.c.id))
            .where(~sa.exists().where(pending.c.event_id == event.c.id))
        )
        gone = sa.select(pending.c.event_id).where(
            ~sa.exists().where(event.c.id == pending.c.event_id)
        )
        return compile_statement(sa.union_all(lost, gone).limit(1))

    @cached_property
    def subject_keys(self) -> Statement:
        """Return the keys of the subjects in `entities` and `record_ids` (arrays)."""
        given = _unnest(entities=sa.Text(), record_ids=sa.Uuid())
        key = self.subject_key
        return compile_statement(
            sa.select(key.c.entity, key.c.record_id, key.c.wrapped_key).join_from(
                given,
                key,
                sa.and_(key.c.entity == given.c.entities, key.c.record_id == given.c.record_ids),
            )
        )

    @cached_property
    def add_subject_keys(self) -> Statement:
        """Insert `wrapped_keys` for `entities`, `record_ids` (arrays); return the rows added."""
        given = _unnest(entities=sa.Text(), record_ids=sa.Uuid(), wrapped_keys=sa.LargeBinary())
        key = self.subject_key
        # Sorted, so that two transactions adding the same keys wait and do not deadlock.
        rows = sa.select(*given.c, sa.bindparam("at", type_=key.c.created_at.type)).order_by(
            given.c.entities, given.c.record_ids
        )
        return compile_statement(
            pg.insert(key)
            .from_select(
                ["entity", "record_id", "wrapped_key", "created_at"], rows, include_defaults=False
            )
            .on_conflict_do_nothing()
            .returning(key.c.entity, key.c.record_id, key.c.wrapped_key)
        )

    @cached_property
    def erase_subject_key(self) -> Statement:
        """Delete the key of the subject `entity`, `record_id`."""
        key = self.subject_key
        return compile_statement(
            sa.delete(key)
            .where(key.c.entity == sa.bindparam("entity", type_=sa.Text))
            .where(key.c.record_id == sa.bindparam("record_id", type_=sa.Uuid))
        )


def _unnest(ordinality: str | None = None, /, **arrays: _Element) -> sa.TableValuedAlias:
    """Return a FROM item whose columns are the array parameters, side by side."""
    binds = [sa.bindparam(name, type_=pg.ARRAY(kind)) for name, kind in arrays.items()]
    columns = [sa.column(name, kind) for name, kind in arrays.items()]
    valued = sa.func.unnest(*binds).table_valued(*columns, with_ordinality=ordinality)
    return valued.render_derived(name="given")
