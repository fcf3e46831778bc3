"""Lists: table, conditions and order of an entity's records, and the statements over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.model.meta import TEXT_KINDS
from hansa_core.query.conditions import check_size, fixed_by
from hansa_core.query.keyset import completed, keys_of
from hansa_core.query.late import later
from hansa_core.query.operands import check_text
from hansa_core.query.pages import PAGE_DEFAULT, walk_of
from hansa_core.query.plan import PageRequest
from hansa_core.query.predicates import SqlCompiler, escaped
from hansa_core.query.rollups import unarchived
from hansa_sdk import Invalid, LimitExceeded
from hansa_sdk.predicates import Everything

WORDS_MAX: Final = 10
SEARCH_LENGTH_MAX: Final = 200

Conditions = Sequence[sa.ColumnElement[bool]]


class Listing:
    """One list of an entity's records, resolved: table, conditions, order and direction."""

    def __init__(
        self,
        compiler: SqlCompiler,
        entity: str,
        request: PageRequest,
        default_size: int = PAGE_DEFAULT,
    ) -> None:
        self._compiler = compiler
        self._entity = entity
        self.walk = walk_of(request, default_size)
        self.table = compiler.shape.table(entity).alias()
        self.conditions = self._conditions(request)
        self.order = completed(request.order, entity)
        fixed = fixed_by(Everything() if request.where is None else request.where)
        self.keys = keys_of(self.order, entity, self.table, compiler, fixed)

    def page(
        self, columns: Sequence[sa.ColumnElement[Any]], more: Conditions, limit: int
    ) -> sa.Select[Any]:
        """Return the first `limit` rows in the direction of the walk."""
        ordered = [key.sorted(key.column) for key in self.walk.keys(self.keys)]
        query = sa.select(*columns).select_from(self.table)
        # The limit is part of the text: the planner of the database has to know it.
        query = query.where(*self.conditions, *more).order_by(*ordered)
        return query.limit(sa.literal_column(str(limit), sa.Integer()))

    def counted(
        self, limit: int, more: Conditions = (), owner: sa.FromClause | None = None
    ) -> sa.Select[int]:
        """Return the number of rows, counted up to `limit`; `more` may refer to `owner`."""
        one = sa.select(sa.literal_column("1", sa.Integer()).label("one")).select_from(self.table)
        one = one.where(*self.conditions, *more).limit(sa.literal_column(str(limit), sa.Integer()))
        if owner is not None:
            one = one.correlate(owner)
        return sa.select(sa.func.count().label("total")).select_from(one.subquery())

    def _conditions(self, request: PageRequest) -> Conditions:
        conditions = list(self._compiler.seen(self._entity, self.table))
        if not request.with_archived:
            conditions.extend(unarchived(self._compiler, self._entity, self.table))
        if request.where is not None:
            check_size(request.where)
            conditions.append(self._compiler.condition(request.where, self._entity, self.table))
        return [*conditions, *self._searched(request.search)]

    def _searched(self, search: object) -> Conditions:
        """Return the condition that every word is in one of the searched fields."""
        if search is None:
            return ()
        patterns = later(search, _patterns)
        meta = self._compiler.shape.entities[self._entity]
        fields = [
            each
            for each in meta.stored
            if each.search and each.kind in TEXT_KINDS
            if not self._compiler.hides(meta.name, each.name)
        ]
        if not fields:
            raise Invalid(
                f"{meta.name} has no fields to search in.",
                next_step="Use `where`.",
                path=("search",),
            )
        columns = [self._compiler.column(meta.name, field.name, self.table) for field in fields]
        # Words hold no white space, so what is found in the lines is found in one of them.
        lines = sa.func.lower(sa.func.concat_ws(sa.literal_column("E'\\n'"), *columns))
        array = sa.literal(patterns, postgresql.ARRAY(sa.Text()))
        pattern = sa.func.unnest(array).column_valued("pattern")
        words = sa.select(sa.func.lower(pattern)).scalar_subquery()
        return (lines.op("LIKE", is_comparison=True)(sa.all_(words)),)


def _patterns(search: object) -> list[str]:
    """Return a pattern for each word of a search; raises Invalid, LimitExceeded."""
    text = str(search)
    check_text("search", text)
    words = text.split()
    if len(text) > SEARCH_LENGTH_MAX or len(words) > WORDS_MAX:
        raise LimitExceeded(
            f"A search has at most {WORDS_MAX} words and {SEARCH_LENGTH_MAX} letters.",
            next_step="Leave out the common words.",
            path=("search",),
        )
    return [f"%{escaped(word, escape=chr(92))}%" for word in words]
