"""Options several commands take, and what the ones before the command chose."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

import typer

TenantOption: TypeAlias = Annotated[
    str | None, typer.Option("--tenant", help="The company to act on.", show_default="main")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
HostOption: TypeAlias = Annotated[str, typer.Option(help="The address to listen on.")]
PortOption: TypeAlias = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]

_NICENESS: Final = 10


@dataclass(frozen=True, slots=True)
class OwnProcess:
    """Says that the process runs one command and ends; a test runs many in one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options before the command's name say, and where the command runs."""

    tenant: str | None
    own_process: bool = False


def tenant_of(context: typer.Context, given: str | None) -> str:
    """Return the tenant a command means: its own --tenant, else the one before its name."""
    from hansa_core.tenants.directory import DEFAULT_SLUG  # brings SQLAlchemy along

    chosen = context.find_object(Chosen)
    return given or (chosen.tenant if chosen is not None else None) or DEFAULT_SLUG


def give_way(context: typer.Context) -> None:
    """Let the servers on this machine go first from now on: people wait for those.

    Whatever the process starts later inherits it, so a database server must be up before.
    """
    chosen = context.find_object(Chosen)
    if sys.platform != "win32" and chosen is not None and chosen.own_process:
        os.nice(_NICENESS)
