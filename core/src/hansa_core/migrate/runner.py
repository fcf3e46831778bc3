"""Runs a plugin's migration scripts in one tenant's schema: a transaction and a ledger row each."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationInfo, MigrationStep, RevisionStep
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError, OperationalError

from hansa_core.clock import Clock, SystemClock
from hansa_core.migrate.scripts import ScriptLocation, load_scripts
from hansa_core.migrate.steps import STEPS_TABLE, version_table
from hansa_core.storage.statements import quote_name
from hansa_sdk.errors import Busy, Misconfigured

LOCK_TIMEOUT_SECONDS: Final = 2
"""How long a step waits for readers and writers before it gives way to them."""

_TURN_SECONDS_MAX: Final = 60
_LEDGER: Final = f"""
CREATE TABLE IF NOT EXISTS {STEPS_TABLE} (
    plugin text NOT NULL,
    revision text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (plugin, revision)
)
"""
_ADD_STEP: Final = sa.text(
    f"INSERT INTO {STEPS_TABLE} (plugin, revision, at) VALUES (:plugin, :revision, :at)"  # noqa: S608  # a constant
)
_GRANTEES: Final = sa.text(
    "SELECT DISTINCT grantee::regrole::text FROM pg_class, aclexplode(relacl) "
    "WHERE pg_class.oid = to_regclass(:table) AND grantee NOT IN (0, relowner) "
    "AND privilege_type <> 'SELECT'"
)
# Scripts call `alembic.op`, one name for the whole process: two runs must not set it at once.
_OPERATIONS_LOCK: Final = threading.Lock()


def upgrade(
    connection: sa.Connection,
    schema: str,
    plugin: str,
    scripts: ScriptLocation,
    *,
    clock: Clock | None = None,
) -> list[str]:
    """Bring the plugin's tables in `schema` to its newest revision; return the steps taken.

    `connection` is the owner's, with no transaction open. Every step commits by itself together
    with its row in `hansa_migration_step`, so a run that stops resumes at the step it stopped at.
    Raises Busy when somebody holds a table's lock for over 2 s or another process migrates the
    schema for a minute, Misconfigured when a step fails or the schema is ahead of the scripts.
    """
    directory = load_scripts(scripts)
    applied: list[str] = []
    moment = clock or SystemClock()

    def note(*, step: MigrationInfo, **_: object) -> None:
        revision = str(step.up_revision_id)
        connection.execute(_ADD_STEP, {"plugin": plugin, "revision": revision, "at": moment.now()})
        applied.append(revision)

    with _OPERATIONS_LOCK, _turn(connection, schema), inside(connection, schema):
        connection.exec_driver_sql(_LEDGER)
        connection.commit()
        run = _Run(connection, plugin, directory)
        context = run.context(note)
        try:
            with Operations.context(context):
                context.run_migrations()
        except DBAPIError as error:
            raise _failure(error, f"{plugin} {run.current} in {schema}") from error
        _make_read_only(connection, version_table(plugin))
        _make_read_only(connection, STEPS_TABLE)
    return applied


def pending(
    connection: sa.Connection, schema: str, plugin: str, scripts: ScriptLocation
) -> list[str]:
    """Return the revisions `upgrade` would apply, oldest first, changing nothing."""
    directory = load_scripts(scripts)
    with inside(connection, schema):
        run = _Run(connection, plugin, directory)
        heads = run.context().get_current_heads()
        return [str(step.revision.revision) for step in run.steps(heads)]


@contextmanager
def inside(connection: sa.Connection, schema: str) -> Generator[None]:
    """Let names without a schema mean `schema`, and no other, for the block."""
    assert not connection.in_transaction(), "migrations open their own transactions"
    connection.exec_driver_sql(f"SET search_path TO {quote_name(schema)}")
    connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'")
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        if not connection.invalidated:
            connection.exec_driver_sql("RESET search_path")
            connection.exec_driver_sql("RESET lock_timeout")
            connection.commit()


class _Run:
    """One plugin's run: what Alembic asks for, and which step it is at."""

    def __init__(self, connection: sa.Connection, plugin: str, directory: ScriptDirectory) -> None:
        self._connection = connection
        self._plugin = plugin
        self._directory = directory
        self.current = "?"

    def context(self, note: object = None) -> MigrationContext:
        """Return an Alembic context whose work is to go to the newest revision."""
        options: dict[str, Any] = {  # Alembic's own type for its options
            "fn": self._watched,
            "version_table": version_table(self._plugin),
            "transaction_per_migration": True,
            "on_version_apply": (note,) if note is not None else (),
        }
        return MigrationContext.configure(self._connection, opts=options)

    def steps(self, heads: tuple[str, ...]) -> list[RevisionStep]:
        """Return the steps from `heads` to the newest revision."""
        if not self._directory.get_heads():
            return []
        try:
            scripts = list(self._directory.iterate_revisions("head", heads, implicit_base=True))
        except (CommandError, RevisionError) as error:
            raise Misconfigured(
                f"The tables of {self._plugin} are at revision {', '.join(heads) or 'none'}, "
                f"from which its scripts know no way on: {error}.",
                next_step="Install the version of the plugin that made them, or a newer one.",
            ) from error
        revisions = self._directory.revision_map
        return [
            MigrationStep.upgrade_from_script(revisions, script) for script in reversed(scripts)
        ]

    def _watched(self, heads: tuple[str, ...], _context: object) -> Iterator[RevisionStep]:
        for step in self.steps(heads):
            self.current = str(step.revision.revision)
            yield step


@contextmanager
def _turn(connection: sa.Connection, schema: str) -> Generator[None]:
    """Migrate a schema in one process at a time."""
    key = {"key": f"hansa:migrate:{schema}"}
    connection.exec_driver_sql(f"SET lock_timeout = '{_TURN_SECONDS_MAX}s'")
    try:
        connection.execute(sa.text("SELECT pg_advisory_lock(hashtextextended(:key, 0))"), key)
    except OperationalError as error:
        connection.rollback()
        raise Busy(
            f"Another process has been migrating {schema} for a minute.",
            next_step="Wait for it, then run `hansa migrate` again.",
        ) from error
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        if not connection.invalidated:
            connection.execute(sa.text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), key)
            connection.commit()


def _make_read_only(connection: sa.Connection, table: str) -> None:
    """Take from the tenant's role what the schema's default privileges gave it on `table`."""
    for role in connection.scalars(_GRANTEES, {"table": quote_name(table)}).all():
        connection.exec_driver_sql(
            f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {quote_name(table)} FROM {role}"
        )
    connection.commit()


def _failure(error: DBAPIError, what: str) -> Busy | Misconfigured:
    if isinstance(error.orig, psycopg.errors.LockNotAvailable):
        return Busy(
            f"Migration {what} gave way: others held a table's lock for "
            f"{LOCK_TIMEOUT_SECONDS} seconds.",
            next_step="Run `hansa migrate` again; steps already taken are kept.",
        )
    said = " ".join(str(error.orig).split())
    return Misconfigured(
        f"Migration {what} failed: {said}.",
        next_step="Steps before it are kept. Remove the cause and run `hansa migrate` again.",
    )
