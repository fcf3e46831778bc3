"""Records that changed: which of them a caller may see as they are now, and what is asked of each.

One statement for any number of records of one entity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.query.compiled import Compiled
from hansa_core.query.compose import Composer
from hansa_core.query.conditions import check_size
from hansa_core.query.late import Request
from hansa_core.query.plan import Selection
from hansa_core.query.predicates import SqlCompiler
from hansa_core.storage.transaction import Session
from hansa_sdk import Predicate

_IDS: Final = sa.bindparam("ids", type_=postgresql.ARRAY(sa.Uuid()))


@dataclass(frozen=True, slots=True)
class ChangedRecords:
    """A compiled read of some records by id."""

    compiled: Compiled
    count: int

    @classmethod
    def of(
        cls,
        compiler: SqlCompiler,
        entity: str,
        where: Predicate | None,
        selections: Sequence[Selection],
    ) -> ChangedRecords:
        """Compile it; raises HiddenField, and what a condition that cannot be meant raises."""
        composer = Composer(compiler)
        table = compiler.shape.table(entity).alias()
        shown = met(compiler, entity, where, table)
        texts = [
            sa.case((shown, composer.object(entity, table, selection))).label(f"r{n}")
            for n, selection in enumerate(selections)
        ]
        query = sa.select(table.c.id.label("id"), shown.label("shown"), *texts)
        query = query.where(table.c.id == sa.any_(_IDS))
        return cls(Compiled.over(query, composer.sites), len(selections))

    async def read(
        self, session: Session, request: Request, ids: Sequence[UUID]
    ) -> Mapping[UUID, tuple[bytes, ...] | None]:
        """Return the JSON of each selection by id: None for a record not shown.

        A record that is not there any more is not in the answer.
        """
        values = {**self.compiled.bound(request), "ids": list(ids)}
        found: dict[UUID, tuple[bytes, ...] | None] = {}
        for row in await session.fetch(self.compiled.statement, values):
            texts = [row[f"r{n}"] for n in range(self.count)]
            shown = tuple(self.compiled.text(texts, n, request) for n in range(self.count))
            found[cast(UUID, row["id"])] = shown if row["shown"] else None
        return found


def met(
    compiler: SqlCompiler, entity: str, where: Predicate | None, table: sa.FromClause
) -> sa.ColumnElement[bool]:
    """Return whether the caller may see a row of `table` and it meets `where`; never null."""
    conditions = list(compiler.seen(entity, table))
    if where is not None:
        check_size(where)
        conditions.append(compiler.condition(where, entity, table))
    return sa.func.coalesce(sa.and_(sa.true(), *conditions), sa.false())
