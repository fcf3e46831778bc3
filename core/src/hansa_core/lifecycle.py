"""Bringing a database, a tenant and its plugins up: directory, tables, roles, seeds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

import sqlalchemy as sa

from hansa_core.auth.principal import Principal
from hansa_core.events.tables import APPEND_ONLY
from hansa_core.migrate.columns import lacks, missing_columns
from hansa_core.migrate.steps import is_current
from hansa_core.model.instances import seed_row
from hansa_core.model.shape import Shape
from hansa_core.plugins.order import in_order, plugin_version
from hansa_core.records.unit import UnitOfWork
from hansa_core.runtime import Runtime
from hansa_core.storage.statements import TENANT_SCHEMA
from hansa_core.storage.transaction import Tenant
from hansa_core.system.accounts import sync_roles
from hansa_core.system.entities import PluginState, PluginStatus
from hansa_core.system.tables import seed_table
from hansa_core.tenants.installation import prepare_directory
from hansa_core.tenants.logins import prepare_app_login, restrict_tables
from hansa_core.tenants.owner import owner_engine
from hansa_sdk import Misconfigured, Seed

_STATE: Final = sa.table(
    "system_state", sa.column("generation", sa.BigInteger), schema=TENANT_SCHEMA
)
_LOCK_STATE: Final = sa.text(
    'INSERT INTO "__tenant__".system_state (id, generation, policy_epoch) VALUES (1, 0, 0)'
    " ON CONFLICT (id) DO UPDATE SET generation = system_state.generation"
)
_SEEDS: Final = seed_table(sa.MetaData())
_HAS_TABLES: Final = sa.text(
    """SELECT to_regclass('"__tenant__".system_plugin_state') IS NOT NULL"""
)


@dataclass(frozen=True, slots=True)
class Enabled:
    """What an enabling did: migrations applied per plugin, seeds made."""

    plugins: tuple[str, ...]
    migrations: tuple[str, ...]
    seeds: int


def prepare_database(owner_url: str, home: Path, app_url: str | None = None) -> str:
    """Make directory and application login where missing; return the login's address.

    Raises Misconfigured when the server refuses.
    """
    with owner_engine(owner_url) as engine:
        prepare_directory(engine)
        return prepare_app_login(engine, owner_url, home, app_url)


def migrate_tenant(owner_url: str, tenant: Tenant, shape: Shape) -> list[str]:
    """Bring a tenant's tables up to its plugins' newest migrations; return what was applied.

    Each step is its own transaction, so a run that was cut off goes on where it stopped. Raises
    Misconfigured when the migrations leave out what the plugins' declarations need.
    """
    plugins = in_order(list(shape.plugins.values()))
    for plugin in plugins:
        if plugin.entities and not plugin.migrations:
            raise Misconfigured(
                f"Plugin {plugin.name} has entities and does not say where its migrations are.",
                next_step="Set migrations= in its Plugin(...) to a package, then run "
                f"`hansa plugin makemigrations {plugin.name}`.",
            )
    applied: list[str] = []
    with owner_engine(owner_url) as engine, engine.connect() as connection:
        current = is_current(connection, tenant, plugins)
        connection.rollback()
        for plugin in plugins:
            if plugin.migrations and not current:
                steps = _upgrade(connection, tenant, plugin.name, plugin.migrations)
                applied.extend(f"{plugin.name}:{step}" for step in steps)
        restrict_tables(connection, tenant, APPEND_ONLY)
        connection.commit()
        _require_columns(connection, tenant, shape)
    return applied


def _upgrade(connection: sa.Connection, tenant: Tenant, plugin: str, scripts: str) -> list[str]:
    from hansa_core.migrate.runner import upgrade  # brings Alembic along, seldom needed at a start

    return upgrade(connection, tenant.schema, plugin, scripts)


def _require_columns(connection: sa.Connection, tenant: Tenant, shape: Shape) -> None:
    missing = missing_columns(connection, tenant.schema, shape)
    if missing:
        raise lacks(missing)


async def enable_plugins(
    runtime: Runtime,
    owner_url: str,
    tenant: Tenant,
    names: Sequence[str],
    *,
    demo: bool = False,
) -> Enabled:
    """Enable plugins and all they require for a tenant, with their roles and seeds.

    Raises DeclarationErrors, before anything is touched, when the set does not compile.
    """
    before = await _enabled_now(runtime, tenant)
    wanted = runtime.shapes.with_required([*before, *names])
    shape = await runtime.shapes.of(wanted)
    applied = await asyncio.to_thread(migrate_tenant, owner_url, tenant, shape)
    caller = runtime.caller(tenant, Principal.system("enable plugins"), shape)

    async def work(unit: UnitOfWork) -> int:
        # Two enablings of one tenant wait for each other here, before either looks what is new.
        await unit.session.execute(_LOCK_STATE)
        new = await sync_plugins(unit, shape)
        await sync_roles(unit, shape.roles)
        count = await plant_seeds(unit, shape, demo=demo)
        if new:
            await unit.session.execute(sa.update(_STATE).values(generation=_STATE.c.generation + 1))
        return count

    seeds = await runtime.write(caller, work, timeout_seconds=60)
    return Enabled(tuple(shape.plugins), tuple(applied), seeds)


async def _enabled_now(runtime: Runtime, tenant: Tenant) -> list[str]:
    """Return the plugins enabled so far; none when the tenant has no tables yet."""
    async with runtime.database.transaction(tenant, read_only=True) as session:
        there = await session.fetch_value(_HAS_TABLES)
    if not there:
        return []
    return list((await runtime.shape_of(tenant)).plugins)


async def sync_plugins(unit: UnitOfWork, shape: Shape) -> int:
    """Write which plugins are enabled, in what version; return how many states changed."""
    known = {state.plugin: state for state in await unit.find(PluginState, limit=1000)}
    changes = 0
    for name, plugin in shape.plugins.items():
        version = plugin_version(plugin)
        state = known.get(name)
        if state is None:
            state = PluginState(
                plugin=name,
                installed_version=version,
                status=PluginStatus.ENABLED,
                enabled_at=unit.now,
            )
        elif state.status is PluginStatus.ENABLED and state.installed_version == version:
            continue
        else:
            state.status, state.enabled_at = PluginStatus.ENABLED, unit.now
            state.installed_version = version
        await unit.save(state)
        changes += 1
    return changes


async def plant_seeds(unit: UnitOfWork, shape: Shape, *, demo: bool) -> int:
    """Create the seeds never planted on this tenant; return how many were made.

    Each is noted by its key, so a second run changes nothing and one a person deleted stays away.
    """
    found = await unit.session.fetch(sa.select(_SEEDS.c.key))
    planted = {str(row["key"]) for row in found}
    wanted = [
        seed for _, seed in shape.seeds if (demo or not seed.demo) and seed.key not in planted
    ]
    ids = {id(seed.record): _seed_id(unit, seed) for _, seed in shape.seeds}
    for entity, group in groupby(wanted, key=lambda seed: type(seed.record).__entity_name__):
        meta = shape.entity(entity)
        rows = [{**seed_row(meta, seed.record, ids), "id": ids[id(seed.record)]} for seed in group]
        await unit.writer.create(entity, rows, trusted=True)
    await unit.session.execute_many(
        sa.insert(_SEEDS).values(key=sa.bindparam("seed"), planted_at=sa.bindparam("at")),
        [{"seed": seed.key, "at": unit.now} for seed in wanted],
    )
    return len(wanted)


def _seed_id(unit: UnitOfWork, seed: Seed) -> UUID:
    return uuid5(unit.caller.tenant.id, seed.key)
