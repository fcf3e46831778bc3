"""`hansa user`: who may sign in."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import typer

from hansa_core.auth.passwords import PasswordHash, Passwords
from hansa_core.cli.options import JsonOption, TenantOption, tenant_of
from hansa_core.cli.output import say, say_json, say_rows
from hansa_core.cli.passwords import chosen_password
from hansa_core.cli.place import read_as_system, write_as_system
from hansa_core.records.unit import UnitOfWork
from hansa_core.system.accounts import create_user, roles_of, set_password, user_by_email
from hansa_sdk import User

_SHOWN_MAX: Final = 1000
_StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def add_to(app: typer.Typer) -> None:
    """Add the group to the program."""
    group = typer.Typer(help="People and programs that may sign in.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(show)
    group.command("password")(change_password)
    app.add_typer(group, name="user")


def create(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    name: Annotated[str | None, typer.Option(help="The person's name.")] = None,
    role: Annotated[
        list[str] | None, typer.Option(help="A role, like crm.sales_rep (again for more).")
    ] = None,
    password_stdin: _StdinOption = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a user. A password that nobody gave is made up and printed once."""
    password, generated = chosen_password(from_stdin=password_stdin)
    hashed = _hashed(password)

    async def work(unit: UnitOfWork) -> str:
        user = await create_user(
            unit,
            email=email,
            name=name or email.partition("@")[0],
            password_hash=hashed,
            roles=role or (),
        )
        return str(user.id)

    id = write_as_system(tenant_of(context, tenant), "hansa user create", work)
    if as_json:
        shown = {"password": password} if generated else {}
        say_json({"id": id, "email": email, "roles": role or [], **shown})
        return
    say(f"{email} may sign in.")
    if generated:
        say(f"Password  {password}")


def show(context: typer.Context, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List the users."""

    async def work(unit: UnitOfWork) -> list[dict[str, object]]:
        users = await unit.find(User, order_by=(User.email.ascending(),), limit=_SHOWN_MAX)
        return [
            {
                "email": str(user.email),
                "name": user.name,
                "active": user.active,
                "roles": list(await roles_of(unit, user.id)),
                "id": str(user.id),
            }
            for user in users
        ]

    rows = read_as_system(tenant_of(context, tenant), work)
    say_rows(rows, as_json=as_json, none="There is no user yet.")


def change_password(
    context: typer.Context,
    email: Annotated[str, typer.Argument(help="Whose password.")],
    password_stdin: _StdinOption = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a user a new password; his sessions end."""
    password, generated = chosen_password(from_stdin=password_stdin)
    hashed = _hashed(password)

    async def work(unit: UnitOfWork) -> None:
        user = await user_by_email(unit, email)
        await set_password(unit, user.id, hashed)

    write_as_system(tenant_of(context, tenant), "hansa user password", work)
    if as_json:
        say_json({"email": email, **({"password": password} if generated else {})})
        return
    say(f"{email} has a new password.")
    if generated:
        say(f"Password  {password}")


def _hashed(password: str) -> PasswordHash:
    async def work() -> PasswordHash:
        return await Passwords().hash(password)

    return asyncio.run(work())
