"""Plain creates: one statement checks new rows, stores them, tells the ledger and answers.

It does all of that or nothing, so it needs no transaction around it. It says no more than that it
did nothing: the caller then takes the long way (`Writer.create`), which finds out why and says so.
What needs Python between the steps, or the row in its table before it is looked at, goes that way
from the start: hooks, people's own keys, units, rules and answers that read the table itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from hansa_core.caller import Caller
from hansa_core.events.record import event_values
from hansa_core.events.tables import EventTables
from hansa_core.model.meta import EntityMeta, FieldMeta, Kind
from hansa_core.query.compiled import Compiled
from hansa_core.query.compose import Composer
from hansa_core.query.late import MarkersLater, Request
from hansa_core.query.plan import Selection
from hansa_core.query.predicates import SqlCompiler, to_sql
from hansa_core.records.changes import RecordChange, loud, origin_of, to_events
from hansa_core.records.prepare import Row, new_row, through_hooks
from hansa_core.records.rules import check_rules
from hansa_core.records.statements import columns_of, recordset, rows_document
from hansa_core.storage.refusals import OTHER, RETRYABLE, refusal_kind
from hansa_core.storage.transaction import Session
from hansa_sdk import Invalid, LimitExceeded
from hansa_sdk.predicates import Everything

_ONE: Final[sa.ColumnElement[int]] = sa.literal_column("1", sa.Integer())
_SOURCE: Final = "source"
_INSERTED: Final = "inserted"
_AS_GIVEN: Final = frozenset(
    {
        *(Kind.TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL, Kind.CURRENCY, Kind.ENUM, Kind.TEXT_LIST),
        *(Kind.INTEGER, Kind.BOOLEAN, Kind.DATE, Kind.INSTANT, Kind.UUID, Kind.REFERENCE),
    }
)
"""Kinds whose values the database gives back as they were checked."""
_PLACES: Final = {Kind.DECIMAL: Decimal("1e-6"), Kind.MONEY: Decimal("1e-4")}
"""Kinds whose values it gives back with all their decimals."""


@dataclass(frozen=True, slots=True, eq=False)
class PlainCreate:
    """Creates records of one entity for whoever holds the same grants, and answers each."""

    meta: EntityMeta
    columns: Mapping[str, str]
    compiled: Compiled
    inexact: tuple[FieldMeta, ...]
    """The fields whose values the database may spell in another way."""

    @classmethod
    def of(
        cls, caller: Caller, tables: EventTables, entity: str, selections: Sequence[Selection]
    ) -> PlainCreate | None:
        """Compile it; None where creating such records, or this answer, takes more than that.

        Raises HiddenField for an answer with a field the caller sees on no record.
        """
        meta, grants = caller.shape.entity(entity), caller.grants
        hooked = (entity, "create") in caller.shape.hooks.before
        allowed = grants.allows(entity, "create") and grants.allows(entity, "read")
        if hooked or meta.subject or not allowed:
            return None
        columns = columns_of(meta)
        source = _source(caller, meta, list(columns.values()))
        wrong = sa.or_(sa.false(), *_wrong(caller, meta, source))
        refused = sa.select(_ONE.label("one")).select_from(source).where(wrong).limit(_ONE)
        good = ~sa.exists().select_from(refused.cte("refused"))
        table = caller.shape.table(entity)
        inserted = (
            sa.insert(table)
            .from_select(list(columns.values()), sa.select(*source.c).where(good))
            .returning(table)
            .cte(_INSERTED)
        )
        compiler = SqlCompiler(caller.shape, MarkersLater(), grants.readable, grants.mask)
        composer = Composer(compiler)
        shown = sa.and_(sa.true(), *compiler.seen(entity, inserted))
        answers = [
            sa.case((shown, composer.object(entity, inserted, each))).label(f"r{number}")
            for number, each in enumerate(selections)
        ]
        looks = [shown, *answers, *_covered(caller, meta, source)]
        if composer.sites or any(_reads(each, table) for each in looks):
            return None
        query = (
            sa.select(_ONE.label("made"), *answers)
            .select_from(inserted)
            .order_by(inserted.c.id)  # ids rise in the order they were made
            .add_cte(tables.statements.adding(good).cte("queued"))
        )
        inexact = tuple(field for field in meta.stored if field.kind not in _AS_GIVEN)
        return cls(meta, columns, Compiled.over(query, ()), inexact)

    async def run(
        self,
        session: Session,
        caller: Caller,
        request: Request,
        values: Sequence[Mapping[str, object]],
    ) -> list[tuple[bytes, ...]] | None:
        """Create records of these values; return the JSON of each answer about each of them.

        `session` is that of `Database.writing`. None where nothing was written, whatever for.
        Raises what `Session.change` raises for a database that does not answer.
        """
        now = request.bindings.now
        rows = self._rows(caller, values, now)
        if rows is None:
            return None
        try:
            told = self._told(caller, rows, now)
        except Invalid:  # said with its place the long way
            return None
        params = {
            **self.compiled.bound(request),
            **told,
            "rows": rows_document(rows, self.columns),
        }
        try:
            found = await session.change(self.compiled.statement, params)
        except (*RETRYABLE, Invalid, LimitExceeded):
            return None
        except Exception as error:
            if refusal_kind(error) == OTHER:
                raise
            return None
        if len(found) != len(rows):
            return None
        return [tuple(cast("Sequence[bytes]", tuple(row.values())[1:])) for row in found]

    def _rows(
        self, caller: Caller, values: Sequence[Mapping[str, object]], now: datetime
    ) -> list[Row] | None:
        """Return the rows as they will be stored, None where one of them is not to be."""
        rows: list[Row] = []
        for given in values:
            row, wrong = new_row(self.meta, given, now=now, trusted=False)
            row["created_by"] = row["updated_by"] = caller.principal.user_id
            if wrong or not _as_stored(self.inexact, row):
                return None
            rows.append(row)
        checked = through_hooks(self.meta, rows) if self.meta.checks else ()
        if any(check_rules(self.meta, record) for record in checked):
            return None
        return rows

    def _told(self, caller: Caller, rows: Sequence[Row], now: datetime) -> dict[str, object]:
        """Return the events of the rows as the ledger's statement takes them."""
        changes = [
            RecordChange(self.meta, "created", cast(UUID, row["id"]), 1, {}, loud(row), row)
            for row in rows
        ]
        events = to_events(caller.shape, changes)
        return event_values(caller.tenant.id, events, {}, origin_of(caller), now)


