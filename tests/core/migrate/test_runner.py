"""Running scripts: one transaction and one ledger row a step, resumed where they stopped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from hansa_core.clock import FixedClock
from hansa_core.migrate.runner import pending, upgrade
from hansa_core.migrate.scripts import load_scripts
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.directory import create_tenant, drop_tenant
from hansa_sdk.errors import Busy, Misconfigured
from tests.core.tenants.conftest import Installed

SCRIPT = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {before}


def upgrade() -> None:
    {body}
"""


def write(folder: Path, number: int, body: str) -> None:
    before = f'"{number - 1:04}"' if number > 1 else None
    text = SCRIPT.format(revision=f"{number:04}", before=before, body=body)
    (folder / "versions" / f"{number:04}_step.py").write_text(text)


def create(name: str) -> str:
    return f'op.create_table("{name}", sa.Column("id", sa.Integer(), primary_key=True))'


def tables(connection: sa.Connection, schema: str) -> set[str]:
    found = set(sa.inspect(connection).get_table_names(schema=schema))
    connection.rollback()
    return found


def test_upgrade_takes_every_step_once(
    connection: sa.Connection, tenant: Tenant, scripts: Path
) -> None:
    write(scripts, 1, create("toy_deal"))
    write(scripts, 2, create("toy_stage"))
    clock = FixedClock()

    assert pending(connection, tenant.schema, "toy", scripts) == ["0001", "0002"]
    assert upgrade(connection, tenant.schema, "toy", scripts, clock=clock) == ["0001", "0002"]
    assert upgrade(connection, tenant.schema, "toy", scripts, clock=clock) == []
    assert pending(connection, tenant.schema, "toy", scripts) == []

    assert {"toy_deal", "toy_stage", "toy_migration"} <= tables(connection, tenant.schema)
    ledger = sa.text(f"SELECT plugin, revision, at FROM {tenant.schema}.hansa_migration_step")  # noqa: S608  # our own schema
    assert [tuple(row) for row in connection.execute(ledger)] == [
        ("toy", "0001", clock.now()),
        ("toy", "0002", clock.now()),
    ]


def test_upgrade_resumes_after_a_failure_in_the_middle(
    connection: sa.Connection, tenant: Tenant, scripts: Path
) -> None:
    write(scripts, 1, create("toy_one"))
    write(scripts, 2, f'{create("toy_two")}; op.execute("SELECT 1 / 0")')
    write(scripts, 3, create("toy_three"))

    with pytest.raises(Misconfigured, match=r"toy 0002 in .* failed: division by zero"):
        upgrade(connection, tenant.schema, "toy", scripts)
    made = tables(connection, tenant.schema)
    assert "toy_one" in made
    assert not {"toy_two", "toy_three"} & made

    write(scripts, 2, create("toy_two"))
    assert upgrade(connection, tenant.schema, "toy", scripts) == ["0002", "0003"]
    assert {"toy_one", "toy_two", "toy_three"} <= tables(connection, tenant.schema)


def test_upgrade_gives_way_to_a_lock_and_resumes(
    connection: sa.Connection, installation: Installed, tenant: Tenant, scripts: Path
) -> None:
    write(scripts, 1, create("toy_deal"))
    upgrade(connection, tenant.schema, "toy", scripts)
    write(scripts, 2, 'op.add_column("toy_deal", sa.Column("word", sa.Text()))')

    with installation.engine.begin() as holder:
        holder.exec_driver_sql(f"LOCK TABLE {tenant.schema}.toy_deal")
        with pytest.raises(Busy, match="0002"):
            upgrade(connection, tenant.schema, "toy", scripts)
    assert upgrade(connection, tenant.schema, "toy", scripts) == ["0002"]


