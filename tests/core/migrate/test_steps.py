"""Asking without Alembic whether anything is to be migrated: only a certain yes is a yes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from hansa_core.migrate.runner import upgrade
from hansa_core.migrate.scripts import Revisions, plain_revisions
from hansa_core.migrate.steps import allowed, is_current, ledger_rules
from hansa_core.storage.transaction import Tenant
from hansa_sdk import Plugin
from tests.core.migrate.test_runner import create, write

TOY = Plugin(name="toy", migrations="toy_scripts")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "toy_scripts"
    (folder / "versions").mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    importlib.invalidate_caches()
    write(folder, 1, create("toy_deal"))
    write(folder, 2, create("toy_stage"))
    return folder


def current(connection: sa.Connection, tenant: Tenant) -> bool:
    found = is_current(connection, tenant, [TOY])
    connection.rollback()
    return found


def test_schema_is_current_only_after_every_step(
    connection: sa.Connection, tenant: Tenant, package: Path
) -> None:
    assert not current(connection, tenant)
    upgrade(connection, tenant.schema, "toy", package)
    assert current(connection, tenant)
    write(package, 3, create("toy_line"))
    assert not current(connection, tenant)
    upgrade(connection, tenant.schema, "toy", package)
    assert current(connection, tenant)
    (package / "versions" / "0003_step.py").unlink()  # an older version of the plugin
    assert not current(connection, tenant)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {0}.toy_migration SET version_num = '0001'",
        "DELETE FROM {0}.hansa_migration_step WHERE revision = '0001'",
        "DROP TABLE {0}.toy_migration",
        'GRANT DELETE ON {0}.toy_migration TO "{1}"',
        'GRANT UPDATE ON {0}.hansa_migration_step TO "{1}"',
    ],
)
def test_schema_is_not_current_when_its_notes_were_touched(
    connection: sa.Connection, tenant: Tenant, package: Path, statement: str
) -> None:
    upgrade(connection, tenant.schema, "toy", package)
    connection.exec_driver_sql(statement.format(tenant.schema, tenant.role))
    connection.commit()
    assert not current(connection, tenant)


def test_privileges_that_a_role_should_not_have_are_named(
    connection: sa.Connection, tenant: Tenant, package: Path
) -> None:
    upgrade(connection, tenant.schema, "toy", package)
    rules = ledger_rules([TOY])
    assert allowed(connection, tenant, rules) == []
    connection.exec_driver_sql(
        f'GRANT INSERT, TRUNCATE ON {tenant.schema}.toy_migration TO "{tenant.role}"'
    )
    assert allowed(connection, tenant, [*rules, ("absent", ("SELECT",))]) == [
        "INSERT on toy_migration",
        "TRUNCATE on toy_migration",
    ]


def test_revisions_are_read_from_plain_scripts(package: Path) -> None:
    assert plain_revisions(package) == Revisions(frozenset({"0001", "0002"}), frozenset({"0002"}))


@pytest.mark.parametrize(
    "text",
    [
        "revision: str = '0003'\ndown_revision = '0002'\n",
        "revision = '0003'\ndown_revision = '0002'\nrevision = '0004'\n",
        "revision = '0003'\n",
        "revision = '0003'\ndown_revision = ('0001', '0002')\n",
        "revision = '0002'\ndown_revision = '0001'\n",
        "revision = '0003'\ndown_revision = 'elsewhere'\n",
        "revision = name()\ndown_revision = None\n",
    ],
)
def test_scripts_laid_out_otherwise_are_left_to_alembic(package: Path, text: str) -> None:
    (package / "versions" / "0003_other.py").write_text(text)
    assert plain_revisions(package) is None
