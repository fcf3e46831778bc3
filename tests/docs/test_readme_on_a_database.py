"""The README's query has the README's answer, and its plugin is a working plugin."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import cast
from uuid import UUID

import pytest

from hansa_core.graphql.execute import GraphQL
from hansa_core.lifecycle import enable_plugins
from hansa_core.migrate.autogenerate import make_migration
from hansa_core.plugins.compile import compile_shape
from hansa_core.runtime import Runtime
from hansa_core.shapes import Shapes
from hansa_core.storage.tables import build_metadata
from hansa_core.system.plugin import plugin as system
from hansa_core.tenants.directory import create_tenant
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.platform import Platform, installed_of
from hansa_sdk import Plugin
from tests.docs.samples import blocks_of

README = Path(__file__).parents[2] / "README.md"
LINES_MAX = 60


def block(info: str) -> str:
    return next(each.code for each in blocks_of(README) if each.info == info)


async def test_first_query_has_the_printed_answer(platform: Platform) -> None:
    tenant = await platform.tenant("crm", demo=True)
    caller = await platform.user(tenant, "crm.viewer")
    answer = await GraphQL(platform.runtime).execute(caller, block("graphql"))
    assert answer == json.loads(block("json"))


def test_sample_plugin_is_at_most_sixty_lines() -> None:
    lines = [line for line in block("python run").splitlines() if line.strip()]
    assert len(lines) <= LINES_MAX


async def test_sample_plugin_compiles_migrates_and_works(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plugin = _written_to(tmp_path, monkeypatch)
    scripts = tmp_path / "hansa_tours" / "migrations"
    with owner_engine(platform.owner_url) as engine:
        with engine.connect() as connection:
            shape = compile_shape([system, plugin])
            required = [("system", system.migrations)]
            made = make_migration(
                connection,
                "tours",
                build_metadata(shape.entities),
                scripts,
                "initial",
                requires=required,
            )
        tenant = create_tenant(engine, "tours")
    assert made is not None
    runtime = Runtime(platform.runtime.database, Shapes(installed_of([plugin])), b"t" * 32)
    await enable_plugins(runtime, platform.owner_url, tenant, ["tours"])
    tours = Platform(platform.owner_url, platform.app_url, tmp_path, runtime)
    driver = await tours.user(tenant, "tours.driver")
    graphql = GraphQL(runtime)

    async def ask(text: str) -> dict[str, dict[str, object]]:
        answer = await graphql.execute(driver, text)
        assert "errors" not in answer, answer
        return cast("dict[str, dict[str, object]]", answer["data"])

    user = driver.principal.user_id
    made_tour = await ask(
        'mutation { toursTourCreate(input: {title: "North", day: "2026-11-23", '
        f'driver: {{connect: "{user}"}}}}) {{ record {{ id }} errors {{ message }} }} }}'
    )
    record = cast("dict[str, str]", made_tour["toursTourCreate"]["record"])
    tour = UUID(record["id"])
    stop = f'{{tour: {{connect: "{tour}"}}, place: "Kiel", boxes: 3}}'
    await ask(f"mutation {{ toursStopCreate(input: {stop}) {{ errors {{ message }} }} }}")
    answer = "{ record { status } errors { message } }"
    finish = f'mutation {{ toursTourFinish(id: "{tour}") {answer} }}'
    done = await ask(finish)
    assert done["toursTourFinish"] == {"record": {"status": "DONE"}, "errors": []}
    again = await ask(finish)
    assert again["toursTourFinish"] == {
        "record": None,
        "errors": [{"message": "This tour is finished already. Plan a new one."}],
    }


def _written_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    """Install the README's plugin as a package of its own."""
    package = folder / "hansa_tours"
    versions = package / "migrations" / "versions"
    versions.mkdir(parents=True)
    for each in (package, package / "migrations", versions):
        (each / "__init__.py").touch()
    (package / "plugin.py").write_text(block("python run"), encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "hansa_tours", raising=False)
    module: ModuleType = importlib.import_module("hansa_tours.plugin")
    plugin = module.plugin
    assert isinstance(plugin, Plugin)
    return plugin
