"""`hansa doctor`: what is wrong with this installation."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final

import sqlalchemy as sa
import typer

from hansa_core.cli.failures import WORK_FAILED
from hansa_core.cli.options import JsonOption
from hansa_core.cli.output import say, say_json
from hansa_core.cli.place import Place, open_place, open_runtime
from hansa_core.events.sealer import unsealed_age
from hansa_core.events.tables import APPEND_ONLY
from hansa_core.migrate.drift import differ, table_differences
from hansa_core.migrate.steps import allowed, ledger_rules
from hansa_core.migrate.waiting import waiting_steps
from hansa_core.model.shape import Shape
from hansa_core.plugins.order import in_order
from hansa_core.proof.ledger import ledger_fault
from hansa_core.runtime import Runtime
from hansa_core.settings import Settings, make_home
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.logins import self_check
from hansa_core.tenants.owner import owner_engine, server_version
from hansa_sdk import HansaError, Misconfigured

UNSEALED_SECONDS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    ok: bool
    says: str


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("doctor")(examine)


def examine(as_json: JsonOption = False) -> None:
    """Look at settings, disk, database, logins, migrations and ledgers."""
    findings = [_checked("settings", _settings), _checked("disk", _disk)]
    try:
        with open_place() as place:
            findings += [
                _checked("database", lambda: _database(place)),
                _checked("logins", lambda: _logins(place)),
            ]
            findings += asyncio.run(_tenants(place))
    except HansaError as error:
        findings.append(Finding("database", False, str(error)))
    if as_json:
        say_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark, style = ("ok ", "green") if finding.ok else ("BAD", "bold red")
            say(f"{mark}  {finding.check}: {finding.says}", style=style)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(WORK_FAILED)


def _checked(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except HansaError as error:
        return Finding(name, False, str(error))


def _settings() -> str:
    settings = Settings.read()
    server = "a server of your own" if settings.database_url else "the embedded server"
    return f"data in {settings.home}, {server}"


def _disk() -> str:
    home = Settings.read().home
    make_home(home)
    with _disk_errors(str(home)), tempfile.NamedTemporaryFile(dir=home) as file:
        file.write(b"hansa doctor")
        file.flush()
    return "writable"


@contextmanager
def _disk_errors(home: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise Misconfigured(
            f"{home} cannot be written to: {error.strerror}.",
            next_step="Check its owner and free space, or set HANSA_HOME elsewhere.",
        ) from error


def _database(place: Place) -> str:
    with owner_engine(place.owner_url) as engine, engine.connect() as connection:
        return f"PostgreSQL {server_version(connection)} answers"


def _logins(place: Place) -> str:
    with owner_engine(place.owner_url) as engine, engine.connect() as connection:
        self_check(connection)
    return "the application login owns nothing and inherits nothing"


async def _tenants(place: Place) -> list[Finding]:
    findings: list[Finding] = []
    try:
        async with open_runtime(place) as runtime:
            for tenant in await runtime.tenants():
                findings += await _tenant(runtime, place, tenant)
    except HansaError as error:
        findings.append(Finding("companies", False, str(error)))
    return findings


async def _tenant(runtime: Runtime, place: Place, tenant: Tenant) -> list[Finding]:
    name = tenant.slug
    try:
        shape = await runtime.shape_of(tenant)
    except HansaError as error:
        return [Finding(f"plugins of {name}", False, str(error))]
    findings = [Finding(f"plugins of {name}", True, ", ".join(shape.plugins))]
    with owner_engine(place.owner_url) as engine, engine.connect() as connection:
        findings += [
            _checked(f"{what} of {name}", partial(look, connection, tenant, shape))
            for what, look in (
                ("migrations", _migrations),
                ("tables", _tables),
                ("privileges", _privileges),
            )
        ]
    fault = await ledger_fault(runtime.database, tenant, runtime.events)
    findings.append(Finding(f"ledger of {name}", fault is None, fault or "whole"))
    async with runtime.database.transaction(tenant, read_only=True) as session:
        age = await unsealed_age(session, runtime.events)
    late = age > UNSEALED_SECONDS_MAX
    says = f"the oldest event waits {age:.0f} s" if late else "events are sealed in time"
    if late:
        says += "; is `hansa serve` running?"
    findings.append(Finding(f"sealing of {name}", not late, says))
    return findings


def _migrations(connection: sa.Connection, tenant: Tenant, shape: Shape) -> str:
    waiting = waiting_steps(connection, tenant, in_order(list(shape.plugins.values())))
    if waiting:
        raise Misconfigured(f"{', '.join(waiting)} wait.", next_step="Run `hansa migrate`.")
    return "up to date"


def _tables(connection: sa.Connection, tenant: Tenant, shape: Shape) -> str:
    differences = table_differences(connection, tenant.schema, shape)
    connection.rollback()
    if differences:
        raise differ(differences)
    return "as the plugins declare them"


def _privileges(connection: sa.Connection, tenant: Tenant, shape: Shape) -> str:
    rules = [*APPEND_ONLY, *ledger_rules(shape.plugins.values())]
    found = allowed(connection, tenant, rules)
    connection.rollback()
    if found:
        raise Misconfigured(
            f"The company's role may {', '.join(found)}, so its history could be changed.",
            next_step="Run `hansa migrate`, which takes that from it.",
        )
    return "the company's role can only add to its history"
