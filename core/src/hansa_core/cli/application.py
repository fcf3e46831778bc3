"""The program `hansa`: its commands and what all of them share."""

from __future__ import annotations

from typing import Annotated

import typer

from hansa_core.cli import (
    demo,
    doctor,
    imports,
    keys,
    migrations,
    plugins,
    schema,
    serve,
    setup,
    tenants,
    users,
    version,
)
from hansa_core.cli.failures import HansaGroup
from hansa_core.cli.options import DEFAULT_TENANT, Chosen

_PARTS = (demo, setup, serve, migrations, imports, schema, doctor, version)
_GROUPS = (tenants, plugins, users, keys)


def build() -> typer.Typer:
    """Return the program with all its commands."""
    app = typer.Typer(
        name="hansa",
        help="Hansa: a business platform of a small kernel and installable plugins.",
        cls=HansaGroup,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(choose)
    for part in _PARTS:
        part.add_to(app)
    for group in _GROUPS:
        group.add_to(app)
    return app


def choose(
    context: typer.Context,
    tenant: Annotated[
        str, typer.Option(help="The company to act on; one company never needs this.")
    ] = DEFAULT_TENANT,
) -> None:
    """Hansa: a business platform of a small kernel and installable plugins."""
    context.obj = Chosen(tenant)


def main() -> None:
    """Run the command the process was started with, and exit with its code."""
    build()()
