"""What a request is told beside its answer: what it noted while it was answered."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

from graphql.execution.values import VariableValues

from hansa_core.caller import Caller
from hansa_core.clock import Clock
from hansa_core.graphql.operation import Asked
from hansa_core.graphql.plans import Plan
from hansa_core.graphql.request import Platform
from hansa_core.graphql.root_fields import Root
from hansa_core.graphql.roots import Wanted, places_of, wanted
from hansa_core.graphql.selection import Question
from hansa_core.query.compiled import Compiled
from hansa_core.query.counted import counting
from hansa_core.query.cursor import CursorSealer
from hansa_core.query.late import Request
from hansa_core.records.unit import UnitOfWork
from hansa_core.storage.transaction import Ran, Session
from hansa_sdk import Denied

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Planned:
    """An operation with its plan: for whom, with which variables, and whether it was kept."""

    asked: Asked
    caller: Caller
    variables: VariableValues
    request: Request
    plan: Plan
    cached: bool

    def roots(self) -> dict[str, Wanted]:
        """Return what the root fields of the plan's statement ask for, by response key."""
        asked, name = self.asked, self.asked.root.name
        question = Question(
            asked.compiled.api, asked.compiled.schema, asked.fragments, self.variables
        )
        return {
            key: wanted(
                question,
                self.caller,
                name,
                cast(Root, asked.root.fields[nodes[0].name.value].extensions["root"]),
                nodes,
            )
            for key, nodes in self.plan.parts
        }

    def counting(self, *, answers: bool) -> Compiled:
        """Return the plan's statement with the number of records, or (not `answers`) only that."""
        assert self.plan.statement is not None
        places = [tuple(places_of(each)) for each in self.roots().values()]
        return counting(self.plan.statement, places, answers=answers)


class Notes:
    """What is noted of one request. `wants` are the names of wire.TOLD that it asks for.

    `ran` are the statements of its answer, `seconds` how long each step took.
    """

    def __init__(self, wants: frozenset[str] = frozenset()) -> None:
        self.wants = wants
        self.planned: Planned | None = None
        self.statement: Compiled | None = None
        self.rows: int | None = None
        self.ran: list[Ran] = []
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, step: str) -> None:
        """Note that a step ended just now, and that the next begins."""
        now = time.perf_counter()
        self.seconds[step] = now - self._since
        self._since = now

    def platform(self, platform: Platform) -> Platform:
        """Return the platform to answer with: one that is watched where that is asked for."""
        return Watched(platform, self.ran.append) if "explain" in self.wants else platform

    def text(self, plan: Plan) -> Compiled:
        """Return the statement to answer a plan with: one that counts where that is asked for."""
        assert plan.statement is not None
        counts = "rows" in self.wants and self.planned is not None
        self.statement = plan.statement
        if counts:
            self.statement = cast(Planned, self.planned).counting(answers=True)
        return self.statement

    def count(self, found: Sequence[object]) -> None:
        """Note the number of records, the last value of a statement that counts."""
        if "rows" in self.wants:
            self.rows = cast(int, found[-1])


def check_may_explain(caller: Caller) -> None:
    """Raise Denied for who may not see how his requests are answered.

    Only administrators may, and no key that is for persisted documents alone.
    """
    principal = caller.principal
    if principal.administers and principal.documents is None:
        return
    found = ", ".join(principal.roles) or "no role"
    raise Denied(
        f"Explaining a request needs the role system.administrator, found {found}.",
        next_step='Leave out "explain", or let an administrator ask.',
    )


class Watched:
    """A platform of one request, of whose statements it is told."""

    def __init__(self, platform: Platform, ran: Callable[[Ran], None]) -> None:
        self._platform = platform
        self._ran = ran

    @property
    def clock(self) -> Clock:
        """Tells the time."""
        return self._platform.clock

    @property
    def cursors(self) -> CursorSealer:
        """Seals cursors."""
        return self._platform.cursors

    @asynccontextmanager
    async def read(self, caller: Caller) -> AsyncGenerator[UnitOfWork]:
        """Open a read-only transaction."""
        async with self._platform.read(caller) as unit:
            with unit.session.watched(self._ran):
                yield unit

    @asynccontextmanager
    async def looking(self, caller: Caller) -> AsyncGenerator[Session]:
        """Borrow a connection for single reading statements."""
        async with self._platform.looking(caller) as session:
            with session.watched(self._ran):
                yield session

    async def write(
        self,
        caller: Caller,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        timeout_seconds: float = 5,
    ) -> T:
        """Run `work` in a transaction, again after a conflict."""

        async def watched(unit: UnitOfWork) -> T:
            with unit.session.watched(self._ran):
                return await work(unit)

        return await self._platform.write(caller, watched, timeout_seconds=timeout_seconds)
