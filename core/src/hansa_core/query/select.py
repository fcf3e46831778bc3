"""Reads for Python code: typed columns of records, and sources for hand-written statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.sql import visitors

from hansa_core.model.instances import value_of
from hansa_core.model.meta import EntityMeta, Kind
from hansa_core.query.conditions import Route, route_to, unit_column
from hansa_core.query.lists import Listing
from hansa_core.query.plan import PageRequest
from hansa_core.query.predicates import HiddenField, SqlCompiler
from hansa_core.query.rollups import unarchived
from hansa_sdk import Denied, Invalid, LimitExceeded, Order, Predicate
from hansa_sdk.predicates import Path

Row: TypeAlias = Mapping[str, object]
Column: TypeAlias = sa.ColumnElement[Any]  # a column of whatever SQL type

ROWS_MAX: Final = 10_000
"""How many rows one read of Python code returns at most."""


def check_limit(limit: int) -> None:
    """Raise LimitExceeded for a number of rows that is not fetched at once."""
    if not 0 <= limit <= ROWS_MAX:
        raise LimitExceeded(
            f"limit is {limit}; at most {ROWS_MAX} rows are fetched at once.",
            next_step="Fetch them in several steps.",
        )


class Selected:
    """The statement of some columns of records, and how its rows are read."""

    def __init__(
        self,
        compiler: SqlCompiler,
        entity: str,
        paths: Sequence[Path],
        where: Predicate | None,
        order: Sequence[Order],
        limit: int,
    ) -> None:
        check_limit(limit)
        if not paths:
            raise Invalid("select takes at least one column.", next_step="Name what is asked.")
        listing = Listing(compiler, entity, PageRequest(where=where, order=tuple(order)))
        self._routes: list[Route] = []
        columns: list[Column] = []
        for position, path in enumerate(paths):
            route = route_to(compiler.shape.entities, entity, path)
            self._routes.append(route)
            try:
                columns += _columns(compiler, route, listing.table, position)
            except HiddenField as error:
                raise _hidden(path) from error
        self.statement = listing.page(columns, (), limit)

    def read(self, rows: Sequence[Row]) -> list[tuple[object, ...]]:
        """Return the values of the columns: Money and Quantity with their unit, enums, links."""
        return [
            tuple(_value(route, row, position) for position, route in enumerate(self._routes))
            for row in rows
        ]


def source(compiler: SqlCompiler, entity: str) -> sa.Subquery:
    """Return the rows of an entity the caller may read, masked, as a table of a statement.

    Its columns are the stored fields by name; archived records are left out.
    """
    meta = compiler.shape.entities[entity]
    table = compiler.shape.table(entity).alias()
    query = sa.select(*stored_columns(compiler, meta, table)).where(
        *compiler.seen(entity, table), *unarchived(compiler, entity, table)
    )
    return query.subquery(meta.table)


def stored_columns(
    compiler: SqlCompiler, meta: EntityMeta, table: sa.FromClause
) -> list[sa.Label[Any]]:  # Any: of whatever SQL type
    """Return a whole row as the caller sees it: fields by name, with the units of quantities."""
    names = [
        name
        for field in meta.stored
        for name in (
            (field.name, unit_column(field)) if field.kind is Kind.QUANTITY else (field.name,)
        )
    ]
    return [_stored(compiler, meta, name, table).label(name) for name in names]


def check_sources(statement: sa.SelectBase, sources: Sequence[sa.Subquery]) -> None:
    """Raise Invalid for a statement that reads anything but sources of the same transaction.

    A plugin's report must not reach rows its caller may not see, by mistake or by habit.
    """
    left: list[visitors.HasTraverseInternals] = [statement]
    known = {id(each) for each in sources}
    while left:
        element = left.pop()
        if id(element) in known:
            continue
        if isinstance(element, (sa.TextClause, sa.TableClause)) or (
            isinstance(element, sa.ColumnClause) and element.is_literal
        ):
            found = str(cast(object, element))[:80]
            raise Invalid(
                f"A report selects from ctx.source(...) only; this one has {found!r}.",
                next_step="Take each table from ctx.source(Entity), and no text of SQL.",
            )
        if isinstance(element, sa.ColumnClause) and element.table is not None:
            left.append(element.table)
        left += cast("Iterable[visitors.HasTraverseInternals]", cast(Any, element).get_children())


def _stored(compiler: SqlCompiler, meta: EntityMeta, name: str, table: sa.FromClause) -> Column:
    try:
        return compiler.column(meta.name, name, table)
    except HiddenField:
        field = meta.fields.get(name)
        return sa.cast(sa.null(), table.c[field.column if field else name].type)


def _columns(
    compiler: SqlCompiler, route: Route, table: sa.FromClause, position: int
) -> list[Column]:
    """Return a column's value, and its currency or unit behind it."""
    field = route.field
    if not field.in_sql:
        raise Invalid(
            f"{field.name} is computed in Python.",
            next_step="Find the records and read it from them.",
            path=(field.name,),
        )
    columns: list[Column] = [compiler.route(route, table).label(f"c{position}")]
    if field.kind in (Kind.MONEY, Kind.QUANTITY):
        unit = compiler.unit(route, table)
        columns.append(unit.label(f"u{position}"))
    return columns


def _value(route: Route, row: Row, position: int) -> object:
    field = route.field
    values = {field.name: row[f"c{position}"]}
    if field.kind in (Kind.MONEY, Kind.QUANTITY):
        values[unit_column(field)] = row[f"u{position}"]
    return value_of(field, values)


def _hidden(path: Path) -> Denied:
    return Denied(
        f"Your roles do not grant reading {path}.",
        next_step="Ask an administrator for a role that does.",
        params={"field": str(path)},
    )
