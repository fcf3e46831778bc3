"""A tenant with the synthetic plugin's tables, and rows put into it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from hansa_core.auth.principal import Principal
from hansa_core.caller import Caller
from hansa_core.clock import FixedClock
from hansa_core.model.shape import Shape
from hansa_core.policy.grants import Grants
from hansa_core.query.cursor import CursorSealer
from hansa_core.query.late import Bindings
from hansa_core.query.reader import Reader
from hansa_core.storage.database import Database
from hansa_core.storage.tables import build_metadata
from hansa_core.storage.transaction import Session, Tenant
from hansa_core.tenants.directory import create_tenant
from hansa_core.tenants.installation import prepare_directory
from hansa_core.tenants.logins import prepare_app_login
from hansa_core.tenants.owner import owner_engine
from hansa_sdk.predicates import Everything, Predicate
from tests.core.query.plugin import shape as compile_probe

USER = uuid.UUID(int=0xA1)
TEAMS = (uuid.UUID(int=0xB1), uuid.UUID(int=0xB2))
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BINDINGS = Bindings(USER, TEAMS, NOW)

Rows = Mapping[str, Sequence[Mapping[str, object]]]


class _Undo(Exception):
    """Ends a transaction without keeping its rows."""


@dataclass(frozen=True)
class Probe:
    """A tenant of the synthetic plugin."""

    database: Database
    tenant: Tenant
    shape: Shape = field(repr=False)
    cursors: CursorSealer = field(default_factory=lambda: CursorSealer(b"q" * 32))

    def caller(self, rows: Mapping[str, Predicate] | None = None, user: uuid.UUID = USER) -> Caller:
        """Return a user who may read `rows` by entity (everything when not given)."""
        granted = {name: Everything() for name in self.shape.entities} if rows is None else rows
        return Caller(
            self.tenant,
            Principal(user, teams=TEAMS),
            self.shape,
            Grants(f"test {granted}", {(name, "read"): rule for name, rule in granted.items()}),
        )

    def reader(self, session: Session, rows: Mapping[str, Predicate] | None = None) -> Reader:
        """Return a reader of such a user."""
        return Reader(session, self.caller(rows), self.cursors, FixedClock(NOW))

    @asynccontextmanager
    async def holding(self, rows: Rows) -> AsyncGenerator[Session]:
        """Open a transaction in which the tables hold `rows`, undone at its end."""
        try:
            async with self.database.transaction(self.tenant) as session:
                for entity, listed in rows.items():
                    await session.execute_many(_insert(self.shape.table(entity)), listed)
                yield session
                raise _Undo
        except _Undo:
            pass


def full(table: sa.Table, **values: object) -> dict[str, object]:
    """Return a row with a value (mostly null) for every column."""
    system: dict[str, object] = {
        "id": uuid.uuid4(),
        "created_at": NOW,
        "updated_at": NOW,
        "archived": False,
        "version": 1,
    }
    return {column.name: (system | values).get(column.name) for column in table.columns}


def _insert(table: sa.Table) -> sa.Executable:
    return sa.insert(table).values({c.name: sa.bindparam(c.name, type_=c.type) for c in table.c})


def _ddl(shape: Shape, schema: str) -> Iterable[str]:
    for table in build_metadata(shape.entities).sorted_tables:
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements: list[sa.schema.ExecutableDDLElement] = [CreateTable(table)]
        for ddl in (*statements, *map(CreateIndex, indexes)):
            text = str(ddl.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves dialect constructors untyped
            yield text.replace('"__tenant__"', schema)


@pytest.fixture(scope="session")
async def probe(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Probe]:
    shape = compile_probe()
    home = tmp_path_factory.mktemp("home")
    with owner_engine(database_url) as engine:
        prepare_directory(engine)
        app_url = prepare_app_login(engine, database_url, home)
        tenant = create_tenant(engine, f"probe-{uuid.uuid4().hex[:8]}")
        role = tenant.role
        with engine.begin() as owner:
            for ddl in _ddl(shape, tenant.schema):
                owner.exec_driver_sql(ddl)
            owner.exec_driver_sql(f'GRANT ALL ON ALL TABLES IN SCHEMA {tenant.schema} TO "{role}"')
    database = await Database.connect(app_url, size_max=4)
    yield Probe(database, tenant, shape)
    await database.close()