def _source(caller: Caller, meta: EntityMeta, columns: Sequence[str]) -> sa.CTE:
    """Return the rows of the statement's document, as a table like the entity's."""
    given = recordset(caller.shape.table(meta.name), columns)
    return sa.select(*given.c).cte(_SOURCE)


def _wrong(caller: Caller, meta: EntityMeta, source: sa.CTE) -> Iterator[sa.ColumnElement[bool]]:
    """Yield what must be true of no row: a reference to what is not to be seen, and the like."""
    grants, shape = caller.grants, caller.shape
    for field in meta.references:
        column = source.c[field.column]
        rule = grants.readable(field.target)
        if rule is None:
            yield column.is_not(None)
            continue
        target = shape.table(field.target).alias()
        seen = to_sql(rule, shape, field.target, target, MarkersLater())
        # a scalar: for EXISTS the database reads the whole table, expecting many rows
        there = sa.select(sa.true()).where(target.c.id == column, seen).scalar_subquery()
        yield sa.and_(column.is_not(None), there.is_(None))
    for covered in _covered(caller, meta, source):
        yield ~covered


def _covered(caller: Caller, meta: EntityMeta, source: sa.CTE) -> Sequence[sa.ColumnElement[bool]]:
    """Return whether a row is one of those the caller may create, where that is a question."""
    rule = caller.grants.rows_for(meta.name, "create")
    if isinstance(rule, Everything):
        return ()
    meets = to_sql(rule, caller.shape, meta.name, source, MarkersLater())
    return (sa.func.coalesce(meets, sa.false()),)


def _reads(element: visitors.HasTraverseInternals, table: sa.Table) -> bool:
    """Tell whether an expression looks into a table: it would not see there what is written now."""
    left = [element]
    while left:
        each = left.pop()
        if each is table:
            return True
        if isinstance(each, sa.CTE) and each.name in (_SOURCE, _INSERTED):
            continue
        if isinstance(each, sa.ColumnClause) and each.table is not None:
            left.append(each.table)
        left += cast("Iterable[visitors.HasTraverseInternals]", cast(Any, each).get_children())
    return False


def _as_stored(fields: Sequence[FieldMeta], row: Row) -> bool:
    """Make values what the database gives back for them; False where that is not known here."""
    for field in fields:
        value = row[field.name]
        if field.kind is Kind.QUANTITY:
            value = value if value is not None else row.get(f"{field.name}_unit")
        if value is None:
            continue
        places = _PLACES.get(field.kind)
        if places is None:
            return False
        number = Decimal(cast("Decimal | int", value)) + 0  # + 0: there is no minus zero
        row[field.name] = number.quantize(places)
    return True
