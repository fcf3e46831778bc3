"""Reads of one caller: every row, reference and relation by the caller's grants.

One statement per relation level, however many rows. The row rule of the action "read" is part of
each statement; a record the caller may not read is absent wherever a read leads to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.caller import Caller
from hansa_core.clock import Clock
from hansa_core.model.meta import FieldMeta
from hansa_core.query.cursor import CursorScope, CursorSealer
from hansa_core.query.lists import Listing
from hansa_core.query.pages import PAGE_NESTED_DEFAULT, TOTAL_MAX, PageCutter, Paged, scope_of
from hansa_core.query.plan import (
    ManySelection,
    Page,
    PageRequest,
    RecordRequest,
    Selection,
)
from hansa_core.query.predicates import Bindings, SqlCompiler
from hansa_core.query.projection import Node, NodeMaker, Projection, Row, ids_in, relation_of
from hansa_core.storage.transaction import Session
from hansa_sdk import Invalid, LimitExceeded, Order, Predicate
from hansa_sdk.predicates import Everything

ROWS_MAX: Final = 10_000
"""How many rows `Reader.rows` returns at most."""


class Reader:
    """Reads in one open transaction as one caller."""

    def __init__(
        self, session: Session, caller: Caller, cursors: CursorSealer, clock: Clock
    ) -> None:
        self._session = session
        self._caller = caller
        self._cursors = cursors
        principal = caller.principal
        self._compiler = SqlCompiler(
            caller.shape, Bindings(principal.user_id, principal.teams, clock.now()), self._visible
        )

    async def page(self, entity: str, request: PageRequest) -> Page:
        """Return a page of an entity's records with what is selected of each.

        Raises Denied without a grant to read, Invalid, CurrencyMismatch or LimitExceeded for a
        request that cannot be meant.
        """
        self._caller.grants.rows_for(entity, "read")
        listing = Listing(self._compiler, entity, request)
        maker = NodeMaker(listing.projection, request.selection)
        scope = scope_of(self._caller, entity, request, listing.order, None)
        values = self._opened(listing, scope)
        query = listing.query(values)
        rows = await self._session.fetch(query)
        total = await self._total(listing) if request.total else None
        cutter = PageCutter(listing.walk, listing.labels, maker.make, self._cursors)
        page, kept = cutter.cut(rows, scope, total)
        await self._complete(maker, request.selection, page.nodes, kept)
        return page

    async def record(self, request: RecordRequest) -> Node | None:
        """Return what is selected of one record, archived or not; None when there is none to see.

        Raises Denied without a grant to read.
        """
        self._caller.grants.rows_for(request.entity, "read")
        nodes = await self._by_id(request.entity, [request.id], request.selection)
        return nodes.get(request.id)

    async def count(
        self, entity: str, where: Predicate | None = None, *, archived: bool = False
    ) -> int:
        """Count the records that meet `where`; `archived` counts hidden ones too."""
        self._caller.grants.rows_for(entity, "read")
        listing = Listing(self._compiler, entity, _plain_request(where, (), archived=archived))
        query = sa.select(sa.func.count()).select_from(listing.table).where(*listing.conditions)
        return cast(int, await self._session.fetch_value(query))

    async def rows(
        self,
        entity: str,
        where: Predicate | None = None,
        order: Sequence[Order] = (),
        limit: int = 200,
        *,
        archived: bool = False,
    ) -> list[dict[str, object]]:
        """Return whole rows by field name, references as stored; `archived` takes hidden ones too.

        Raises LimitExceeded past 10,000.
        """
        if not 0 <= limit <= ROWS_MAX:
            raise LimitExceeded(
                f"limit is {limit}; at most {ROWS_MAX} rows are fetched at once.",
                next_step="Fetch them in several steps.",
            )
        self._caller.grants.rows_for(entity, "read")
        listing = Listing(self._compiler, entity, _plain_request(where, order, archived=archived))
        make = listing.projection.row()
        query = listing.query(None, limit=limit)
        return [make(row) for row in await self._session.fetch(query)]

    def _visible(self, entity: str) -> Predicate | None:
        return self._caller.grants.rows.get((entity, "read"))

    def _opened(self, listing: Listing, scope: CursorScope) -> tuple[object, ...] | None:
        cursor = listing.walk.cursor
        return None if cursor is None else self._cursors.open(cursor, scope)

    async def _total(self, listing: Listing) -> int:
        return cast(int, await self._session.fetch_value(listing.counted(TOTAL_MAX + 1)))

    async def _by_id(
        self, entity: str, ids: Sequence[UUID], selection: Selection
    ) -> dict[UUID, Node]:
        """Return the visible records among `ids`."""
        table = self._caller.shape.table(entity).alias()
        projection = Projection(self._compiler, entity, table)
        maker = NodeMaker(projection, selection)
        wanted = sa.literal(list(ids), postgresql.ARRAY(sa.Uuid()))
        query = sa.select(*projection.columns).where(
            table.c.id == sa.any_(wanted), *self._compiler.seen(entity, table)
        )
        rows = await self._session.fetch(query)
        nodes = [maker.make(row) for row in rows]
        await self._complete(maker, selection, nodes, rows)
        return {cast(UUID, row[projection.id]): node for row, node in zip(rows, nodes, strict=True)}

    async def _complete(
        self, maker: NodeMaker, selection: Selection, nodes: Sequence[Node], rows: Sequence[Row]
    ) -> None:
        """Put references and relations into the nodes made of `rows`."""
        for reference, field, label in maker.references:
            found = await self._referred(field, ids_in(rows, label), reference.selection)
            for node, row in zip(nodes, rows, strict=True):
                node[reference.key] = found.get(cast(UUID, row[label]))
        for many in selection.relations:
            ids = ids_in(rows, maker.projection.id)
            pages = await self._related(maker.projection, many, ids)
            for node, row in zip(nodes, rows, strict=True):
                node[many.key] = pages[cast(UUID, row[maker.projection.id])]

    async def _referred(
        self, field: FieldMeta, ids: Sequence[UUID], selection: Selection
    ) -> Mapping[UUID, Node]:
        rule = self._visible(field.target)
        if rule is None or not ids:
            return {}
        if isinstance(rule, Everything) and _ids_only(selection):  # the reference says it all
            return {id: {each.key: id for each in selection.fields} for id in ids}
        return await self._by_id(field.target, ids, selection)

    async def _related(
        self, projection: Projection, many: ManySelection, parents: Sequence[UUID]
    ) -> dict[UUID, Page]:
        """Return a page of the relation for each parent, in one statement (two with totals)."""
        relation = relation_of(projection.meta, many.name)
        listing = Listing(self._compiler, relation.target, many.page, PAGE_NESTED_DEFAULT)
        maker = NodeMaker(listing.projection, many.page.selection)
        if self._visible(relation.target) is None or not parents:
            return {parent: Page() for parent in parents}
        if listing.walk.cursor is not None and len(parents) > 1:
            raise Invalid(
                f"{many.name}: a cursor continues the list of one record, not of {len(parents)}.",
                next_step="Ask for that record alone.",
                path=(many.key, "before" if listing.walk.backward else "after"),
            )
        scopes = {
            parent: scope_of(self._caller, relation.target, many.page, listing.order, parent)
            for parent in parents
        }
        values = self._opened(listing, scopes[parents[0]])
        grouped: dict[UUID, list[Row]] = {parent: [] for parent in parents}
        for row in await self._session.fetch(listing.per_parent(relation, parents, values)):
            grouped[cast(UUID, row["parent"])].append(row)
        totals = await self._totals(listing, relation.inverse, many, parents)
        cutter = PageCutter(listing.walk, listing.labels, maker.make, self._cursors)
        paged: dict[UUID, Paged] = {
            parent: cutter.cut(grouped[parent], scopes[parent], totals.get(parent))
            for parent in parents
        }
        await self._complete(
            maker,
            many.page.selection,
            [node for page, _ in paged.values() for node in page.nodes],
            [row for _, rows in paged.values() for row in rows],
        )
        return {parent: page for parent, (page, _) in paged.items()}

    async def _totals(
        self, listing: Listing, inverse: str, many: ManySelection, parents: Sequence[UUID]
    ) -> dict[UUID, int]:
        if not many.page.total:
            return {}
        query = listing.counted_per_parent(inverse, parents, TOTAL_MAX + 1)
        rows = await self._session.fetch(query)
        return {cast(UUID, row["parent"]): cast(int, row["total"]) for row in rows}


def _ids_only(selection: Selection) -> bool:
    fields_only = not selection.references and not selection.relations
    return fields_only and all(each.name == "id" for each in selection.fields)


def _plain_request(
    where: Predicate | None, order: Sequence[Order], *, archived: bool
) -> PageRequest:
    return PageRequest(Selection(), where=where, order=tuple(order), with_archived=archived)
