"""Page requests: their limits, walked forward or backward, and pages cut from fetched rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, overload
from uuid import UUID

from hansa_core.caller import Caller
from hansa_core.query.cursor import CursorScope, CursorSealer
from hansa_core.query.keyset import Key
from hansa_core.query.plan import Page, PageRequest
from hansa_core.query.projection import Node, Row
from hansa_sdk import Invalid, LimitExceeded, Order

PAGE_DEFAULT: Final = 50
PAGE_NESTED_DEFAULT: Final = 20
"""How many records of a relation are answered for each record when no size is asked."""
PAGE_MAX: Final = 200
TOTAL_MAX: Final = 10_000
"""Up to here totals are counted."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Which way a page goes, how many records it holds, and the cursor it starts at."""

    size: int
    backward: bool
    cursor: str | None

    @property
    def limit(self) -> int:
        """How many rows to fetch: one more than the page holds, to know whether there are more."""
        return self.size + 1

    def keys(self, keys: Sequence[Key]) -> tuple[Key, ...]:
        """Return the keys in the direction of the walk."""
        return tuple(key.reversed() for key in keys) if self.backward else tuple(keys)


def walk_of(request: PageRequest, default: int = PAGE_DEFAULT) -> Walk:
    """Check first, after, last and before.

    Raises LimitExceeded past 200 records, Invalid for a negative size or a mixture of directions.
    """
    backward = request.last is not None or request.before is not None
    if backward and (request.first is not None or request.after is not None):
        raise Invalid(
            "A page is asked by first and after, or by last and before, not by both.",
            next_step="Leave out one pair.",
            path=("last" if request.last is not None else "before",),
        )
    name = "last" if backward else "first"
    size = request.last if backward else request.first
    size = default if size is None else size
    if size < 0:
        raise Invalid(f"{name} is {size}; expected 0 or more.", path=(name,))
    if size > PAGE_MAX:
        raise LimitExceeded(
            f"{name} is {size}; a page has at most {PAGE_MAX} records.",
            next_step="Ask for the next page with its cursor.",
            path=(name,),
        )
    return Walk(size, backward, request.before if backward else request.after)


Paged: TypeAlias = tuple[Page, list[Row]]
"""A page and the rows its nodes were made of."""


class LazyCursors(Sequence[str]):
    """The cursors of a page's rows, each sealed when it is asked for: most never are."""

    def __init__(
        self,
        rows: Sequence[Row],
        labels: Sequence[str],
        scope: CursorScope,
        sealer: CursorSealer,
    ) -> None:
        self._rows = rows
        self._labels = labels
        self._scope = scope
        self._sealer = sealer

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return LazyCursors(self._rows[index], self._labels, self._scope, self._sealer)
        row = self._rows[index]
        return self._sealer.seal([row[label] for label in self._labels], self._scope)


@dataclass(frozen=True, slots=True)
class PageCutter:
    """Makes pages of the rows of one statement; `labels` are the columns of the order's keys."""

    walk: Walk
    labels: tuple[str, ...]
    make: Callable[[Row], Node]
    cursors: CursorSealer

    def cut(self, rows: Sequence[Row], scope: CursorScope, total: int | None) -> Paged:
        """Make the page of one list from its rows, fetched in the direction of the walk."""
        kept = list(rows[: self.walk.size])
        more, started = len(rows) > self.walk.size, self.walk.cursor is not None
        if self.walk.backward:
            kept.reverse()
        page = Page(
            nodes=[self.make(row) for row in kept],
            cursors=LazyCursors(kept, self.labels, scope, self.cursors),
            has_next=started if self.walk.backward else more,
            has_previous=more if self.walk.backward else started,
            total=None if total is None else min(total, TOTAL_MAX),
            total_exact=total is None or total <= TOTAL_MAX,
        )
        return page, kept


def scope_of(
    caller: Caller, entity: str, request: PageRequest, order: Sequence[Order], parent: UUID | None
) -> CursorScope:
    """Return what the cursors of a list are bound to."""
    principal = caller.principal
    identity = f"key {principal.key_id}" if principal.key_id else f"user {principal.user_id}"
    filtered = repr((request.where, request.search, request.with_archived))
    return CursorScope(
        caller.tenant.id,
        identity,
        entity,
        repr(tuple(order)),
        hashlib.sha256(filtered.encode("utf-8", "backslashreplace")).hexdigest(),
        parent,
    )
