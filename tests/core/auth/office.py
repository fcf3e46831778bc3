"""A database with two tenants on which plugin `system` is enabled, and people in them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from hansa_core.auth.identify import Identified, Identifier
from hansa_core.auth.passwords import Passwords
from hansa_core.auth.principal import Principal
from hansa_core.auth.tokens import Credential
from hansa_core.caller import Caller
from hansa_core.clock import FixedClock
from hansa_core.migrate.columns import declared_tables
from hansa_core.model.shape import Shape
from hansa_core.plugins.compile import compile_shape
from hansa_core.runtime import Runtime
from hansa_core.shapes import Shapes
from hansa_core.storage.database import Database
from hansa_core.storage.statements import TENANT_SCHEMA
from hansa_core.storage.transaction import Tenant
from hansa_core.system.accounts import create_user, sync_roles
from hansa_core.system.plugin import plugin
from hansa_core.tenants.databases import drop_database, ensure_database
from hansa_core.tenants.directory import create_tenant
from hansa_core.tenants.installation import prepare_directory
from hansa_core.tenants.logins import prepare_app_login
from hansa_core.tenants.owner import owner_engine

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Office:
    """What tests of accounts and signing in share."""

    runtime: Runtime
    database: Database
    tenant: Tenant
    other: Tenant
    shape: Shape
    clock: FixedClock
    passwords: Passwords = field(
        default_factory=lambda: Passwords(memory_kib=64, passes=1)  # quick: not what is tested
    )

    def administrator(self, tenant: Tenant | None = None) -> Caller:
        """Return the kernel itself as a caller."""
        return self.runtime.caller(tenant or self.tenant, Principal.system("test"), self.shape)

    async def add_user(
        self, *roles: str, password: str | None = None, tenant: Tenant | None = None
    ) -> tuple[UUID, str]:
        """Create a user with roles; return id and e-mail address."""
        email = f"{uuid.uuid4().hex[:12]}@example.org"
        hashed = await self.passwords.hash(password) if password is not None else None
        user = await self.runtime.write(
            self.administrator(tenant),
            lambda unit: create_user(
                unit, email=email, name="Ada Example", password_hash=hashed, roles=roles
            ),
        )
        return user.id, email

    async def identify(self, credential: Credential, tenant: Tenant | None = None) -> Identified:
        """Look a credential up; check that it took one statement."""
        transaction = self.database.transaction(tenant or self.tenant, read_only=True)
        async with transaction as session:
            identified = await Identifier().identify(session, credential, self.clock.now())
            assert session.statement_count == 1
            return identified


@asynccontextmanager
async def open_office(postgres_url: str, home: Path) -> AsyncGenerator[Office]:
    """Make the database and drop it after."""
    name = f"hansa_test_{uuid.uuid4().hex[:12]}"
    url = ensure_database(postgres_url, name, made_by="test")
    shape = compile_shape([plugin])
    try:
        with owner_engine(url) as engine:
            prepare_directory(engine)
            app_url = prepare_app_login(engine, url, home)
            main, other = create_tenant(engine, "main"), create_tenant(engine, "other")
            for tenant in (main, other):
                _make_tables(engine, tenant, shape)
        database = await Database.connect(app_url)
        clock = FixedClock(datetime(2026, 11, 21, 9, tzinfo=UTC))
        runtime = Runtime(database, Shapes({"system": plugin}), b"k" * 32, clock=clock)
        office = Office(runtime, database, main, other, shape, clock)
        try:
            for tenant in (main, other):
                await runtime.write(
                    office.administrator(tenant), lambda unit: sync_roles(unit, shape.roles)
                )
            yield office
        finally:
            await database.close()
    finally:
        drop_database(postgres_url, name, made_by="test")


def _make_tables(engine: sa.Engine, tenant: Tenant, shape: Shape) -> None:
    metadata = declared_tables(shape)
    with engine.connect() as plain:
        connection = plain.execution_options(
            schema_translate_map={str(TENANT_SCHEMA): tenant.schema}
        )
        metadata.create_all(connection)
        connection.commit()
