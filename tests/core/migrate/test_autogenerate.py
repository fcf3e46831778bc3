"""Writing scripts: only the plugin's own changes, and nothing left to write after running them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.migrate.autogenerate import make_migration
from hansa_core.migrate.rendering import render_script
from hansa_core.migrate.runner import upgrade
from hansa_core.storage.statements import TENANT_SCHEMA
from hansa_core.storage.transaction import Tenant
from hansa_sdk.errors import Misconfigured


class Coin(sa.TypeDecorator[object]):
    """A column type of our own, which no script may name."""

    impl = sa.Numeric(20, 4)
    cache_ok = True


def declared(*, grown: bool = False) -> sa.MetaData:
    metadata = sa.MetaData(schema=TENANT_SCHEMA)
    sa.Table(
        "base_party",
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )
    sa.Table(
        "toy_deal",
        metadata,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("party_id", sa.Uuid, nullable=False),
        sa.Column("amount", Coin),
        sa.Column("rate", sa.Numeric(20, 10), server_default="1"),
        sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'it''s new'")),
        sa.Column("words", postgresql.ARRAY(sa.Text)),
        sa.Column("extra", postgresql.JSONB),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount >= 0", name="toy_deal_amount_check"),
        sa.UniqueConstraint("party_id", "state", name="toy_deal_party_id_state_key"),
        sa.ForeignKeyConstraint(
            ["party_id"],
            [f"{TENANT_SCHEMA}.base_party.id"],
            name="toy_deal_party_id_fkey",
            ondelete="RESTRICT",
        ),
        sa.Index("toy_deal_party_id_idx", "party_id"),
        sa.Index("toy_deal_words_idx", "words", postgresql_using="gin"),
    )
    if grown:
        deal = metadata.tables["__tenant__.toy_deal"]
        deal.append_column(sa.Column("note", sa.Text))
        sa.Index("toy_deal_note_idx", deal.c.note, deal.c.state, deal.c.party_id, deal.c.amount)
    return metadata


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    (folder / "versions").mkdir(parents=True)
    return folder


def namespaces(connection: sa.Connection) -> set[str]:
    found = set(sa.inspect(connection).get_schema_names())
    connection.rollback()
    return found


def test_script_of_each_plugin_brings_its_own_tables_only(
    connection: sa.Connection, tenant: Tenant, base: Path, scripts: Path
) -> None:
    tables, before = declared(), namespaces(connection)

    first = make_migration(connection, "base", tables, base, "First tables")
    requires = [("base", base)]
    second = make_migration(connection, "toy", tables, scripts, "First tables", requires=requires)
    assert first is not None
    assert second is not None
    assert second == scripts / "versions" / "0001_first_tables.py"
    assert "toy_" not in first.read_text()
    text = second.read_text()
    assert 'create_table(\n        "toy_deal"' in text
    assert 'create_table("base_party"' not in text
    for word in ("__tenant__", "Coin", "hansa_", "schema="):
        assert word not in text

    assert make_migration(connection, "base", tables, base, "Again") is None
    assert make_migration(connection, "toy", tables, scripts, "Again", requires=requires) is None
    assert namespaces(connection) == before

    assert upgrade(connection, tenant.schema, "base", base) == ["0001"]
    assert upgrade(connection, tenant.schema, "toy", scripts) == ["0001"]
    keys = sa.inspect(connection).get_foreign_keys("toy_deal", schema=tenant.schema)
    assert [key["referred_schema"] for key in keys] == [tenant.schema]


def test_second_script_holds_the_difference(
    connection: sa.Connection, base: Path, scripts: Path
) -> None:
    requires = [("base", base)]
    make_migration(connection, "base", declared(), base, "First tables")
    make_migration(connection, "toy", declared(), scripts, "First tables", requires=requires)

    path = make_migration(
        connection, "toy", declared(grown=True), scripts, "Deals: a note", requires=requires
    )

    assert path is not None
    assert path.name == "0002_deals_a_note.py"
    text = path.read_text()
    assert 'down_revision = "0001"' in text
    assert 'op.add_column("toy_deal", sa.Column("note", sa.Text(), nullable=True))' in text
    assert "create_table" not in text


def test_written_scripts_are_formatted_and_typed(
    connection: sa.Connection, base: Path, scripts: Path
) -> None:
    requires = [("base", base)]
    for plugin, folder in (("base", base), ("toy", scripts)):
        make_migration(
            connection,
            plugin,
            declared(),
            folder,
            'A "first"',
            requires=requires[: folder is scripts],
        )
    make_migration(connection, "toy", declared(grown=True), scripts, "grow", requires=requires)

    paths = [str(path) for folder in (base, scripts) for path in folder.rglob("000*.py")]
    assert len(paths) == 3
    for command in (["format", "--check", "--diff"], ["check"]):
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", "pyproject.toml", *paths],
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stdout + run.stderr


def test_tables_of_a_plugin_with_a_longer_name_are_not_ours(
    connection: sa.Connection, base: Path, scripts: Path
) -> None:
    tables = sa.MetaData(schema=TENANT_SCHEMA)
    sa.Table("toy_car", tables, sa.Column("id", sa.Uuid, primary_key=True))
    sa.Table("toy_shop_shelf", tables, sa.Column("id", sa.Uuid, primary_key=True))

    make_migration(connection, "toy_shop", tables, base, "first")
    path = make_migration(
        connection, "toy", tables, scripts, "first", requires=[("toy_shop", base)]
    )

    assert path is not None
    assert "toy_shop_shelf" not in path.read_text()


def test_foreign_key_to_another_plugins_table_is_found_in_its_scripts(
    connection: sa.Connection, base: Path, scripts: Path
) -> None:
    make_migration(connection, "base", declared(), base, "first")
    own = sa.MetaData(schema=TENANT_SCHEMA)
    sa.Table(
        "toy_note",
        own,
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("party_id", sa.Uuid, sa.ForeignKey(f"{TENANT_SCHEMA}.base_party.id")),
    )

    with pytest.raises(Misconfigured, match="base_party"):
        make_migration(connection, "toy", own, scripts, "first")
    assert make_migration(connection, "toy", own, scripts, "first", requires=[("base", base)])


def test_no_script_when_the_disk_refuses(connection: sa.Connection, base: Path) -> None:
    (base / "versions").rmdir()
    (base / "versions").touch()

    with pytest.raises(Misconfigured, match="cannot be written"):
        make_migration(connection, "base", declared(), base, "first")


def test_long_message_stays_a_docstring() -> None:
    text = render_script('say "hi" \\ there', "0001", None, "pass")

    assert text.startswith('"""Say \'hi\'  there."""'.replace("  ", " "))
