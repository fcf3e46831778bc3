"""Records that are no more: who could see them at the end may hear of it, nobody else.

A deleted record's last values are in the event of its deletion. They are put in a row's place, and
the very conditions that hold for rows decide. What they do not tell decides against telling: a
rule over lists of the record, over whoever changed it last, over a person whose key is destroyed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.caller import Caller
from hansa_core.events.chain import SealedEvent
from hansa_core.events.crypto import ERASED, Keyring
from hansa_core.events.reading import read_values
from hansa_core.events.tables import EventTables
from hansa_core.model.meta import EntityMeta, Kind
from hansa_core.model.shape import Shape
from hansa_core.query.changed import met
from hansa_core.query.late import Request
from hansa_core.query.predicates import SqlCompiler
from hansa_core.storage.tables import unit_column
from hansa_core.storage.transaction import Row, Session
from hansa_sdk import Predicate
from hansa_sdk.predicates import And, Compare, Everything, Not, Or, Path, Related

_NOTHING: Final = Or(())


@dataclass(frozen=True, slots=True)
class Ledger:
    """What reading the ledger back needs."""

    tables: EventTables
    keyring: Keyring


async def seen_at_the_end(
    session: Session,
    ledger: Ledger,
    caller: Caller,
    request: Request,
    entity: str,
    ids: Collection[UUID],
    where: Predicate | None,
) -> set[UUID]:
    """Return those deleted records that met `where` and that the caller could see.

    A condition of `where` that nothing is known of any more holds.
    """
    meta = caller.shape.entities[entity]
    rows, unknown = await _last_rows(session, ledger, meta, ids)
    seen: set[UUID] = set()
    # Mostly all are alike: rows with other unknown fields are asked apart.
    for names in {frozenset(each) for each in unknown.values()}:
        some = [rows[id] for id in rows if unknown[id] == names]
        seen |= await _seen(session, caller, request, meta, some, names, where)
    return seen


async def _last_rows(
    session: Session, ledger: Ledger, meta: EntityMeta, ids: Collection[UUID]
) -> tuple[dict[UUID, dict[str, object]], dict[UUID, frozenset[str]]]:
    """Return each record's last values by column, and the fields of which nothing is known."""
    deleted = await _events(session, ledger, meta, "deleted", ids)
    created = await _events(session, ledger, meta, "created", ids)
    values = await read_values(session, ledger.tables, ledger.keyring, list(deleted.values()))
    columns = _columns(meta)
    rows: dict[UUID, dict[str, object]] = {}
    unknown: dict[UUID, frozenset[str]] = {}
    for (id, event), told in zip(deleted.items(), values, strict=True):
        erased = {name for name, value in told.before.items() if value is ERASED}
        row: dict[str, object] = {
            column: told.before[name]
            for name, column in columns.items()
            if name in told.before and name not in erased
        }
        begun = created.get(id)
        if begun is not None:
            row |= {"created_by": begun.actor_id, "created_at": begun.at}
        rows[id] = {**row, "id": id, "version": event.record_version - 1}
        missing = {"updated_at", "updated_by", *(f.name for f in meta.fields.values() if f.rollup)}
        if begun is None:
            missing |= {"created_by", "created_at"}
        unfounded = {f.name for f in meta.fields.values() if not erased.isdisjoint(f.inputs)}
        unknown[id] = frozenset(erased | missing | unfounded)
    return rows, unknown


def _columns(meta: EntityMeta) -> dict[str, str]:
    """Map the names of an event's values to columns, the unit of a quantity included."""
    columns: dict[str, str] = {}
    for field in meta.stored:
        columns[field.name] = field.column
        if field.kind is Kind.QUANTITY:
            columns[f"{field.name}_unit"] = unit_column(field)
    return columns


async def _events(
    session: Session, ledger: Ledger, meta: EntityMeta, verb: str, ids: Collection[UUID]
) -> dict[UUID, SealedEvent]:
    """Return each record's last event of a kind."""
    values = {"entity": meta.name, "type": f"{meta.name}.{verb}", "ids": list(ids)}
    rows = await session.fetch(ledger.tables.statements.of_records, values)
    return {cast(UUID, row["record_id"]): _event(row) for row in rows}


def _event(row: Row) -> SealedEvent:
    return SealedEvent(
        position=0,  # it may wait to be sealed
        id=cast(UUID, row["id"]),
        hash=b"",
        type=cast(str, row["type"]),
        entity=cast("str | None", row["entity"]),
        record_id=cast("UUID | None", row["record_id"]),
        record_version=cast(int, row["record_version"]),
        actor_id=cast("UUID | None", row["actor_id"]),
        key_id=cast("UUID | None", row["key_id"]),
        session_id=cast("UUID | None", row["session_id"]),
        cause=cast("str | None", row["cause"]),
        at=cast(datetime, row["at"]),
        body=cast(bytes, row["body"]),
    )


async def _seen(
    session: Session,
    caller: Caller,
    request: Request,
    meta: EntityMeta,
    rows: Sequence[Mapping[str, object]],
    unknown: frozenset[str],
    where: Predicate | None,
) -> set[UUID]:
    grants = caller.grants

    def visible(entity: str) -> Predicate | None:
        readable = grants.readable(entity)
        if entity != meta.name or readable is None:
            return readable
        return decided(readable, unknown, otherwise=_NOTHING)

    def mask(entity: str, name: str) -> Predicate | None:
        shows = grants.mask(entity, name)
        if entity != meta.name or shows is None:
            return shows
        return decided(shows, unknown, otherwise=_NOTHING)

    compiler = SqlCompiler(caller.shape, request.bindings, visible, mask)
    table = _gone(caller.shape, meta)
    asked = decided(where, unknown, otherwise=Everything()) if where is not None else None
    query = sa.select(table.c.id.label("id")).where(met(compiler, meta.name, asked, table))
    found = await session.fetch(query, {"gone": json.dumps(list(rows), default=str)})
    return {cast(UUID, row["id"]) for row in found}


def _gone(shape: Shape, meta: EntityMeta) -> sa.FromClause:
    """Return rows of the table's columns, typed, out of a document."""
    typed = [sa.column(each.name, each.type) for each in shape.table(meta.name).c]
    document = sa.cast(sa.bindparam("gone", type_=sa.Text), postgresql.JSONB)
    function = sa.func.jsonb_to_recordset(document).table_valued(*typed, name="gone")
    return function.render_derived(name="gone", with_types=True)


def decided(predicate: Predicate, unknown: Collection[str], *, otherwise: Predicate) -> Predicate:
    """Return a predicate that the last values of a record decide, `otherwise` in place of parts
    they do not: what is asked of its lists, of fields in `unknown`, and whether a way ends."""
    match predicate:
        case And(parts):
            return And(tuple(decided(part, unknown, otherwise=otherwise) for part in parts))
        case Or(parts):
            return Or(tuple(decided(part, unknown, otherwise=otherwise) for part in parts))
        case Not(part):
            return predicate if _is_certain(part, unknown) else otherwise
        case _:
            return predicate if _is_certain(predicate, unknown) else otherwise


def _is_certain(predicate: Predicate, unknown: Collection[str]) -> bool:
    match predicate:
        case And(parts) | Or(parts):
            return all(_is_certain(part, unknown) for part in parts)
        case Not(part):
            return _is_certain(part, unknown)
        case Related():
            return False
        case Compare(path, operator, value):
            paths = [path, value] if isinstance(value, Path) else [path]
            if any(each.names[0] in unknown for each in paths):
                return False
            # The record a way leads over may be gone since, which must not look like no value.
            return operator != "is_null" or len(path.names) == 1
        case _:
            return True
