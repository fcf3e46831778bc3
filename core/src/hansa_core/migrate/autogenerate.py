"""Writes the next migration script of a plugin: its declared tables against what it migrates to."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import UpgradeOps
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import SAWarning
from sqlalchemy.sql.schema import SchemaConst

from hansa_core.migrate.circles import break_circles
from hansa_core.migrate.differences import told
from hansa_core.migrate.filling import fill_new_columns
from hansa_core.migrate.rendering import render_script, slug
from hansa_core.migrate.retyping import refuse_lossy_types
from hansa_core.migrate.runner import inside, upgrade
from hansa_core.migrate.scripts import ScriptLocation, load_scripts
from hansa_core.migrate.steps import version_table
from hansa_core.storage.statements import quote_name
from hansa_sdk.errors import HansaError, Misconfigured


def make_migration(
    connection: sa.Connection,
    plugin: str,
    tables: sa.MetaData,
    script_dir: Path,
    message: str,
    *,
    requires: Sequence[tuple[str, ScriptLocation]] = (),
) -> Path | None:
    """Write the script that brings the plugin's tables to `tables`; None when they are there.

    Only tables named `<plugin>_*` count; `tables` may hold others, for foreign keys. `requires`
    are the plugins (name, scripts) migrated before it. Works in a scratch schema of the owner's
    `connection`, dropped at the end; nothing else in the database changes. A renamed column shows
    as one dropped and one added: read the script before you ship it.
    """
    scripts = load_scripts(script_dir)
    before = _head(scripts, plugin)
    owns = _owns(plugin, [name for name, _ in requires])
    with _scratch(connection) as schema:
        for name, location in (*requires, (plugin, scripts)):
            upgrade(connection, schema, name, location)
        body = _body(connection, schema, plugin, tables, owns)
        if body is None:
            return None
        revision = f"{len(list(scripts.walk_revisions())) + 1:04}"
        path = script_dir / "versions" / f"{revision}_{slug(message)}.py"
        _write(path, render_script(message, revision, before, body))
        try:
            upgrade(connection, schema, plugin, script_dir)
            _require_equal(connection, schema, plugin, tables, owns)
        except BaseException as error:
            path.unlink()
            if isinstance(error, HansaError):
                raise Misconfigured(
                    f"The migration that would be written does not do its work: {error.message}",
                    next_step=f"Nothing was written. Write it by hand, as {path}.",
                ) from error
            raise
    return path


def _head(scripts: ScriptDirectory, plugin: str) -> str | None:
    heads = scripts.get_heads()
    if len(heads) > 1:
        raise Misconfigured(
            f"The scripts of {plugin} have several ends: {', '.join(sorted(heads))}.",
            next_step="Let each but one come after another, by its down_revision.",
        )
    return heads[0] if heads else None


def _body(
    connection: sa.Connection,
    schema: str,
    plugin: str,
    tables: sa.MetaData,
    owns: Callable[[str], bool],
) -> str | None:
    """Return the statements that bring the tables in `schema` to `tables`; None for none."""
    with inside(connection, schema):
        context, operations = _compared(connection, plugin, tables, owns)
        if operations.is_empty():
            return None
        refuse_lossy_types(connection, operations)
        fill_new_columns(operations)
        break_circles(operations)
        return render_python_code(operations, migration_context=context)


def _require_equal(
    connection: sa.Connection,
    schema: str,
    plugin: str,
    tables: sa.MetaData,
    owns: Callable[[str], bool],
) -> None:
    with inside(connection, schema):
        _, operations = _compared(connection, plugin, tables, owns)
        if not operations.is_empty():
            raise Misconfigured(f"after it, {'; '.join(told(operations.ops))}.")


def _compared(
    connection: sa.Connection, plugin: str, tables: sa.MetaData, owns: Callable[[str], bool]
) -> tuple[MigrationContext, UpgradeOps]:
    target = own_metadata(connection, tables)
    context = comparison(connection, plugin, target, owns)
    with warnings.catch_warnings():  # tables in a circle have no order; `break_circles` sees to it
        warnings.filterwarnings("ignore", "Cannot correctly sort tables", SAWarning)
        operations = produce_migrations(context, target).upgrade_ops
    assert operations is not None, "Alembic compares one database at a time"
    return context, operations


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Misconfigured(
            f"The migration {path} cannot be written: {error.strerror}.",
            next_step="Run it from a checkout of the plugin you may write to.",
        ) from error


@contextmanager
def _scratch(connection: sa.Connection) -> Generator[str]:
    name = f"hansa_scratch_{secrets.token_hex(6)}"
    connection.exec_driver_sql(f"CREATE SCHEMA {quote_name(name)}")
    connection.commit()
    try:
        yield name
    finally:
        connection.rollback()
        if not connection.invalidated:
            connection.exec_driver_sql(f"DROP SCHEMA {quote_name(name)} CASCADE")
            connection.commit()


def own_metadata(connection: sa.Connection, tables: sa.MetaData) -> sa.MetaData:
    """Return `tables` without their placeholder schema, and what their foreign keys point at."""
    target = sa.MetaData(naming_convention=tables.naming_convention)
    wanted: set[str] = set()
    for table in tables.tables.values():
        table.to_metadata(target, schema=None, referred_schema_fn=_no_schema)  # type: ignore[arg-type]  # None is documented, the annotation omits it
        for column in target.tables[table.name].columns:
            # Scripts outlive our classes: they name the database type under ours. SQLAlchemy's own
            # Interval is one, too, and what it names for other databases is a timestamp.
            if isinstance(column.type, sa.TypeDecorator) and not isinstance(
                column.type, sa.Interval
            ):
                column.type = column.type.impl_instance
        wanted.update(key.target_fullname.split(".")[-2] for key in table.foreign_keys)
    missing = wanted - set(target.tables)
    known = sa.inspect(connection).get_table_names()
    for name in sorted(missing):
        if name not in known:
            raise Misconfigured(
                f"A foreign key points at the table {name}, which no plugin given here makes.",
                next_step="Name that table's plugin in `requires`.",
            )
        sa.Table(name, target, autoload_with=connection, resolve_fks=False)
    return target


def _no_schema(*_: object) -> Literal[SchemaConst.BLANK_SCHEMA]:
    return SchemaConst.BLANK_SCHEMA


def _owns(plugin: str, others: Sequence[str]) -> Callable[[str], bool]:
    """Return a test for the plugin's table names; `crm` does not own those of `crm_mail`."""
    longer = tuple(f"{other}_" for other in others if other.startswith(f"{plugin}_"))

    def owns(table: str) -> bool:
        return table.startswith(f"{plugin}_") and not (longer and table.startswith(longer))

    return owns


def comparison(
    connection: sa.Connection, plugin: str, target: sa.MetaData, owns: Callable[[str], bool]
) -> MigrationContext:
    """Return Alembic's view of the tables `owns` accepts, to compare `target` with."""

    def include_name(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or (name is not None and owns(name))

    def include_object(
        _item: object, name: str | None, kind: str, _reflected: bool, _other: object
    ) -> bool:
        return kind != "table" or (name is not None and owns(name))

    options: dict[str, Any] = {  # Alembic's own type for its options
        "target_metadata": target,
        "version_table": version_table(plugin),
        "include_name": include_name,
        "include_object": include_object,
        "compare_type": _type_differs,
        "compare_server_default": True,
    }
    return MigrationContext.configure(connection, opts=options)


def _type_differs(
    _context: object, _found: object, _declared: object, before: object, after: object
) -> bool | None:
    """Tell a list from a single value, which Alembic does not; leave the rest to it."""
    return True if isinstance(before, sa.ARRAY) != isinstance(after, sa.ARRAY) else None
