"""New tables that refer to each other: made first, their foreign keys added behind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations.ops import (
    CreateForeignKeyOp,
    CreateTableOp,
    MigrateOperation,
    UpgradeOps,
)


def break_circles(operations: UpgradeOps) -> None:
    """Move each foreign key to a table that is made later behind all tables."""
    made = [step for step in operations.ops if isinstance(step, CreateTableOp)]
    late: list[MigrateOperation] = []
    for position, step in enumerate(made):
        later = {other.table_name for other in made[position + 1 :]}
        keys: list[sa.ForeignKeyConstraint] = []
        kept: list[sa.schema.SchemaItem] = []
        for part in step.columns:
            if isinstance(part, sa.ForeignKeyConstraint) and part.referred_table.name in later:
                keys.append(part)
            else:
                kept.append(part)
        step.columns = kept
        late.extend(CreateForeignKeyOp.from_constraint(key) for key in keys)
    last = max((operations.ops.index(step) for step in made), default=-1)
    operations.ops[last + 1 : last + 1] = late
