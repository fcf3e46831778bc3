"""Reads of one caller: every row, reference and relation by the caller's grants.

One statement per read, however deep and however many rows. The row rule of the action "read" is
part of it; a record the caller may not read is absent wherever a read leads to it, a field that is
masked on a row is null there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, cast
from uuid import UUID

import msgspec
import sqlalchemy as sa

from hansa_core.caller import Caller
from hansa_core.clock import Clock
from hansa_core.query.compiled import Compiled
from hansa_core.query.compose import Composer
from hansa_core.query.cursor import CursorSealer
from hansa_core.query.decode import Node, read_node, read_page
from hansa_core.query.late import Bindings, Late, MarkersLater, Request
from hansa_core.query.lists import Listing
from hansa_core.query.plan import (
    FieldSelection,
    Page,
    PageRequest,
    PartsSelection,
    RecordRequest,
    Selection,
)
from hansa_core.query.predicates import SqlCompiler
from hansa_core.query.select import (
    ROWS_MAX,
    Selected,
    check_limit,
    check_sources,
    source,
    stored_columns,
)
from hansa_core.storage.kept import kept
from hansa_core.storage.transaction import Session
from hansa_sdk import Order, Predicate
from hansa_sdk.predicates import Path

ANSWERS_KEPT_MAX: Final = 64
"""How many compiled answers about records are kept for a table."""


class Reader:
    """Reads in one open transaction as one caller."""

    def __init__(
        self, session: Session, caller: Caller, cursors: CursorSealer, clock: Clock
    ) -> None:
        self.session = session
        self.caller = caller
        self._sources: list[sa.Subquery] = []
        self._request = request_of(caller, cursors, clock, {})
        grants = caller.grants
        self.compiler = SqlCompiler(
            caller.shape, self._request.bindings, grants.readable, grants.mask
        )

    async def page(self, entity: str, request: PageRequest) -> Page:
        """Return a page of an entity's records with what is selected of each.

        Raises Denied without a grant to read, Invalid, CurrencyMismatch or LimitExceeded for a
        request that cannot be meant.
        """
        self.caller.grants.rows_for(entity, "read")
        composer = Composer(self.compiler)
        compiled = Compiled.of([composer.page(entity, request)], composer.sites)
        return read_page(self.caller.shape, entity, request, await self._text(compiled))

    async def record(self, request: RecordRequest) -> Node | None:
        """Return what is selected of one record, archived or not; None when there is none to see.

        Raises Denied without a grant to read.
        """
        text = await self.json(request.entity, request.id, request.selection)
        return read_node(self.caller.shape, request.entity, request.selection, text)

    async def json(self, entity: str, id: UUID, selection: Selection) -> bytes:
        """Return the JSON of what is selected of one record, `null` when there is none to see.

        Raises Denied without a grant to read.
        """
        return await self._answer(entity, selection, id)

    async def json_of_each(
        self, entity: str, ids: Sequence[UUID], selection: Selection
    ) -> list[bytes]:
        """Return the JSON of what is selected of each record, in the order given, by one statement.

        It is `null` where there is none to see. Raises Denied without a grant to read.
        """
        text = await self._answer(entity, selection, list(ids))
        return [bytes(each) for each in msgspec.json.decode(text, type=list[msgspec.Raw])]

    async def _answer(self, entity: str, selection: Selection, asked: UUID | list[UUID]) -> bytes:
        """Answer about one record or several; the statement serves whoever has these grants."""
        grants = self.caller.grants
        grants.rows_for(entity, "read")

        def make() -> Compiled:
            composer = Composer(
                SqlCompiler(self.caller.shape, MarkersLater(), grants.readable, grants.mask)
            )
            late = Late(("asked",), asked, {})
            one = isinstance(asked, UUID)
            compose = composer.record if one else composer.records
            return Compiled.of([compose(entity, late, selection)], composer.sites)

        key = (type(asked), grants.key, selection)
        compiled = _kept(self.caller.shape.table(entity), key, make)
        request = replace(self._request, variables={"asked": asked}, memo={})
        return compiled.text(await compiled.fetch(self.session, request), 0, request)

    async def lock(self, entity: str, where: Predicate | None, limit: int) -> list[UUID]:
        """Lock the first `limit` records, by id, that meet `where`; return their ids.

        A record that no longer meets it once it is locked is not among them. Archived records
        are not looked at. Raises Denied without a grant to read.
        """
        self.caller.grants.rows_for(entity, "read")
        listing = Listing(self.compiler, entity, _plain_request(where, (), archived=False))
        query = listing.page([listing.table.c.id], (), limit).with_for_update(of=listing.table)
        rows = await self.session.fetch(query)
        return [cast(UUID, row["id"]) for row in rows]

    async def _text(self, compiled: Compiled) -> bytes:
        request = replace(self._request, memo={})
        return compiled.text(await compiled.fetch(self.session, request), 0, request)

    async def count(
        self, entity: str, where: Predicate | None = None, *, archived: bool = False
    ) -> int:
        """Count the records that meet `where`; `archived` counts hidden ones too."""
        self.caller.grants.rows_for(entity, "read")
        listing = Listing(self.compiler, entity, _plain_request(where, (), archived=archived))
        query = sa.select(sa.func.count()).select_from(listing.table).where(*listing.conditions)
        return cast(int, await self.session.fetch_value(query))

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
        check_limit(limit)
        self.caller.grants.rows_for(entity, "read")
        listing = Listing(self.compiler, entity, _plain_request(where, order, archived=archived))
        meta = self.caller.shape.entities[entity]
        columns = stored_columns(self.compiler, meta, listing.table)
        rows = await self.session.fetch(listing.page(columns, (), limit))
        return [dict(row.items()) for row in rows]

    async def select(
        self,
        entity: str,
        paths: Sequence[Path],
        where: Predicate | None = None,
        order: Sequence[Order] = (),
        limit: int = 200,
    ) -> list[tuple[object, ...]]:
        """Return columns of records as Python values, unarchived ones, at most 10,000.

        Raises Denied without a grant to read the entity or a column on any row.
        """
        self.caller.grants.rows_for(entity, "read")
        selected = Selected(self.compiler, entity, paths, where, order, limit)
        return selected.read(await self.session.fetch(selected.statement))

    def source(self, entity: str) -> sa.Subquery:
        """Return what the caller may read of an entity as a table; raises Denied for nothing."""
        self.caller.grants.rows_for(entity, "read")
        made = source(self.compiler, entity)
        self._sources.append(made)
        return made

    async def report(self, statement: sa.SelectBase) -> list[dict[str, object]]:
        """Return the rows of a statement over sources, at most 10,000.

        Raises Invalid for one that reads anything else.
        """
        check_sources(statement, self._sources)
        limited = statement.subquery("report")
        rows = await self.session.fetch(sa.select(limited).limit(ROWS_MAX))
        return [dict(row.items()) for row in rows]


def _kept(
    table: sa.Table, key: tuple[object, str, Selection], make: Callable[[], Compiled]
) -> Compiled:
    """Compile an answer once.

    One with lists inside is not kept: its conditions hold values of a request.
    """
    if any(not isinstance(item, (FieldSelection, PartsSelection)) for item in key[2].items):
        return make()
    return kept(table, "answers", key, make, ANSWERS_KEPT_MAX)


def request_of(
    caller: Caller, cursors: CursorSealer, clock: Clock, variables: Mapping[str, object]
) -> Request:
    """Return what a compiled plan is run with: who asks, when, with which variables."""
    principal = caller.principal
    return Request(
        variables,
        Bindings(principal.user_id, principal.teams, clock.now()),
        caller.tenant.id,
        identity_of(caller),
        cursors,
    )


def identity_of(caller: Caller) -> str:
    """Return who asks: what cursors and idempotency keys are bound to."""
    principal = caller.principal
    return f"key {principal.key_id}" if principal.key_id else f"user {principal.user_id}"


def _plain_request(
    where: Predicate | None, order: Sequence[Order], *, archived: bool
) -> PageRequest:
    return PageRequest(Selection(), where=where, order=tuple(order), with_archived=archived)
