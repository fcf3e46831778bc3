"""`hansa user`: who may sign in."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, cast
from uuid import UUID

import sqlalchemy as sa
import typer
from sqlalchemy.dialects import postgresql

from hansa_core.auth.passwords import PasswordHash, Passwords
from hansa_core.cli.options import JsonOption, TenantOption, tenant_of
from hansa_core.cli.output import note, say, say_json, say_rows
from hansa_core.cli.passwords import chosen_password
from hansa_core.cli.place import read_as_system, write_as_system
from hansa_core.records.unit import UnitOfWork
from hansa_core.system.accounts import create_user, set_password, user_by_email
from hansa_sdk import User

SHOWN_MAX: Final = 1000
"""How many users a list shows."""

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
    rows = read_as_system(tenant_of(context, tenant), user_rows)
    say_rows(rows[:SHOWN_MAX], as_json=as_json, none="There is no user yet.")
    if len(rows) > SHOWN_MAX:
        note(f"The first {SHOWN_MAX:,} users by address are shown; there are more.")


async def user_rows(unit: UnitOfWork) -> list[dict[str, object]]:
    """Return the users by address with their roles, one more than are shown, in two statements."""
    users = await unit.find(User, order_by=(User.email.ascending(),), limit=SHOWN_MAX + 1)
    roles = await _role_names(unit, [user.id for user in users])
    return [
        {
            "email": str(user.email),
            "name": user.name,
            "active": user.active,
            "roles": roles.get(user.id, []),
            "id": str(user.id),
        }
        for user in users
    ]


async def _role_names(unit: UnitOfWork, users: list[UUID]) -> dict[UUID, list[str]]:
    role = unit.caller.shape.table("system.role")
    held = unit.caller.shape.table("system.role_assignment")
    ids = sa.bindparam("users", type_=postgresql.ARRAY(sa.Uuid()))
    statement = (
        sa.select(held.c.user.label("user"), role.c.name.label("role"))
        .join(role, role.c.id == held.c.role)
        .where(held.c.user == sa.any_(ids))
        .order_by(role.c.name)
    )
    names: dict[UUID, list[str]] = {}
    for row in await unit.session.fetch(statement, {"users": users}):
        names.setdefault(cast(UUID, row["user"]), []).append(str(row["role"]))
    return names


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
