"""A tenant with contacts and crm on a real database, and callers with the plugins' roles."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from uuid import UUID

from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from hansa_contacts.plugin import plugin as contacts
from hansa_core.auth.principal import Principal
from hansa_core.caller import Caller
from hansa_core.clock import FixedClock
from hansa_core.model.shape import Shape
from hansa_core.plugins.compile import compile_shape
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.runtime import Runtime
from hansa_core.shapes import Shapes
from hansa_core.storage.database import Database
from hansa_core.storage.tables import build_metadata
from hansa_core.storage.transaction import Tenant
from hansa_core.system.plugin import plugin as system
from hansa_core.system.tables import kernel_tables
from hansa_core.tenants.directory import create_tenant
from hansa_core.tenants.installation import prepare_directory
from hansa_core.tenants.logins import prepare_app_login
from hansa_core.tenants.owner import owner_engine
from hansa_crm.plugin import plugin as crm
from hansa_sdk import Predicate

Row = Mapping[str, object]

PLUGINS = (system, contacts, crm)


@dataclass(frozen=True)
class Company:
    """One tenant, the kernel on it, and short ways to act on it as somebody."""

    runtime: Runtime
    tenant: Tenant
    shape: Shape

    @property
    def kernel(self) -> Caller:
        """The kernel itself, who may do everything."""
        return self.runtime.caller(self.tenant, Principal.system("test"), self.shape)

    async def user(self, *roles: str, teams: tuple[UUID, ...] = ()) -> Caller:
        """Make a user and return them as a caller with these roles and teams."""
        email = f"{uuid.uuid4().hex}@demo.example"
        row = await self.create(self.kernel, "system.user", name="Somebody", email=email)
        principal = Principal(row_id(row), roles=tuple(sorted(roles)), teams=teams)
        return self.runtime.caller(self.tenant, principal, self.shape)

    async def create(self, caller: Caller, entity: str, **values: object) -> Row:
        """Create one record in a transaction of its own."""
        return (await self.create_all(caller, entity, values))[0]

    async def create_all(self, caller: Caller, entity: str, *rows: Row) -> list[Row]:
        """Create records in one transaction."""

        async def work(unit: UnitOfWork) -> list[Row]:
            return [*await unit.create_rows(entity, rows)]

        return await self.runtime.write(caller, work)

    async def update(self, caller: Caller, entity: str, id: UUID, **values: object) -> Row:
        """Change one record, whatever its version."""

        async def work(unit: UnitOfWork) -> Row:
            return (await unit.update_rows(entity, [RowUpdate(id, None, values)]))[0]

        return await self.runtime.write(caller, work)

    async def delete(self, caller: Caller, entity: str, id: UUID) -> None:
        """Delete one record, whatever its version."""

        async def work(unit: UnitOfWork) -> None:
            await unit.delete_rows(entity, [(id, None)])

        await self.runtime.write(caller, work)

    async def act(self, caller: Caller, name: str, id: UUID, **arguments: object) -> list[str]:
        """Run the action plugin.noun.name on a record; return the types of its events."""
        entity, _, verb = name.rpartition(".")
        action = next(each for each in self.shape.actions[entity] if each.name == verb)

        async def work(unit: UnitOfWork) -> list[str]:
            await unit.run_action(action, id, arguments)
            return [change.type for change in unit.events()]

        return await self.runtime.write(caller, work)

    async def rows(self, caller: Caller, entity: str, where: Predicate | None = None) -> list[Row]:
        """Read the records a caller may see."""
        async with self.runtime.read(caller) as unit:
            return [*await unit.reader.rows(entity, where, (), 10_000)]

    async def row(self, entity: str, id: UUID) -> Row:
        """Read one record as the kernel."""
        id_of = self.shape.entity(entity).cls.id
        (row,) = await self.rows(self.kernel, entity, id_of == id)
        return row

    async def party(self, kind: str = "organisation", name: str = "") -> UUID:
        """Make a party and return its id."""
        named = name or f"{kind} {uuid.uuid4().hex[:8]}"
        return row_id(await self.create(self.kernel, "contacts.party", kind=kind, name=named))


def row_id(row: Row) -> UUID:
    """Return a row's id."""
    return cast(UUID, row["id"])


async def open_company(database_url: str, home: Path, clock: FixedClock) -> Company:
    """Make a tenant with all tables of the plugins; the caller closes the runtime."""
    shape = compile_shape(PLUGINS)
    with owner_engine(database_url) as engine:
        prepare_directory(engine)
        app_url = prepare_app_login(engine, database_url, home)
        tenant = create_tenant(engine, f"company-{uuid.uuid4().hex[:8]}")
        with engine.begin() as owner:
            for ddl in _ddl(shape, tenant.schema):
                owner.exec_driver_sql(ddl)
            owner.exec_driver_sql(
                f'GRANT ALL ON ALL TABLES IN SCHEMA "{tenant.schema}" TO "{tenant.role}"'
            )
            owner.exec_driver_sql(
                f'GRANT ALL ON ALL SEQUENCES IN SCHEMA "{tenant.schema}" TO "{tenant.role}"'
            )
    database = await Database.connect(app_url, size_max=4)
    shapes = Shapes({plugin.name: plugin for plugin in PLUGINS})
    return Company(Runtime(database, shapes, b"k" * 32, clock=clock), tenant, shape)


def _ddl(shape: Shape, schema: str) -> Iterable[str]:
    metadata = build_metadata(shape.entities)
    kernel_tables(metadata)
    for table in metadata.sorted_tables:
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements: tuple[ExecutableDDLElement, ...] = (
            CreateTable(table),
            *map(CreateIndex, indexes),
        )
        for ddl in statements:
            text = str(ddl.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves dialect constructors untyped
            yield text.replace('"__tenant__"', f'"{schema}"')
