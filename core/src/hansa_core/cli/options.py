"""Options several commands take, and what the ones before the command chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

import typer

TenantOption: TypeAlias = Annotated[
    str | None, typer.Option("--tenant", help="The company to act on.", show_default="main")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
HostOption: TypeAlias = Annotated[str, typer.Option(help="The address to listen on.")]
PortOption: TypeAlias = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the options before the command's name say."""

    tenant: str | None


def tenant_of(context: typer.Context, given: str | None) -> str:
    """Return the tenant a command means: its own --tenant, else the one before its name."""
    from hansa_core.tenants.directory import DEFAULT_SLUG  # brings SQLAlchemy along

    chosen = context.find_object(Chosen)
    return given or (chosen.tenant if chosen is not None else None) or DEFAULT_SLUG
