"""`hansa migrate`: bring every company's tables up to the installed plugins."""

from __future__ import annotations

import asyncio

import typer

from hansa_core.cli.options import JsonOption
from hansa_core.cli.output import say, say_json
from hansa_core.cli.place import Place, open_place, open_runtime, seal
from hansa_core.lifecycle import enable_plugins


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("migrate")(migrate)


def migrate(as_json: JsonOption = False) -> None:
    """Bring the tables of every company up to the installed plugins."""
    with open_place() as place:
        done = asyncio.run(_migrate(place))
    if as_json:
        say_json([{"tenant": slug, "migrations": steps} for slug, steps in done.items()])
        return
    for slug, steps in done.items():
        say(f"{slug}: {', '.join(steps) if steps else 'up to date'}")


async def _migrate(place: Place) -> dict[str, list[str]]:
    done: dict[str, list[str]] = {}
    async with open_runtime(place) as runtime:
        for tenant in await runtime.tenants():
            enabled = await enable_plugins(runtime, place.owner_url, tenant, ())
            await seal(runtime, tenant)
            done[tenant.slug] = list(enabled.migrations)
    return done
