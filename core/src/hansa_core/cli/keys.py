"""`hansa key`: API keys of users."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from hansa_core.cli.options import JsonOption, TenantOption, tenant_of
from hansa_core.cli.output import note, say, say_json, say_rows
from hansa_core.cli.place import read_as_system, write_as_system
from hansa_core.records.unit import UnitOfWork
from hansa_core.system.accounts import create_key, list_keys, revoke_key, user_by_email
from hansa_sdk import User


def add_to(app: typer.Typer) -> None:
    """Add the group to the program."""
    group = typer.Typer(help="API keys.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(show)
    group.command("revoke")(revoke)
    app.add_typer(group, name="key")


def create(
    context: typer.Context,
    user: Annotated[str, typer.Option(metavar="EMAIL", help="Whose key.")],
    role: Annotated[
        list[str] | None,
        typer.Option(help="Only this role of the user's (again for more); else all."),
    ] = None,
    label: Annotated[str, typer.Option(help="What it is for.")] = "hansa key create",
    days: Annotated[
        int | None, typer.Option(min=1, max=36_500, help="How many days it is good.")
    ] = None,
    documents: Annotated[
        str | None,
        typer.Option(
            metavar="COLLECTION", help="Only persisted documents of this collection; else any."
        ),
    ] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API key; it is printed once. Clients send Authorization: Bearer KEY."""

    async def work(unit: UnitOfWork) -> str:
        owner = await user_by_email(unit, user)
        expires_at = None if days is None else unit.now + timedelta(days=days)
        return await create_key(
            unit,
            user_id=owner.id,
            label=label,
            roles=role,
            expires_at=expires_at,
            documents=documents,
        )

    key = write_as_system(tenant_of(context, tenant), "hansa key create", work)
    if as_json:
        say_json({"key": key})
        return
    say(key)
    note("It is shown this once. Send it as: Authorization: Bearer KEY")


def show(context: typer.Context, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List the API keys, without their secrets."""

    async def work(unit: UnitOfWork) -> list[dict[str, object]]:
        lines = await list_keys(unit)
        ids = {line.user_id for line in lines}
        users = await unit.find(User, User.id.one_of(ids), limit=10_000) if ids else []
        emails = {each.id: str(each.email) for each in users}
        return [
            {
                "id": str(line.id),
                "user": emails.get(line.user_id, str(line.user_id)),
                "label": line.label,
                "prefix": line.prefix,
                "roles": None if line.roles is None else list(line.roles),
                "documents": line.documents,
                "expires_at": _shown(line.expires_at),
                "used_at": _shown(line.used_at),
            }
            for line in lines
        ]

    rows = read_as_system(tenant_of(context, tenant), work)
    say_rows(rows, as_json=as_json, none="There is no API key yet.")


def revoke(
    context: typer.Context,
    id: Annotated[UUID, typer.Argument(help="The key's id, as `hansa key list` shows it.")],
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API key worthless."""

    async def work(unit: UnitOfWork) -> None:
        await revoke_key(unit, id)

    write_as_system(tenant_of(context, tenant), "hansa key revoke", work)
    if as_json:
        say_json({"revoked": str(id)})
    else:
        say(f"The key {id} is revoked.")


def _shown(value: object) -> str | None:
    return None if value is None else str(value)
