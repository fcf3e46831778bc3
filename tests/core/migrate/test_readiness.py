"""Nothing is served on plugins that do not compile or on tables that are behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from hansa_core.readiness import require_ready
from hansa_core.runtime import Runtime
from hansa_core.shapes import Shapes
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import SECRET_KEY, Platform, installed_of, open_platform
from hansa_core.testing.server import open_server
from hansa_sdk import DeclarationErrors, Misconfigured, Plugin
from tests.core.migrate.fruit import Apple, Basket, BasketWithNote, fruit, write


def with_sdk(platform: Platform, wanted: Mapping[str, str]) -> Runtime:
    """A kernel on the same database whose plugins ask for other versions of the SDK."""
    installed: dict[str, Plugin] = dict(platform.runtime.shapes.installed)
    for name, sdk in wanted.items():
        installed[name] = replace(installed[name], sdk=sdk)
    return Runtime(platform.runtime.database, Shapes(installed), SECRET_KEY)


async def test_every_problem_of_every_company_is_told_at_once(platform: Platform) -> None:
    tenants = [await platform.tenant("crm"), await platform.tenant("contacts")]
    await require_ready(platform.runtime, platform.owner_url, tenants)
    broken = with_sdk(platform, {"contacts": ">=98", "crm": ">=99"})
    with pytest.raises(DeclarationErrors) as caught:
        await require_ready(broken, platform.owner_url, tenants)
    found = [(each.plugin, each.expected) for each in caught.value.problems]
    assert sorted(found) == [("contacts", "hansa-sdk >=98"), ("crm", "hansa-sdk >=99")]


async def test_migrations_that_wait_and_what_they_leave_out_are_told(
    postgres_url: str, tmp_path: Path, fruit_scripts: Path
) -> None:
    home = tmp_path / "home"
    with fresh_database(postgres_url) as url:
        old, new = fruit(Basket), fruit(BasketWithNote, Apple)
        write(url, fruit_scripts, old)
        async with open_platform(url, home, installed_of([old])) as platform:
            tenants = [await platform.tenant("fruit", slug=slug) for slug in ("north", "south")]
            await require_ready(platform.runtime, url, tenants)

        async with open_platform(url, home, installed_of([new])) as platform:
            with pytest.raises(Misconfigured, match="fruit_apple") as refused:
                await require_ready(platform.runtime, url, tenants)
            assert "fruit_basket.note" in refused.value.message
            assert "`hansa plugin makemigrations fruit`" in refused.value.next_step

            write(url, fruit_scripts, new)
            with pytest.raises(Misconfigured, match="north waits for fruit:0002") as refused:
                await require_ready(platform.runtime, url, tenants)
            assert "south waits for fruit:0002" in refused.value.message
            assert "`hansa migrate`" in refused.value.next_step

            for tenant in tenants:
                await platform.enable(tenant)
            await require_ready(platform.runtime, url, tenants)


async def test_plugins_that_do_not_compile_are_a_fault_of_the_server(platform: Platform) -> None:
    tenant = await platform.tenant("contacts")
    key = await platform.key(await platform.user(tenant))
    async with open_server(with_sdk(platform, {"contacts": ">=98"})) as server:
        answer = await (await server.client(tenant, key)).post("{ me { name } }")
    assert answer.status_code == 503
    (error,) = answer.json()["errors"]
    assert error["message"].startswith("This company's plugins cannot be run by this server.")
    assert "hansa doctor" in error["message"]
