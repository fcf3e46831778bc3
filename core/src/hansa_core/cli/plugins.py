"""`hansa plugin`: what is installed and enabled, and the migrations of one's own plugin."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from hansa_core.cli.options import JsonOption, TenantOption, tenant_of
from hansa_core.cli.output import say, say_json, say_rows
from hansa_core.cli.place import Place, open_place, open_tenant, read_as_system, seal
from hansa_core.lifecycle import enable_plugins
from hansa_core.migrate.autogenerate import make_migration
from hansa_core.migrate.columns import declared_tables
from hansa_core.migrate.scripts import script_folder
from hansa_core.plugins.compile import compile_shape
from hansa_core.plugins.discovery import installed_plugins
from hansa_core.plugins.order import in_order, plugin_version
from hansa_core.records.unit import UnitOfWork
from hansa_core.shapes import Shapes
from hansa_core.system.entities import PluginState
from hansa_core.tenants.owner import owner_engine
from hansa_sdk import Misconfigured


def add_to(app: typer.Typer) -> None:
    """Add the group to the program."""
    group = typer.Typer(help="Plugins.", no_args_is_help=True)
    group.command("list")(show)
    group.command("enable")(enable)
    group.command("makemigrations")(makemigrations)
    app.add_typer(group, name="plugin")


def show(context: typer.Context, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List the installed plugins and what a company has of them."""
    slug = tenant_of(context, tenant)

    async def work(unit: UnitOfWork) -> dict[str, str]:
        states = await unit.find(PluginState, limit=1000)
        return {state.plugin: state.status.value for state in states}

    states = read_as_system(slug, work)
    rows = [
        {
            "name": name,
            "version": plugin_version(plugin),
            "status": states.get(name, "installed"),
            "requires": list(plugin.requires),
        }
        for name, plugin in sorted(installed_plugins().items())
    ]
    say_rows(rows, as_json=as_json, none="No plugin is installed.")


def enable(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The plugins.")],
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enable plugins, and those they require, for a company.

    Servers need no restart, save those started before the plugin was installed.
    """
    slug = tenant_of(context, tenant)

    async def work(place: Place) -> dict[str, object]:
        async with open_tenant(place, slug) as (runtime, found):
            enabled = await enable_plugins(runtime, place.owner_url, found, names)
            await seal(runtime, found)
            return {
                "tenant": slug,
                "plugins": [name for name in enabled.plugins if name != "system"],
                "migrations": list(enabled.migrations),
                "seeds": enabled.seeds,
            }

    with open_place() as place:
        done = asyncio.run(work(place))
    if as_json:
        say_json(done)
    else:
        say(f"{slug} has {', '.join(str(name) for name in _listed(done['plugins']))}.")


def makemigrations(
    name: Annotated[str, typer.Argument(help="The plugin.")],
    message: Annotated[str, typer.Option("--message", "-m", help="What changes.")] = "change",
    as_json: JsonOption = False,
) -> None:
    """Write the migration that brings a plugin's tables to its declarations."""
    shapes = Shapes(installed_plugins())
    wanted = shapes.plugins(shapes.with_required([name]))
    plugin = shapes.installed[name]
    if not plugin.migrations:
        raise Misconfigured(
            f"Plugin {name} does not say where its migrations are.",
            next_step="Set migrations= in its Plugin(...) to a package, like "
            f"hansa_{name}.migrations.",
        )
    before = [each for each in in_order(wanted) if each.name != name and each.migrations]
    shape = compile_shape(wanted)
    with (
        open_place() as place,
        owner_engine(place.owner_url) as engine,
        engine.connect() as connection,
    ):
        path = make_migration(
            connection,
            name,
            declared_tables(shape),
            script_folder(plugin.migrations),
            message,
            requires=[(each.name, each.migrations) for each in before],
        )
    if as_json:
        say_json({"plugin": name, "path": None if path is None else str(path)})
    elif path is None:
        say(f"The migrations of {name} are up to date.")
    else:
        say(f"Written: {path}")
        say("Read it before you ship it: a renamed column shows as one dropped and one added.")


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType]  # plain data of this module
