"""Lists: the statement of a page of an entity, or of a page for each of many parents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.model.meta import TEXT_KINDS, ManyMeta
from hansa_core.query.conditions import check_size, fixed_by
from hansa_core.query.keyset import after, completed, keys_of
from hansa_core.query.operands import check_text
from hansa_core.query.pages import PAGE_DEFAULT, walk_of
from hansa_core.query.plan import PageRequest
from hansa_core.query.predicates import SqlCompiler, contained
from hansa_core.query.projection import Projection
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
        self.projection = Projection(compiler, entity, self.table)
        self.conditions = self._conditions(request)
        self.order = completed(request.order, entity)
        fixed = fixed_by(Everything() if request.where is None else request.where)
        keys = keys_of(self.order, entity, self.table, compiler, fixed)
        self.labels = tuple(
            self.projection.take(f"key {position}", key.column) for position, key in enumerate(keys)
        )
        self._keys = self.walk.keys(keys)

    def query(self, values: Sequence[object] | None, limit: int | None = None) -> sa.Select[Any]:
        """Return the statement of the page after `values`; its rows are any columns asked."""
        return self._page(self._beyond(values), self.walk.limit if limit is None else limit)

    def per_parent(
        self, relation: ManyMeta, parents: Sequence[UUID], values: Sequence[object] | None
    ) -> sa.Select[Any]:
        """Return the statement of a page for each parent; column `parent` says whose a row is."""
        parent = _listed(parents)
        own = self.table.c[relation.inverse] == parent.c.parent
        page = self._page((own, *self._beyond(values)), self.walk.limit).lateral("page")
        ordered = [
            key.sorted(page.c[label]) for key, label in zip(self._keys, self.labels, strict=True)
        ]
        query = sa.select(parent.c.parent, *page.c).select_from(parent.join(page, sa.true()))
        return query.order_by(parent.c.position, *ordered)

    def counted(self, limit: int) -> sa.Select[int]:
        """Return the statement that counts the list up to `limit`."""
        return sa.select(self._count((), limit))

    def counted_per_parent(
        self, inverse: str, parents: Sequence[UUID], limit: int
    ) -> sa.Select[Any, int]:  # Any: as the driver types ids
        """Return the statement that counts each parent's list up to `limit`."""
        parent = _listed(parents)
        own = self.table.c[inverse] == parent.c.parent
        return sa.select(parent.c.parent, self._count((own,), limit, parent).label("total"))

    def _page(self, more: Conditions, limit: int) -> sa.Select[Any]:
        ordered = [key.sorted(key.column) for key in self._keys]
        query = sa.select(*self.projection.columns).select_from(self.table)
        return query.where(*self.conditions, *more).order_by(*ordered).limit(limit)

    def _beyond(self, values: Sequence[object] | None) -> Conditions:
        return () if values is None else (after(self._keys, values),)

    def _count(
        self, more: Conditions, limit: int, parent: sa.FromClause | None = None
    ) -> sa.ScalarSelect[int]:
        one = sa.select(sa.literal_column("1", sa.Integer()).label("one")).select_from(self.table)
        one = one.where(*self.conditions, *more).limit(limit).correlate(parent)
        count = sa.select(sa.func.count()).select_from(one.subquery())
        return count.correlate(parent).scalar_subquery()

    def _conditions(self, request: PageRequest) -> Conditions:
        conditions = list(self._compiler.seen(self._entity, self.table))
        if not request.with_archived:
            conditions.extend(unarchived(self._compiler, self._entity, self.table))
        if request.where is not None:
            check_size(request.where)
            conditions.append(self._compiler.condition(request.where, self._entity, self.table))
        return [*conditions, *self._searched(request.search or "")]

    def _searched(self, search: str) -> Conditions:
        """Return one condition per word: one of the searched fields holds it."""
        check_text("search", search)
        words = search.split()
        if len(search) > SEARCH_LENGTH_MAX or len(words) > WORDS_MAX:
            raise LimitExceeded(
                f"A search has at most {WORDS_MAX} words and {SEARCH_LENGTH_MAX} letters.",
                next_step="Leave out the common words.",
                path=("search",),
            )
        meta = self._compiler.shape.entities[self._entity]
        fields = [each for each in meta.stored if each.search and each.kind in TEXT_KINDS]
        if words and not fields:
            raise Invalid(
                f"{meta.name} has no fields to search in.",
                next_step="Use `where`.",
                path=("search",),
            )
        return [
            sa.or_(*(contained(self.table.c[field.column], word) for field in fields))
            for word in words
        ]


def _listed(parents: Sequence[UUID]) -> sa.TableValuedAlias:
    array = sa.literal(list(parents), postgresql.ARRAY(sa.Uuid()))
    function = sa.func.unnest(array).table_valued("parent", with_ordinality="position")
    return function.render_derived(name="parents")
