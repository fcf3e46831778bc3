"""The program `hansa`: its commands and what all of them share."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, Final, Protocol, cast

import typer

from hansa_core.cli.failures import HansaGroup
from hansa_core.cli.options import Chosen, OwnProcess
from hansa_core.cli.output import say
from hansa_core.cli.running import importing

# By command or group. A module is imported when its command is asked for: all of them together,
# with the servers and databases they stand on, take seconds to import.
_MODULES: Final[Mapping[str, str]] = {
    "demo": "demo",
    "init": "setup",
    "serve": "serve",
    "migrate": "migrations",
    "import": "imports",
    "schema": "schema",
    "doctor": "doctor",
    "version": "version",
    "tenant": "tenants",
    "plugin": "plugins",
    "user": "users",
    "key": "keys",
    "document": "documents",
}


class _Part(Protocol):
    """A module of commands."""

    def add_to(self, app: typer.Typer) -> None:
        """Add its commands to the program."""
        ...


def build(words: Sequence[str] = ()) -> typer.Typer:
    """Return the program, with the command that is asked for among `words` or with all."""
    app = typer.Typer(
        name="hansa",
        help="Hansa: a business platform of a small kernel and installable plugins.",
        cls=HansaGroup,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(choose)
    asked = [word for word in words if word in _MODULES or word == "--version"]
    for module in [_MODULES[word.lstrip("-")] for word in asked] or _MODULES.values():
        part = cast(_Part, importlib.import_module(f"hansa_core.cli.{module}"))
        part.add_to(app)
    return app


def _show_version(asked: bool) -> None:
    if asked:
        say(f"hansa {version('hansa-core')}")
        raise typer.Exit


def choose(
    context: typer.Context,
    tenant: Annotated[
        str | None,
        typer.Option(
            help="The company to act on; one company never needs this.", show_default="main"
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Hansa: a business platform of a small kernel and installable plugins."""
    context.obj = Chosen(tenant, own_process=isinstance(context.obj, OwnProcess))


def run(words: Sequence[str]) -> None:
    """Run the command that `words` say, and exit with its code."""
    with importing():
        program = build(words)
    program(obj=OwnProcess())
