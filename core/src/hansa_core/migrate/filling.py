"""New required columns on tables that hold rows: added empty, filled, then made required."""

from __future__ import annotations

from typing import cast

import sqlalchemy as sa
from alembic.operations.ops import (
    AddColumnOp,
    AlterColumnOp,
    ExecuteSQLOp,
    MigrateOperation,
    ModifyTableOps,
    UpgradeOps,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import CompileError

from hansa_core.storage.statements import quote_name
from hansa_sdk.errors import Misconfigured

DEFAULT: str = "hansa_default"
"""Where a table's column says the declared default, in its `info`."""


def fill_new_columns(operations: UpgradeOps) -> None:
    """Rewrite each required new column to three steps; raises Misconfigured without a default."""
    for table in operations.ops:
        if isinstance(table, ModifyTableOps):
            table.ops[:] = [step for each in table.ops for step in _steps(each)]


def _steps(operation: MigrateOperation) -> list[MigrateOperation]:
    if not isinstance(operation, AddColumnOp) or operation.column.nullable:
        return [operation]
    column = operation.column
    table = operation.table_name
    if DEFAULT not in column.info:
        raise Misconfigured(
            f"{table}.{column.name} is new and required, and rows that exist have no value for it.",
            next_step="Give the field a default, or let it be empty (| None) and fill it later.",
        )
    column.nullable = True
    quoted_value = _literal(column, f"{table}.{column.name}")
    fill = f"UPDATE {quote_name(table)} SET {quote_name(str(column.name))} = {quoted_value}"  # noqa: S608  # a script's text, its literal quoted by SQLAlchemy
    return [
        operation,
        ExecuteSQLOp(fill),
        AlterColumnOp(table, str(column.name), existing_type=column.type, modify_nullable=False),
    ]


def _literal(column: sa.Column[object], name: str) -> str:
    """Write the default as SQL of the column's type."""
    value = cast(object, column.info[DEFAULT])
    try:
        written = sa.literal(value, column.type).compile(
            dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
            compile_kwargs={"literal_binds": True},
        )
    except (CompileError, NotImplementedError, TypeError, AttributeError) as error:
        raise Misconfigured(
            f"The default of {name} cannot be written into a migration: {value!r}.",
            next_step="Let the field be empty (| None) and fill it in a script of your own.",
        ) from error
    return str(written)
