"""Columns that change their type: only where every value that may be there survives it."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic.operations.ops import AlterColumnOp, ModifyTableOps, UpgradeOps
from sqlalchemy.dialects import postgresql

from hansa_sdk.errors import Misconfigured

_KEEPS: Final = sa.text(
    "SELECT CAST(:after AS regtype) IN (CAST(:before AS regtype), 'text'::regtype) OR EXISTS ("
    " SELECT FROM pg_cast WHERE castcontext = 'i'"
    " AND castsource = CAST(:before AS regtype) AND casttarget = CAST(:after AS regtype))"
)

_Type = sa.types.TypeEngine[Any]  # of any value


def refuse_lossy_types(connection: sa.Connection, operations: UpgradeOps) -> None:
    """Raise Misconfigured naming each column whose values PostgreSQL would not keep by itself."""
    lossy = [
        f"{step.table_name}.{step.column_name} from {_text(before)} to {_text(after)}"
        for table in operations.ops
        if isinstance(table, ModifyTableOps)
        for step in table.ops
        if isinstance(step, AlterColumnOp)
        for before, after in [(step.existing_type, step.modify_type)]
        if before is not None and after is not None and not _keeps(connection, before, after)
    ]
    if lossy:
        raise Misconfigured(
            f"Rows that exist might not survive a change of type: {', '.join(lossy)}.",
            next_step="Add a field of another name, fill it from the old one in a script of your "
            "own, and remove the old one.",
        )


def _keeps(connection: sa.Connection, before: _Type, after: _Type) -> bool:
    if isinstance(before, sa.Numeric) and isinstance(after, sa.Numeric):
        return after.scale is None or (before.scale is not None and before.scale <= after.scale)
    names = {"before": _text(before), "after": _text(after)}
    return bool(connection.scalar(_KEEPS, names))


def _text(type_: _Type) -> str:
    return type_.compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
