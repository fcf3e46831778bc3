"""Scripts that are written do their work: circles, changed types, and none that would not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.migrate.autogenerate import make_migration
from hansa_core.migrate.runner import upgrade
from hansa_core.storage.statements import TENANT_SCHEMA
from hansa_core.storage.transaction import Tenant
from hansa_sdk.errors import Misconfigured
from tests.core.migrate.test_runner import create, write


def key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{TENANT_SCHEMA}.{target}.id"], name=f"{table}_{column}_fkey"
    )


def toys(column: sa.Column[Any] | None = None, *, circle: bool = False) -> sa.MetaData:
    metadata = sa.MetaData(schema=TENANT_SCHEMA)
    parts: list[sa.schema.SchemaItem] = [] if column is None else [column]
    if circle:
        parts += [sa.Column("best", sa.Uuid), key("toy_box", "best", "toy_car")]
        parts += [sa.Column("outer", sa.Uuid), key("toy_box", "outer", "toy_box")]
    sa.Table("toy_box", metadata, sa.Column("id", sa.Uuid, primary_key=True), *parts)
    if circle:
        sa.Table(
            "toy_car",
            metadata,
            sa.Column("id", sa.Uuid, primary_key=True),
            sa.Column("box", sa.Uuid, nullable=False),
            key("toy_car", "box", "toy_box"),
        )
    return metadata


def written(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "versions").glob("*.py"))


def test_new_tables_may_refer_to_each_other(
    connection: sa.Connection, tenant: Tenant, scripts: Path
) -> None:
    assert make_migration(connection, "toy", toys(circle=True), scripts, "first") is not None
    assert make_migration(connection, "toy", toys(circle=True), scripts, "again") is None
    assert upgrade(connection, tenant.schema, "toy", scripts) == ["0001"]
    inspector = sa.inspect(connection)
    found = {
        (table, str(each["constrained_columns"][0]), each["referred_table"])
        for table in ("toy_box", "toy_car")
        for each in inspector.get_foreign_keys(table, schema=tenant.schema)
    }
    assert found == {
        ("toy_box", "best", "toy_car"),
        ("toy_box", "outer", "toy_box"),
        ("toy_car", "box", "toy_box"),
    }


@pytest.mark.parametrize(
    ("before", "after", "value", "kept"),
    [
        (sa.BigInteger(), sa.Text(), "7", "7"),
        (sa.BigInteger(), sa.Numeric(20, 6), "7", "7.000000"),
        (sa.Numeric(20, 4), sa.Numeric(20, 6), "1.5", "1.500000"),
        (sa.Date(), sa.DateTime(timezone=True), "'2026-01-02'", "2026-01-02 00:00:00+00"),
        (postgresql.ARRAY(sa.Text), sa.Text(), "'{a,b}'", "{a,b}"),
        (sa.Boolean(), sa.Text(), "true", "true"),
    ],
)
def test_type_may_change_where_every_value_is_kept(
    connection: sa.Connection,
    tenant: Tenant,
    scripts: Path,
    before: sa.types.TypeEngine[object],
    after: sa.types.TypeEngine[object],
    value: str,
    kept: str,
) -> None:
    make_migration(connection, "toy", toys(sa.Column("it", before)), scripts, "first")
    upgrade(connection, tenant.schema, "toy", scripts)
    connection.exec_driver_sql(
        f"INSERT INTO {tenant.schema}.toy_box VALUES (gen_random_uuid(), {value})"  # noqa: S608  # our own values
    )
    connection.commit()
    assert make_migration(connection, "toy", toys(sa.Column("it", after)), scripts, "change")
    assert upgrade(connection, tenant.schema, "toy", scripts) == ["0002"]
    connection.exec_driver_sql("SET LOCAL timezone = 'UTC'")
    found = connection.exec_driver_sql(f"SELECT it::text FROM {tenant.schema}.toy_box").scalar()  # noqa: S608  # our own schema
    connection.rollback()
    assert found == kept


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (sa.Text(), sa.BigInteger(), "toy_box.it from TEXT to BIGINT"),
        (sa.Numeric(20, 6), sa.Numeric(20, 4), "from NUMERIC(20, 6) to NUMERIC(20, 4)"),
        (sa.Numeric(20, 6), sa.BigInteger(), "from NUMERIC(20, 6) to BIGINT"),
        (sa.DateTime(timezone=True), sa.Date(), "from TIMESTAMP WITH TIME ZONE to DATE"),
        (sa.Boolean(), sa.Date(), "from BOOLEAN to DATE"),
        (sa.Text(), postgresql.JSONB(), "from TEXT to JSONB"),
        (sa.Text(), postgresql.ARRAY(sa.Text), "from TEXT to TEXT[]"),
    ],
)
def test_type_is_not_changed_where_values_could_be_lost(
    connection: sa.Connection,
    scripts: Path,
    before: sa.types.TypeEngine[object],
    after: sa.types.TypeEngine[object],
    change: str,
) -> None:
    make_migration(connection, "toy", toys(sa.Column("it", before)), scripts, "first")
    with pytest.raises(Misconfigured) as refused:
        make_migration(connection, "toy", toys(sa.Column("it", after)), scripts, "change")
    assert change in refused.value.message
    assert "Add a field of another name" in refused.value.next_step
    assert written(scripts) == ["0001_first.py"]


def test_script_that_does_not_run_is_not_left(connection: sa.Connection, scripts: Path) -> None:
    default = sa.Column("it", sa.Text, server_default=sa.text("no_such_function()"))
    with pytest.raises(Misconfigured, match=r"does not do its work.*no_such_function") as refused:
        make_migration(connection, "toy", toys(default), scripts, "first")
    assert "Nothing was written" in refused.value.next_step
    assert written(scripts) == []


def test_script_that_leaves_a_difference_is_not_left(
    connection: sa.Connection, scripts: Path
) -> None:
    """PostgreSQL cuts a name of more than 63 bytes, so the column declared is never there."""
    long = sa.Column("i" * 70, sa.Text)
    with pytest.raises(Misconfigured, match=f"after it, .*toy_box.{'i' * 70} is missing"):
        make_migration(connection, "toy", toys(long), scripts, "first")
    assert written(scripts) == []


def test_scripts_with_two_ends_are_refused(connection: sa.Connection, scripts: Path) -> None:
    write(scripts, 1, create("toy_one"))
    write(scripts, 2, create("toy_two"))
    other = scripts / "versions" / "0003_step.py"
    text = (scripts / "versions" / "0002_step.py").read_text()
    other.write_text(text.replace('"0002"', '"0003"'))
    with pytest.raises(Misconfigured, match=r"several ends: 0002, 0003\."):
        make_migration(connection, "toy", toys(), scripts, "merge")
