"""One tenant with one table, and a superuser who can end its connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from hansa_core.storage.database import Database
from hansa_core.storage.statements import TENANT_SCHEMA
from hansa_core.storage.transaction import Session, Tenant
from hansa_core.tenants.directory import create_tenant
from hansa_core.tenants.installation import prepare_directory
from hansa_core.tenants.logins import prepare_app_login
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.databases import fresh_database

NOTE = sa.table(
    "note",
    sa.column("id", sa.Integer),
    sa.column("body", sa.Text),
    sa.column("amount", sa.Numeric),
    schema=TENANT_SCHEMA,
)
BODY_LATE = "late"
"""A note of this text keeps COMMIT busy for half a minute."""
_TABLE = f"""
CREATE TABLE note (id int PRIMARY KEY, body text NOT NULL DEFAULT '', amount numeric(4, 2));
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM set_config('statement_timeout', '0', true), pg_sleep(30); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.body = '{BODY_LATE}') EXECUTE FUNCTION dawdle();
"""


@dataclass(frozen=True)
class Store:
    """The pool under test; `owner` sees and ends what the server does for it."""

    database: Database
    tenant: Tenant
    owner_url: str
    app_url: str

    @contextmanager
    def owner(self) -> Generator[psycopg.Cursor]:
        """Open a connection of a superuser, each of its statements on its own."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            with connection.cursor() as cursor:
                path = sql.SQL("SET search_path = {}").format(sql.Identifier(self.tenant.schema))
                cursor.execute(path)
                yield cursor

    def kill(self, *, doing: str = "") -> int:
        """End the application's connections whose last statement begins so; return how many."""
        with self.owner() as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename LIKE '%%_app'"
                " AND (%s = '' OR (state = 'active' AND query LIKE %s))",
                (doing, f"{doing}%"),
            )
            return owner.rowcount

    def ids(self) -> list[int]:
        """Return the notes that were committed."""
        with self.owner() as owner:
            owner.execute("SELECT id FROM note ORDER BY id")
            return [cast(int, row[0]) for row in owner.fetchall()]


async def add(session: Session, number: int, body: str = "") -> None:
    """Write a note."""
    await session.execute(sa.insert(NOTE).values(id=number, body=body))


@pytest.fixture(scope="session")
async def shared_store(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Store]:
    with fresh_database(postgres_url) as url:
        with owner_engine(url) as engine:
            prepare_directory(engine)
            app_url = prepare_app_login(engine, url, tmp_path_factory.mktemp("home"))
            tenant = create_tenant(engine, "main")
            with engine.begin() as connection:
                connection.exec_driver_sql(f'SET LOCAL search_path = "{tenant.schema}"')
                connection.exec_driver_sql(_TABLE)
        database = await Database.connect(app_url, size_max=3)
        try:
            yield Store(database, tenant, url, app_url)
        finally:
            await database.close()


@pytest.fixture
def store(shared_store: Store) -> Store:
    """The shared tenant without notes."""
    with shared_store.owner() as owner:
        owner.execute("TRUNCATE note")
    return shared_store
