"""The GraphQL interface on a world of rows that many operations share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NoReturn, TypeVar

import pytest
import sqlalchemy as sa
from graphql import GraphQLSchema

from hansa_core.caller import Caller
from hansa_core.clock import Clock, FixedClock
from hansa_core.events.tables import EventTables, event_tables
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.schemas import Schemas
from hansa_core.query.cursor import CursorSealer
from hansa_core.query.reader import Reader
from hansa_core.records.unit import UnitOfWork
from hansa_core.storage.transaction import Session
from tests.core.query.conftest import NOW, Probe

T = TypeVar("T")


@dataclass
class Kept:
    """Where the schemas are kept."""

    schemas: Schemas = field(default_factory=Schemas)


@dataclass
class Held:
    """A platform whose reads share the one open transaction that holds a world's rows."""

    cursors: CursorSealer
    events: EventTables = field(default_factory=lambda: event_tables(sa.MetaData()))
    clock: Clock = field(default_factory=lambda: FixedClock(NOW))
    shapes: Kept = field(default_factory=Kept)
    session: Session | None = None

    @asynccontextmanager
    async def read(self, caller: Caller) -> AsyncGenerator[UnitOfWork]:
        """Give the held transaction."""
        assert self.session is not None
        reader = Reader(self.session, caller, self.cursors, self.clock)
        yield UnitOfWork(self.session, caller, reader, self.clock)

    @asynccontextmanager
    async def looking(self, caller: Caller) -> AsyncGenerator[Session]:
        """Give the held transaction for single statements."""
        assert self.session is not None
        yield self.session

    def writing(self, caller: Caller) -> NoReturn:
        """Refuse: as below."""
        raise AssertionError("nothing is written here")

    async def write(
        self,
        caller: Caller,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        timeout_seconds: float = 5,
    ) -> NoReturn:
        """Refuse: the world is only read."""
        raise AssertionError("nothing is written here")


@pytest.fixture(scope="session")
def held(probe: Probe) -> Held:
    return Held(probe.cursors)


@pytest.fixture(scope="session")
def engine(held: Held) -> GraphQL:
    return GraphQL(held)


@pytest.fixture(scope="session")
async def schema(held: Held, probe: Probe) -> GraphQLSchema:
    return (await held.shapes.schemas.of(probe.shape)).schema
