"""`hansa schema`: the GraphQL schema of a company."""

from __future__ import annotations

import asyncio

import typer

from hansa_core.cli.options import TenantOption, tenant_of
from hansa_core.cli.output import say
from hansa_core.cli.place import Place, open_place, open_tenant
from hansa_core.graphql.sdl import schema_text


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("schema")(show_schema)


def show_schema(context: typer.Context, tenant: TenantOption = None) -> None:
    """Print the GraphQL schema of a company, in the schema language."""
    with open_place() as place:
        say(asyncio.run(_schema(place, tenant_of(context, tenant))))


async def _schema(place: Place, slug: str) -> str:
    async with open_tenant(place, slug) as (runtime, tenant):
        return await schema_text(runtime, await runtime.shape_of(tenant))
