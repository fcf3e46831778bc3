"""A tenant with a ledger on a real database: owner, application login and tenant role apart."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from hansa_core.clock import Clock, SystemClock
from hansa_core.events.crypto import Keyring
from hansa_core.events.record import Change, Origin, record_events
from hansa_core.events.sealer import seal_once
from hansa_core.events.tables import APPEND_ONLY, EventTables, event_tables
from hansa_core.storage.database import Database
from hansa_core.storage.statements import TENANT_SCHEMA
from hansa_core.storage.transaction import Session, Tenant

ORIGIN = Origin(actor_id=uuid.UUID(int=1), cause="test")


@dataclass(frozen=True)
class Ledger:
    """One tenant's ledger and what is needed to write, seal and damage it."""

    database: Database
    tenant: Tenant
    tables: EventTables
    owner_url: str
    keyring: Keyring = field(default_factory=lambda: Keyring(b"k" * 32))
    clock: Clock = field(default_factory=SystemClock)

    async def record(self, *changes: Change) -> list[uuid.UUID]:
        """Write events in a transaction of their own."""
        async with self.database.transaction(self.tenant) as session:
            return await self.record_in(session, *changes)

    async def record_in(self, session: Session, *changes: Change) -> list[uuid.UUID]:
        """Write events into an open transaction."""
        return await record_events(session, self.tables, self.keyring, changes, ORIGIN, self.clock)

    async def seal(self) -> int:
        """Seal until nothing waits; return how many were sealed."""
        total = 0
        while sealed := await seal_once(self.database, self.tenant, self.tables):
            total += sealed
        return total

    @contextmanager
    def owner(self) -> Generator[psycopg.Cursor]:
        """Open a transaction of a superuser whom no key, check or trigger stops."""
        with psycopg.connect(self.owner_url) as connection, connection.cursor() as cursor:
            schema = sql.Identifier(self.tenant.schema)
            cursor.execute(sql.SQL("SET LOCAL search_path = {}").format(schema))
            cursor.execute("SET LOCAL session_replication_role = replica")
            yield cursor


def changed(
    record_id: uuid.UUID, version: int, name: str = "name", entity: str = "crm.deal"
) -> Change:
    return Change(
        type=f"{entity}.updated",
        entity=entity,
        record_id=record_id,
        record_version=version,
        before={"name": f"{name} {version - 1}"},
        after={"name": f"{name} {version}"},
    )


@pytest.fixture(scope="session")
def tables() -> EventTables:
    return event_tables(sa.MetaData())


@pytest.fixture(scope="session")
def app_login(database_url: str) -> Iterator[str]:
    """URL of an application login that owns nothing and inherits nothing."""
    name, password = f"hansa_test_{uuid.uuid4().hex[:12]}_app", uuid.uuid4().hex
    with psycopg.connect(database_url, autocommit=True) as owner:
        role = sql.Identifier(name)
        owner.execute(
            sql.SQL("CREATE ROLE {} LOGIN NOINHERIT PASSWORD {}").format(
                role, sql.Literal(password)
            )
        )
        database = sql.Identifier(owner.info.dbname)
        owner.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role))
        yield _with_login(database_url, name, password)
        owner.execute(sql.SQL("DROP OWNED BY {}").format(role))
        owner.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture(scope="session")
async def database(app_login: str) -> AsyncIterator[Database]:
    database = await Database.connect(app_login, size_max=20)
    yield database
    await database.close()


@pytest.fixture
def make_ledger(
    database: Database, database_url: str, app_login: str, tables: EventTables
) -> Iterator[Callable[[], Ledger]]:
    """Make ledgers of as many tenants as a test needs; drop them after it."""
    made: list[Tenant] = []
    app = urlsplit(app_login).username or ""

    def make() -> Ledger:
        name = f"t_{uuid.uuid4().hex[:12]}"
        tenant = Tenant(uuid.uuid4(), name, name, f"hansa_test_{name}")
        _create(database_url, tenant, app, tables)
        made.append(tenant)
        return Ledger(database, tenant, tables, database_url)

    yield make
    with psycopg.connect(database_url, autocommit=True) as owner:
        for tenant in made:
            schema, role = sql.Identifier(tenant.schema), sql.Identifier(tenant.role)
            owner.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(schema))
            owner.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture
def ledger(make_ledger: Callable[[], Ledger]) -> Ledger:
    return make_ledger()


def _create(owner_url: str, tenant: Tenant, app: str, tables: EventTables) -> None:
    schema, role = sql.Identifier(tenant.schema), sql.Identifier(tenant.role)
    with psycopg.connect(owner_url) as owner:
        owner.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        owner.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        owner.execute(sql.SQL("GRANT {} TO {}").format(role, sql.Identifier(app)))
        owner.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
        owner.commit()
        engine = sa.create_engine(owner_url.replace("postgresql:", "postgresql+psycopg:", 1))
        with engine.begin() as connection:
            translated = connection.execution_options(
                schema_translate_map={TENANT_SCHEMA: tenant.schema}
            )
            tables.event.metadata.create_all(translated)
        engine.dispose()
        owner.execute(sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA {} TO {}").format(schema, role))
        for name, privileges in APPEND_ONLY:
            revoke = (
                f'REVOKE {", ".join(privileges)} ON "{tenant.schema}".{name} FROM "{tenant.role}"'
            )
            owner.execute(revoke.encode())


def _with_login(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{host}"))
