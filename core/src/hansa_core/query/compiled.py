"""A compiled plan: the statement of a read, what each request puts into it, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import sqlalchemy as sa

from hansa_core.query.late import Request, Taken
from hansa_core.query.places import Site, fill
from hansa_core.storage.statements import Statement, compile_statement
from hansa_core.storage.transaction import Session


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """One statement that answers several parts of a read, each as JSON text.

    `late` are the parameters each request brings, by name; `sites` the places Python fills.
    """

    statement: Statement
    late: tuple[tuple[str, Taken], ...]
    sites: tuple[Site, ...]
    _wider: dict[str, Statement] = field(default_factory=dict[str, Statement], repr=False)

    @classmethod
    def of(cls, parts: Sequence[sa.ColumnElement[Any]], sites: Sequence[Site]) -> Compiled:
        """Compile the expressions of the parts."""
        return cls.over(sa.select(*(part.label(f"r{n}") for n, part in enumerate(parts))), sites)

    @classmethod
    def over(cls, query: sa.Executable, sites: Sequence[Site]) -> Compiled:
        """Compile a whole statement."""
        statement = compile_statement(query)
        late = {name: value for name, value in statement.defaults.items() if _is_late(value)}
        return cls(statement, tuple(cast("Mapping[str, Taken]", late).items()), tuple(sites))

    def within(self, kind: str, widen: Callable[[Statement], Statement]) -> Statement:
        """Return the statement as part of a wider one, which is made once of each kind."""
        known = self._wider.get(kind)
        if known is None:
            known = self._wider[kind] = widen(self.statement)
        return known

    def bound(self, request: Request) -> dict[str, object]:
        """Return the request's parameters; raises Invalid and LimitExceeded for bad ones."""
        known = request.memo.get(self)
        if known is None:
            known = {name: value.take(request) for name, value in self.late}
            request.memo[self] = known
        return cast("dict[str, object]", known)

    async def fetch(self, session: Session, request: Request) -> Sequence[object]:
        """Run the statement; return what it wrote for each part."""
        rows = await session.fetch(self.statement, self.bound(request))
        return list(rows[0].values())

    def text(self, found: Sequence[object], position: int, request: Request) -> bytes:
        """Return the JSON of one part, completed by Python.

        Raises Invalid for a cursor of one record's list that was given for another's.
        """
        text = cast("bytes | None", found[position])
        if text is None:
            return b"null"
        if not self.sites:
            return text
        return fill(text.decode(), self.sites, request).encode()


def _is_late(value: object) -> bool:
    return hasattr(value, "take")
