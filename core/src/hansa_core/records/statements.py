"""The SQL of writes: one statement for any number of rows, carried in as one JSON document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.model.meta import EntityMeta, Kind
from hansa_core.storage.kept import kept
from hansa_core.storage.statements import Statement, compile_statement
from hansa_core.storage.tables import unit_column

ROWS: Final = "rows"
"""The name of the parameter that carries the rows."""
KEPT_MAX: Final = 32
"""How many compiled statements are kept for a table: one for each set of columns written."""


def columns_of(meta: EntityMeta, names: Sequence[str] | None = None) -> dict[str, str]:
    """Map row keys to columns, a quantity's unit included."""
    columns: dict[str, str] = {}
    for field in meta.stored:
        if names is None or field.name in names:
            columns[field.name] = field.column
            if field.kind is Kind.QUANTITY:
                columns[f"{field.name}_unit"] = unit_column(field)
    return columns


def insert_statement(table: sa.Table, columns: Sequence[str]) -> Statement:
    """INSERT any number of rows and return all their columns."""

    def make() -> sa.Executable:
        source = recordset(table, columns)
        return (
            postgresql.insert(table)
            .from_select(list(columns), sa.select(*(source.c[name] for name in columns)))
            .returning(table)
        )

    return kept_statement(table, ("insert", *columns), make)


def update_statement(table: sa.Table, columns: Sequence[str]) -> Statement:
    """UPDATE any number of rows that still have their version; returns all their columns."""

    def make() -> sa.Executable:
        source = recordset(table, ["id", "version", *columns])
        values: dict[str, sa.ColumnElement[object]] = {
            name: cast("sa.ColumnElement[object]", source.c[name]) for name in columns
        }
        return (
            sa.update(table)
            .where(table.c.id == source.c.id, table.c.version == source.c.version)
            .values({**values, "version": table.c.version + 1})
            .returning(table)
        )

    return kept_statement(table, ("update", *columns), make)


def delete_statement(table: sa.Table) -> Statement:
    """DELETE the rows whose ids are in the array parameter `ids`."""

    def make() -> sa.Executable:
        ids = sa.bindparam("ids", type_=postgresql.ARRAY(sa.Uuid))
        return sa.delete(table).where(table.c.id == sa.any_(ids))

    return kept_statement(table, ("delete",), make)


def kept_statement(
    table: sa.Table, key: tuple[str, ...], make: Callable[[], sa.Executable]
) -> Statement:
    """Compile a statement once for a table: it depends on its columns, not on tenant or user."""
    return kept(table, "statements", key, lambda: compile_statement(make()), KEPT_MAX)


def recordset(table: sa.Table, columns: Sequence[str]) -> sa.TableValuedAlias:
    """Return the rows of the document `ROWS` as a table with such columns, numbers exact."""
    document = sa.bindparam(ROWS, type_=sa.Text)
    typed = [sa.column(name, table.c[name].type) for name in columns]
    function = sa.func.jsonb_to_recordset(sa.cast(document, postgresql.JSONB))
    return function.table_valued(*typed, name="source").render_derived(
        name="source", with_types=True
    )


def rows_document(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str]) -> str:
    """Write rows of plain values as the JSON document the statements take; numbers stay exact."""
    plain = [{column: row.get(key) for key, column in columns.items()} for row in rows]
    return msgspec.json.Encoder(decimal_format="number").encode(plain).decode()


def row_from(meta: EntityMeta, record: Mapping[str, object]) -> dict[str, object]:
    """Turn a database row into a row keyed by field names."""
    return {key: record[column] for key, column in columns_of(meta).items()}
