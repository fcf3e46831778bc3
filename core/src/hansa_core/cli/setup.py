"""`hansa init`: the first set-up of a real installation."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, TypedDict

import sqlalchemy as sa
import typer

from hansa_core.auth.passwords import Passwords
from hansa_core.cli.options import JsonOption, TenantOption, tenant_of
from hansa_core.cli.output import note, say, say_json
from hansa_core.cli.passwords import chosen_password
from hansa_core.cli.place import DATABASE, Place, open_runtime, seal
from hansa_core.cli.servers import reachable
from hansa_core.lifecycle import enable_plugins
from hansa_core.records.unit import UnitOfWork
from hansa_core.settings import Settings, make_home
from hansa_core.storage.embedded import embedded
from hansa_core.system.accounts import create_user, somebody_signs_in, user_by_email
from hansa_core.tenants.databases import ensure_database
from hansa_core.tenants.directory import ensure_tenant
from hansa_core.tenants.owner import owner_engine
from hansa_sdk import NotFound


class _Done(TypedDict):
    """What was set up; the password only where it was made up here.

    `signs_in` tells whether anybody can sign in now.
    """

    tenant: str
    plugins: list[str]
    email: str | None
    password: str | None
    signs_in: bool


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("init")(initialise)


def initialise(
    context: typer.Context,
    plugin: Annotated[
        list[str] | None, typer.Option(help="A plugin to enable (again for more); else all.")
    ] = None,
    email: Annotated[str | None, typer.Option(help="The first administrator's address.")] = None,
    name: Annotated[str | None, typer.Option(help="His name.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read his password from standard input.")
    ] = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set up the database, the company `main`, its plugins and the first administrator.

    A second run adds what is missing and changes nothing else.
    """
    settings = Settings.read()
    make_home(settings.home)
    slug = tenant_of(context, tenant)
    with _database(settings) as place:
        done = asyncio.run(_set_up(place, slug, plugin, email, name, password_stdin))
    if as_json:
        say_json(done)
        return
    say(f"Hansa is set up: {', '.join(done['plugins']) or 'no plugins'}.")
    if done["password"] is not None:
        say(f"Sign in as {done['email']} with the password {done['password']}")
    if not done["signs_in"]:
        step = "user create EMAIL --role system.administrator"
        if done["email"] is not None:  # he was there before, without a password
            step = f"user password {done['email']}"
        note(f"Nobody can sign in yet: `hansa {step}`.")
    note("Start it with `hansa serve`.")


@contextmanager
def _database(settings: Settings) -> Generator[Place]:
    if settings.database_url is None:
        with embedded(settings.home) as server:
            yield Place(settings, ensure_database(server.url(), DATABASE))
        return
    there = reachable(settings.database_url)
    if there != settings.database_url:
        ensure_database(there, str(sa.make_url(settings.database_url).database))
    yield Place(settings, settings.database_url, settings.app_database_url)


async def _set_up(
    place: Place,
    slug: str,
    plugins: list[str] | None,
    email: str | None,
    name: str | None,
    password_stdin: bool,
) -> _Done:
    async with open_runtime(place) as runtime:
        with owner_engine(place.owner_url) as engine:
            tenant = ensure_tenant(engine, slug)
        names = plugins if plugins is not None else sorted(runtime.shapes.installed)
        enabled = await enable_plugins(runtime, place.owner_url, tenant, names)
        caller = await runtime.system_caller(tenant, "hansa init")
        chosen: str | None = None

        async def exists(unit: UnitOfWork) -> bool:
            try:
                await user_by_email(unit, str(email))
            except NotFound:
                return False
            return True

        if email is not None and not await runtime.write(caller, exists):
            chosen, generated = chosen_password(from_stdin=password_stdin)
            hashed = await Passwords().hash(chosen)

            async def work(unit: UnitOfWork) -> None:
                await create_user(
                    unit,
                    email=email,
                    name=name or email.partition("@")[0],
                    password_hash=hashed,
                    roles=["system.administrator"],
                )

            await runtime.write(caller, work)
            chosen = chosen if generated else None
        signs_in = await runtime.write(caller, somebody_signs_in)
        await seal(runtime, tenant)
        own = [each for each in enabled.plugins if each != "system"]
        return {
            "tenant": slug,
            "plugins": own,
            "email": email,
            "password": chosen,
            "signs_in": signs_in,
        }
