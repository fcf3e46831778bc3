"""The company that `hansa demo` shows: its database, its administrator and his API key."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Final

from hansa_core.auth.passwords import Passwords
from hansa_core.auth.tokens import read_key
from hansa_core.caller import Caller
from hansa_core.cli.demo_mark import RunningDemo, publish_demo
from hansa_core.cli.output import note, say
from hansa_core.cli.place import Place, open_runtime
from hansa_core.lifecycle import enable_plugins
from hansa_core.listening import address_of
from hansa_core.records.unit import UnitOfWork
from hansa_core.runtime import Runtime
from hansa_core.server import serve
from hansa_core.settings import Settings, secret_file
from hansa_core.storage.transaction import Tenant
from hansa_core.system.accounts import create_key, create_user, set_password, user_by_email
from hansa_core.tenants.databases import drop_database, ensure_database
from hansa_core.tenants.directory import ensure_tenant
from hansa_core.tenants.owner import owner_engine
from hansa_sdk import NotFound, Unauthenticated

DATABASE: Final = "hansa_demo"
EMAIL: Final = "admin@demo.example"
_MAKER: Final = "demo"
_PASSWORD_LENGTH: Final = 20


def claimed(settings: Settings, admin_url: str, *, reset: bool) -> Place:
    """Return the demo's database, made now when missing; raises Misconfigured if not ours."""
    if reset:
        drop_database(admin_url, DATABASE, made_by=_MAKER)
        _key_file(settings).unlink(missing_ok=True)
    owner_url = ensure_database(admin_url, DATABASE, made_by=_MAKER)
    # A login given by settings belongs to the real database.
    return Place(replace(settings, app_database_url=None), owner_url, demo=True)


async def show(place: Place, listening: socket.socket) -> None:
    """Bring the company up to what is installed and serve it until told to stop."""
    async with open_runtime(place) as runtime:
        with owner_engine(place.owner_url) as engine:
            tenant = ensure_tenant(engine)
        note("Preparing the demo company ...")
        names = sorted(runtime.shapes.installed)
        await enable_plugins(runtime, place.owner_url, tenant, names, demo=True)
        for other in await runtime.tenants():
            if other.id != tenant.id:  # made beside the demo; `hansa migrate` finds it only later
                await enable_plugins(runtime, place.owner_url, other, ())
        password = await _administrator(runtime, place.settings, tenant)
        key = await _key(runtime, place.settings, tenant)
        address = address_of(listening)

        async def ready() -> None:
            own = place.owner_url if place.settings.database_url is not None else None
            publish_demo(place.settings.home, RunningDemo(DATABASE, own, address))
            _welcome(address, password, key)

        proxies = place.settings.trusted_proxies
        await serve(runtime, listening, ready=ready, trusted_proxies=proxies)


def _welcome(address: str, password: str, key: str) -> None:
    say(f"Hansa answers at   {address}", style="bold green")
    say(f"Sign in as         {EMAIL}")
    say(f"Password           {password}")
    say(f"API key            {key}")
    say(f"GraphQL            {address}/graphql")
    note("Stop it with Ctrl-C. `hansa demo --reset` begins anew.")


async def _administrator(runtime: Runtime, settings: Settings, tenant: Tenant) -> str:
    """Make the administrator once; his password is kept in a file of ours."""
    path = settings.home / "demo.password"
    known = path.exists()
    letters = secret_file(path).translate(str.maketrans("+/", "-_"))
    password = letters[:_PASSWORD_LENGTH]
    caller = await runtime.system_caller(tenant, "demo")
    if known and await _has_administrator(runtime, caller):
        return password
    hashed = await Passwords().hash(password)

    async def work(unit: UnitOfWork) -> None:
        try:
            user = await user_by_email(unit, EMAIL)
        except NotFound:
            await create_user(
                unit,
                email=EMAIL,
                name="Demo Administrator",
                password_hash=hashed,
                roles=["system.administrator"],
            )
        else:
            await set_password(unit, user.id, hashed)

    await runtime.write(caller, work)
    return password


async def _has_administrator(runtime: Runtime, caller: Caller) -> bool:
    async with runtime.read(caller) as unit:
        try:
            await user_by_email(unit, EMAIL)
        except NotFound:
            return False
    return True


async def _key(runtime: Runtime, settings: Settings, tenant: Tenant) -> str:
    """Return the demo's API key: the one shown before, while it is good."""
    path = _key_file(settings)
    if path.exists():
        try:
            text = path.read_text(encoding="ascii").strip()
            await runtime.authenticate(tenant, read_key(text))
        except Unauthenticated:
            path.unlink()
        else:
            return text

    async def work(unit: UnitOfWork) -> str:
        user = await user_by_email(unit, EMAIL)
        return await create_key(unit, user_id=user.id, label="hansa demo")

    key = await runtime.write(await runtime.system_caller(tenant, "demo"), work)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{key}\n")
    return key


def _key_file(settings: Settings) -> Path:
    return settings.home / "demo.key"
