"""A plugin whose scripts make less than it declares is not enabled, and the refusal names it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from hansa_core.migrate.columns import missing_columns
from hansa_core.plugins.compile import compile_shape
from hansa_core.system.entities import PluginState
from hansa_core.system.plugin import plugin as system
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import installed_of, open_platform
from hansa_sdk import Entity, Misconfigured
from tests.core.migrate.fruit import Apple, Basket, BasketWithNote, fruit, write


@pytest.mark.parametrize(
    ("written", "declared", "lacking"),
    [
        ((), (Basket, Apple), "fruit_basket, fruit_apple (plugin fruit)"),
        ((Basket,), (Basket, Apple), "fruit_apple (plugin fruit)"),
        ((Basket,), (BasketWithNote,), "fruit_basket.note (plugin fruit)"),
    ],
)
async def test_plugin_with_too_few_migrations_is_not_enabled(
    postgres_url: str,
    tmp_path: Path,
    fruit_scripts: Path,
    written: tuple[type[Entity], ...],
    declared: tuple[type[Entity], ...],
    lacking: str,
) -> None:
    with fresh_database(postgres_url) as url:
        if written:
            write(url, fruit_scripts, fruit(*written))
        plugin = fruit(*declared)
        async with open_platform(url, tmp_path / "home", installed_of([plugin])) as platform:
            tenant = await platform.tenant()
            with pytest.raises(Misconfigured) as refused:
                await platform.enable(tenant, "fruit")
            assert lacking in refused.value.message
            assert "`hansa plugin makemigrations fruit`" in refused.value.next_step
            async with platform.runtime.read(await platform.system(tenant)) as unit:
                states = await unit.find(PluginState, limit=10)
            assert [state.plugin for state in states] == ["system"]
            write(url, fruit_scripts, plugin)
            await platform.enable(tenant, "fruit")


async def test_plugin_with_entities_and_no_migrations_is_not_enabled(
    postgres_url: str, tmp_path: Path
) -> None:
    plugin = fruit(Basket, migrations="")
    with fresh_database(postgres_url) as url:
        async with open_platform(url, tmp_path / "home", installed_of([plugin])) as platform:
            tenant = await platform.tenant()
            with pytest.raises(Misconfigured, match="does not say where its migrations are"):
                await platform.enable(tenant, "fruit")


def test_tables_of_another_schema_do_not_count(connection: sa.Connection) -> None:
    shape = compile_shape([system])
    missing = missing_columns(connection, "pg_catalog", shape)
    assert set(missing) == {"system"}
    assert {"system_user", "system_event", "system_seed"} <= set(missing["system"])
