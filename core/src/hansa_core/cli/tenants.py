"""`hansa tenant`: the companies of this installation."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from hansa_core.cli.options import JsonOption
from hansa_core.cli.output import say, say_json, say_rows
from hansa_core.cli.place import Place, open_place, open_runtime, seal
from hansa_core.lifecycle import enable_plugins
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.directory import create_tenant, list_tenants
from hansa_core.tenants.owner import owner_engine


def add_to(app: typer.Typer) -> None:
    """Add the group to the program."""
    group = typer.Typer(help="Companies on this installation.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(show)
    app.add_typer(group, name="tenant")


def create(
    slug: Annotated[str, typer.Argument(help="Its short name, like acme.")],
    plugin: Annotated[
        list[str] | None, typer.Option(help="A plugin to enable (again for more).")
    ] = None,
    host: Annotated[list[str] | None, typer.Option(help="A host name that means it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a company with its own data and plugins; on this machine SLUG.localhost reaches it."""
    with open_place() as place:
        tenant, plugins = asyncio.run(_create(place, slug, plugin or [], host or []))
    if as_json:
        say_json({**_plain(tenant), "plugins": plugins})
    else:
        shown = ", ".join(plugins) or "no plugins"
        say(f"The company {slug} is there, with {shown}. It answers at {slug}.localhost.")


async def _create(
    place: Place, slug: str, plugins: list[str], hosts: list[str]
) -> tuple[Tenant, list[str]]:
    async with open_runtime(place) as runtime:
        # An unknown plugin is told before the company is made.
        await runtime.shapes.of(runtime.shapes.with_required(plugins))
        with owner_engine(place.owner_url) as engine:
            tenant = create_tenant(engine, slug, hosts=hosts)
        enabled = await enable_plugins(runtime, place.owner_url, tenant, plugins)
        await seal(runtime, tenant)
        return tenant, [name for name in enabled.plugins if name != "system"]


def show(as_json: JsonOption = False) -> None:
    """List the companies."""
    with open_place() as place, owner_engine(place.owner_url) as engine:
        rows = [_plain(tenant) for tenant in list_tenants(engine)]
    say_rows(rows, as_json=as_json, none="There is no company yet.")


def _plain(tenant: Tenant) -> dict[str, object]:
    return {"slug": tenant.slug, "id": str(tenant.id), "schema": tenant.schema}
