"""Connections: the JSON of one page of a list, with its cursors, bounds and capped total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hansa_core.model.meta import Kind
from hansa_core.query.keyset import Key, after
from hansa_core.query.lists import Listing
from hansa_core.query.pages import TOTAL_MAX
from hansa_core.query.places import ForeignCursor, ListPlace, Opened, OpenedKey
from hansa_core.query.plan import (
    ConstantPart,
    CountPart,
    EdgesPart,
    InfoPart,
    NodesPart,
    PageRequest,
    Part,
)
from hansa_core.query.spelling import spelt_kind

if TYPE_CHECKING:
    from hansa_core.query.compose import Composer

Column: TypeAlias = sa.ColumnElement[Any]  # a column of whatever SQL type
_MORE: Final = frozenset({"hasNextPage", "hasPreviousPage"})


class Connection:
    """One page in a statement, of the list of `listing`; `relation` names whose list it is."""

    def __init__(
        self,
        composer: Composer,
        entity: str,
        listing: Listing,
        request: PageRequest,
        relation: str = "",
    ) -> None:
        self._composer = composer
        self._entity = entity
        self._listing = listing
        self._request = request
        self._relation = relation
        self._walk = listing.walk
        self._asked = request.answered
        self._place = ListPlace(entity, request, listing.order, listing.keys, relation)

    def json(
        self,
        owner: sa.FromClause | None = None,
        own: Sequence[sa.ColumnElement[bool]] = (),
        path: tuple[str | int, ...] = (),
    ) -> Column:
        """Return the JSON; `own` are the conditions that tie the list to a row of `owner`."""
        opened = None
        if self._walk.cursor is not None:
            opened = Opened(self._place, self._walk.cursor)
            self._composer.cursors.append(opened)
        parts = self._parts(owner, own, opened)
        if owner is None or opened is None:
            return parts
        # A cursor in a relation goes on with the list of one record, not with everybody's.
        theirs = sa.literal(OpenedKey(opened, -1), sa.Uuid())
        argument = "before" if self._walk.backward else "after"
        foreign = ForeignCursor(self._relation, (*path, argument))
        return sa.case((owner.c.id == theirs, parts), else_=self._composer.mark(foreign))

    def _parts(
        self,
        owner: sa.FromClause | None,
        own: Sequence[sa.ColumnElement[bool]],
        opened: Opened | None,
    ) -> Column:
        counted = [part for part in self._asked if isinstance(part, CountPart)]
        paged = [part for part in self._asked if isinstance(part, (NodesPart, EdgesPart, InfoPart))]
        froms: list[sa.Subquery] = []
        columns: dict[str, Column] = {}
        if paged:
            page = self._page(owner, own, opened, paged)
            froms.append(page)
            columns.update({part.key: page.c[f"p{n}"] for n, part in enumerate(paged)})
        if counted:
            total = self._listing.counted(TOTAL_MAX + 1, own, owner)
            count = _correlated(total, owner).subquery()
            froms.append(count)
            columns.update({part.key: _count(part, count.c.total) for part in counted})
        for part in self._asked:
            if isinstance(part, ConstantPart):
                columns[part.key] = sa.literal_column(f"'{part.text}'", sa.Text())
        entries = [(part.key, columns[part.key]) for part in self._asked]
        query = sa.select(self._composer.entries(entries))
        if froms:
            joined: sa.FromClause = froms[0]
            for other in froms[1:]:
                joined = sa.join(joined, other, sa.true())
            query = query.select_from(joined)
        return _correlated(query, owner).scalar_subquery()

    def _page(
        self,
        owner: sa.FromClause | None,
        own: Sequence[sa.ColumnElement[bool]],
        opened: Opened | None,
        asked: Sequence[Part],
    ) -> sa.Subquery:
        """Return one row with the JSON of each part that needs the records of the page."""
        listing, size = self._listing, self._walk.size
        more = list(own)
        if opened is not None:
            keys = self._walk.keys(listing.keys)
            values = [OpenedKey(opened, position) for position in range(len(keys))]
            more.append(after(keys, values))
        needs_more = any(
            name in _MORE for part in asked if isinstance(part, InfoPart) for _, name in part.items
        )
        marked = self._needs_keys(asked)
        columns: list[Column] = [*listing.table.c]
        if marked or self._walk.backward:
            columns += [key.column.label(f"key {n}") for n, key in enumerate(listing.keys)]
        rows = listing.page(columns, more, size + 1 if needs_more else size)
        page: sa.FromClause = _correlated(rows, owner).subquery()
        if needs_more or marked or self._walk.backward:
            page = (
                sa.select(
                    *page.c,
                    sa.func.row_number().over().label("row"),
                    sa.func.count().over().label("rows"),
                )
                .select_from(page)
                .subquery()
            )
        parts = [
            self._part(part, page, owner, opened, cut=needs_more).label(f"p{n}")
            for n, part in enumerate(asked)
        ]
        # Always one row, also where no part aggregates: HAVING says so.
        query = sa.select(*parts).select_from(page).having(sa.true())
        return _correlated(query, owner).subquery()

    def _part(
        self,
        part: Part,
        page: sa.FromClause,
        owner: sa.FromClause | None,
        opened: Opened | None,
        *,
        cut: bool,
    ) -> Column:
        match part:
            case NodesPart():
                node = self._composer.object(self._entity, page, part.selection)
                return self._listed(node, page, cut=cut)
            case EdgesPart():
                entries: list[tuple[str, Column]] = []
                for key, what in part.items:
                    if what is None:
                        entries.append((key, self._cursor(page, owner)))
                    elif isinstance(what, str):
                        entries.append((key, sa.literal_column(f"'{what}'", sa.Text())))
                    else:
                        entries.append((key, self._composer.object(self._entity, page, what)))
                return self._listed(self._composer.entries(entries), page, cut=cut)
            case InfoPart():
                infos = [
                    (key, self._info(name, page, owner, started=opened is not None))
                    for key, name in part.items
                ]
                return self._composer.entries(infos)
            case _:
                raise TypeError(f"{type(part).__name__} is not of the page's records")

    def _listed(self, node: Column, page: sa.FromClause, *, cut: bool) -> Column:
        """Aggregate the records of the page, in the list's order."""
        if self._walk.backward:
            keys = [key.sorted(page.c[f"key {n}"]) for n, key in enumerate(self._listing.keys)]
            listed = sa.func.json_agg(aggregate_order_by(node, *keys))
        else:
            listed = sa.func.json_agg(node)
        kept = sa.funcfilter(listed, page.c.row <= self._size()) if cut else listed
        return sa.func.coalesce(kept, sa.literal_column("'[]'", sa.JSON()))

    def _info(
        self, name: str, page: sa.FromClause, owner: sa.FromClause | None, *, started: bool
    ) -> Column:
        """Return one value of pageInfo."""
        backward = self._walk.backward
        more = sa.func.count() > self._size()
        if name in _MORE:
            ahead = (name == "hasNextPage") != backward
            return more if ahead else sa.literal_column("true" if started else "false")
        if name not in ("startCursor", "endCursor"):
            return sa.literal_column("'PageInfo'", sa.Text())
        if not self._walk.size:  # the record that is read is not of the page
            return sa.null()
        first = (name == "startCursor") != backward
        last = sa.func.least(page.c.rows, self._size())
        chosen = page.c.row == (sa.literal_column("1") if first else last)
        marks = sa.funcfilter(sa.func.json_agg(self._cursor(page, owner)), chosen)
        return sa.func.json_extract_path(marks, sa.literal_column("'0'"))

    def _cursor(self, page: sa.FromClause, owner: sa.FromClause | None) -> Column:
        keys = [
            spelt_kind(_stored(key), page.c[f"key {n}"]) for n, key in enumerate(self._listing.keys)
        ]
        if owner is not None:
            keys.append(owner.c.id)
        return self._composer.mark(self._place, *keys)

    def _size(self) -> Column:
        return sa.literal_column(str(self._walk.size), sa.Integer())

    def _needs_keys(self, asked: Sequence[Part]) -> bool:
        for part in asked:
            if isinstance(part, EdgesPart) and any(what is None for _, what in part.items):
                return True
            if isinstance(part, InfoPart) and any("Cursor" in name for _, name in part.items):
                return True
        return False


def _stored(key: Key) -> Kind:
    """Return the kind a key is spelt by: an enum by its stored value."""
    return Kind.TEXT if key.kind is Kind.ENUM else key.kind


def _count(part: CountPart, total: Column) -> Column:
    most = sa.literal_column(str(TOTAL_MAX), sa.Integer())
    return sa.func.least(total, most) if part.what == "total" else total <= most


def _correlated(query: sa.Select[Any], owner: sa.FromClause | None) -> sa.Select[Any]:
    return query if owner is None else query.correlate(owner)
