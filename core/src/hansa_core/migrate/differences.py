"""What Alembic finds different, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alembic.operations.ops import (
    AddColumnOp,
    AddConstraintOp,
    AlterColumnOp,
    CreateIndexOp,
    CreateTableOp,
    DropColumnOp,
    DropConstraintOp,
    DropIndexOp,
    DropTableOp,
    MigrateOperation,
    OpContainer,
)


def told(operations: Sequence[MigrateOperation]) -> Iterator[str]:
    """Say of each step what is as it is without it."""
    for step in operations:
        match step:
            case OpContainer():
                yield from told(step.ops)
            case CreateTableOp():
                yield f"{step.table_name} is missing"
            case DropTableOp():
                yield f"{step.table_name} is not declared"
            case AddColumnOp():
                yield f"{step.table_name}.{step.column.name} is missing"
            case DropColumnOp():
                yield f"{step.table_name}.{step.column_name} is not declared"
            case AlterColumnOp():
                yield f"{step.table_name}.{step.column_name} is of another kind"
            case CreateIndexOp():
                yield f"{step.table_name} lacks the index {step.index_name}"
            case DropIndexOp():
                yield f"{step.table_name} has an index {step.index_name} that is not declared"
            case AddConstraintOp():
                constraint = step.to_constraint()
                yield f"{constraint.table.name} lacks the constraint {constraint.name}"
            case DropConstraintOp():
                yield (
                    f"{step.table_name} has a constraint {step.constraint_name} "
                    "that is not declared"
                )
            case _:
                yield type(step).__name__
