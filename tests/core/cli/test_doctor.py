"""What `hansa doctor` and `hansa serve` say of a company whose tables are not as they should be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hansa_core.tenants.directory import drop_tenant
from hansa_core.tenants.owner import owner_engine
from tests.core.cli.conftest import Hansa, run_program

SLUG = "patient"
SCHEMA = "t_patient"


@pytest.fixture
def owner(hansa: Hansa, own_database: str) -> Iterator[sa.Connection]:
    """The owner's connection to the database of a company made for this test."""
    assert hansa("tenant", "create", SLUG, "--plugin", "crm").code == 0
    with owner_engine(own_database) as engine:
        with engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")
        drop_tenant(engine, SLUG)


def findings(hansa: Hansa) -> dict[str, str]:
    """What is wrong with the company, by what was looked at."""
    found = json.loads(hansa("doctor", "--json").out)
    assert {f"{what} of {SLUG}" for what in ("migrations", "tables", "privileges")} <= {
        each["check"] for each in found
    }
    return {each["check"]: each["says"] for each in found if not each["ok"]}


def test_doctor_tells_how_tables_differ_from_declarations(
    hansa: Hansa, owner: sa.Connection
) -> None:
    for statement in (
        "ALTER TABLE {0}.crm_deal DROP COLUMN title",
        "ALTER TABLE {0}.crm_deal ADD COLUMN stray text",
        "ALTER TABLE {0}.crm_deal ALTER COLUMN currency TYPE varchar(3)",
        "DROP TABLE {0}.system_seed",
        "CREATE TABLE {0}.crm_extra (id int)",
        "CREATE INDEX crm_deal_stray_idx ON {0}.crm_deal (stray)",
        "DROP INDEX {0}.crm_deal_party_idx",
    ):
        owner.exec_driver_sql(statement.format(SCHEMA))
    (said,) = findings(hansa).values()
    for difference in (
        "crm_deal.title is missing",
        "crm_deal.stray is not declared",
        "crm_deal.currency is of another kind",
        "system_seed is missing",
        "crm_extra is not declared",
        "crm_deal has an index crm_deal_stray_idx that is not declared",
        "crm_deal lacks the index crm_deal_party_idx",
    ):
        assert difference in said
    assert "hansa plugin makemigrations" in said


def test_serving_waits_for_migrations_and_says_which(
    hansa: Hansa, owner: sa.Connection, home: Path, own_database: str
) -> None:
    owner.exec_driver_sql("DELETE FROM t_patient.crm_migration")
    refused = run_program(home, "serve", "--port", "0", database_url=own_database)
    assert refused.code == 2
    assert f"{SLUG} waits for crm:0001." in refused.err
    assert "`hansa migrate`" in refused.err
    assert "crm:0001 wait." in findings(hansa)[f"migrations of {SLUG}"]
    owner.exec_driver_sql("INSERT INTO t_patient.crm_migration VALUES ('0001')")
    assert findings(hansa) == {}


@pytest.mark.parametrize(
    ("table", "privilege"),
    [
        ("system_event", "UPDATE"),
        ("system_event_seal", "DELETE"),
        ("hansa_migration_step", "UPDATE"),
        ("crm_migration", "INSERT"),
    ],
)
def test_doctor_finds_a_ledger_that_could_be_changed_and_migrate_mends_it(
    hansa: Hansa, owner: sa.Connection, table: str, privilege: str
) -> None:
    role = owner.scalar(sa.text("SELECT role_name FROM hansa.tenant WHERE slug = 'patient'"))
    owner.exec_driver_sql(f'GRANT {privilege} ON {SCHEMA}.{table} TO "{role}"')
    found = findings(hansa)
    assert f"{privilege} on {table}" in found[f"privileges of {SLUG}"]
    assert hansa("migrate").code == 0
    assert findings(hansa) == {}
