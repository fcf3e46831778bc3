"""A tenant with contacts and crm for imports, and files written for one test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform
from hansa_core.transfer import ImportOptions, ImportReport, plan_import, run_import

Importer = Callable[..., Awaitable[ImportReport]]
Rows = list[dict[str, object]]


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant("crm")


@pytest.fixture
def importer(platform: Platform, tenant: Tenant, tmp_path: Path) -> Importer:
    """Import a text, or a file, as `hansa import` does: `await importer(text, by="name")`."""

    async def run(
        file: str | Path,
        entity: str = "contacts.party",
        *,
        name: str = "file.csv",
        mapping: dict[str, str] | None = None,
        constants: dict[str, str] | None = None,
        source: str | None = None,
        by: str | None = None,
        dry_run: bool = False,
        skip_errors: bool = False,
    ) -> ImportReport:
        if isinstance(file, str):
            path = tmp_path / name
            path.write_text(file, encoding="utf-8", newline="")
        else:
            path = file
        options = ImportOptions(mapping or {}, constants or {}, source, by, dry_run, skip_errors)
        caller = await platform.runtime.system_caller(tenant, f"import {path.name}")
        plan = plan_import(caller.shape, path, entity, options)
        return await run_import(platform.runtime, caller, plan, options)

    return run


@pytest.fixture
def records(platform: Platform, tenant: Tenant) -> Callable[[str], Awaitable[Rows]]:
    """Read all records of an entity, oldest first."""

    async def read(entity: str) -> Rows:
        caller = await platform.runtime.system_caller(tenant, "test")
        async with platform.runtime.read(caller) as unit:
            order = (caller.shape.entity(entity).cls.id.ascending(),)
            return await unit.reader.rows(entity, None, order, 10_000)

    return read


@pytest.fixture
def event_count(platform: Platform, tenant: Tenant) -> Callable[[], Awaitable[int]]:
    """Count the events of the tenant."""

    async def count() -> int:
        import sqlalchemy as sa

        async with platform.runtime.database.transaction(tenant, read_only=True) as session:
            table = platform.runtime.events.event
            value = await session.fetch_value(sa.select(sa.func.count()).select_from(table))
        assert isinstance(value, int)
        return value

    return count