def test_step_may_build_an_index_concurrently(
    connection: sa.Connection, tenant: Tenant, scripts: Path
) -> None:
    write(scripts, 1, create("toy_deal"))
    body = """with op.get_context().autocommit_block():
        op.create_index("toy_idx", "toy_deal", ["id"], postgresql_concurrently=True)"""
    write(scripts, 2, body)
    write(scripts, 3, create("toy_stage"))

    assert upgrade(connection, tenant.schema, "toy", scripts) == ["0001", "0002", "0003"]
    indexes = sa.inspect(connection).get_indexes("toy_deal", schema=tenant.schema)
    assert [index["name"] for index in indexes] == ["toy_idx"]


def test_plugins_keep_revisions_apart(
    connection: sa.Connection, tenant: Tenant, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "versions").mkdir(parents=True)
        write(folder, 1, create(f"{name}_thing"))
        assert upgrade(connection, tenant.schema, name, folder) == ["0001"]

    assert {"one_migration", "two_migration"} <= tables(connection, tenant.schema)


def test_tenants_are_migrated_one_by_one(
    connection: sa.Connection, installation: Installed, tenant: Tenant, scripts: Path
) -> None:
    write(scripts, 1, create("toy_deal"))
    loaded = load_scripts(scripts)
    other = create_tenant(installation.engine, "other")
    try:
        assert upgrade(connection, tenant.schema, "toy", loaded) == ["0001"]
        assert tables(connection, other.schema) == set()
        assert upgrade(connection, other.schema, "toy", loaded) == ["0001"]
    finally:
        drop_tenant(installation.engine, other.slug)


def test_concurrent_upgrades_take_each_step_once(
    installation: Installed, tenant: Tenant, scripts: Path
) -> None:
    for number in range(1, 6):
        write(scripts, number, create(f"toy_{number}"))

    def run(_number: int) -> list[str]:
        with installation.engine.connect() as connection:
            return upgrade(connection, tenant.schema, "toy", scripts)

    with ThreadPoolExecutor(4) as pool:
        steps = [step for taken in pool.map(run, range(4)) for step in taken]
    assert steps == ["0001", "0002", "0003", "0004", "0005"]


def test_search_path_and_lock_timeout_are_as_before(
    connection: sa.Connection, tenant: Tenant, scripts: Path
) -> None:
    before = [
        connection.scalar(sa.text(f"SHOW {name}")) for name in ("search_path", "lock_timeout")
    ]
    connection.rollback()
    write(scripts, 1, 'raise RuntimeError("a mistake in the script")')

    with pytest.raises(RuntimeError, match="a mistake"):
        upgrade(connection, tenant.schema, "toy", scripts)

    after = [connection.scalar(sa.text(f"SHOW {name}")) for name in ("search_path", "lock_timeout")]
    assert after == before


def test_tenant_works_on_new_tables_but_not_on_the_ledger(
    connection: sa.Connection, tenant: Tenant, scripts: Path
) -> None:
    write(scripts, 1, create("toy_deal"))
    upgrade(connection, tenant.schema, "toy", scripts)

    def may(table: str, privilege: str) -> bool:
        allowed = connection.scalar(
            sa.text("SELECT has_table_privilege(:role, :name, :privilege)"),
            {"role": tenant.role, "name": f"{tenant.schema}.{table}", "privilege": privilege},
        )
        return bool(allowed)

    assert may("toy_deal", "INSERT")
    for table in ("toy_migration", "hansa_migration_step"):
        assert may(table, "SELECT")
        for privilege in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
            assert not may(table, privilege)


def test_schema_ahead_of_its_scripts_is_refused(
    connection: sa.Connection, tenant: Tenant, scripts: Path
) -> None:
    write(scripts, 1, create("toy_one"))
    write(scripts, 2, create("toy_two"))
    upgrade(connection, tenant.schema, "toy", scripts)
    (scripts / "versions" / "0002_step.py").unlink()

    with pytest.raises(Misconfigured, match="at revision 0002"):
        upgrade(connection, tenant.schema, "toy", scripts)


def test_missing_scripts_are_named(connection: sa.Connection, tenant: Tenant) -> None:
    with pytest.raises(Misconfigured, match=r"hansa_toy\.migrations"):
        upgrade(connection, tenant.schema, "toy", "hansa_toy.migrations")
