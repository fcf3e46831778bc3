"""The walls between tenants: what a role and the bare login can read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
import sqlalchemy as sa

from hansa_core.storage.database import Database
from hansa_core.storage.statements import TENANT_SCHEMA
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.logins import prepare_app_login, restrict_tables, self_check
from hansa_core.tenants.owner import with_login
from hansa_sdk.errors import Misconfigured
from tests.core.tenants.conftest import Installed

NOTE = sa.Table(
    "note",
    sa.MetaData(),
    sa.Column("id", sa.Integer),
    sa.Column("word", sa.Text),
    schema=TENANT_SCHEMA,
)


@pytest.fixture(scope="module")
async def database(installation: Installed) -> AsyncIterator[Database]:
    opened = await Database.connect(installation.app_url)
    yield opened
    await opened.close()


async def test_tenant_works_on_its_own_rows(
    database: Database, tenants: tuple[Tenant, Tenant]
) -> None:
    for tenant in tenants:
        async with database.transaction(tenant) as session:
            await session.execute(sa.insert(NOTE).values(word="more"))
            await session.execute(sa.update(NOTE).values(word=NOTE.c.word + "!"))
            await session.execute(sa.delete(NOTE).where(NOTE.c.word == "more!"))
            assert await session.fetch_value(sa.select(NOTE.c.word)) == f"{tenant.slug}!"
            await session.execute(sa.update(NOTE).values(word=tenant.slug))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM {other}.note",
        "INSERT INTO {other}.note (word) VALUES ('x')",
        "UPDATE {other}.note SET word = 'x'",
        "DELETE FROM {other}.note",
        "TRUNCATE {other}.note",
        "LOCK TABLE {other}.note",
        "SELECT nextval('{other}.note_id_seq')",
        "CREATE TABLE {other}.mine (id int)",
        "CREATE TABLE {own}.mine (id int)",
        "CREATE VIEW {own}.peek AS SELECT * FROM {other}.note",
        "CREATE SCHEMA mine",
        "DROP TABLE {own}.note",
        "SELECT * FROM hansa.tenant",
        "UPDATE hansa.tenant SET slug = 'x'",
        "SET LOCAL ROLE {owner}",
        "GRANT {other_role} TO {own_role}",
        "SELECT * FROM pg_authid",
        "COPY {own}.note TO PROGRAM 'cat'",
    ],
)
async def test_statement_from_a_tenants_role_is_refused(
    database: Database, installation: Installed, tenants: tuple[Tenant, Tenant], statement: str
) -> None:
    own, other = tenants
    text = statement.format(
        own=own.schema,
        other=other.schema,
        own_role=own.role,
        other_role=other.role,
        owner=sa.make_url(installation.owner_url).username,
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(own) as session:
            await session.execute(sa.text(text))


async def test_restricted_table_only_grows(
    database: Database, installation: Installed, tenants: tuple[Tenant, Tenant]
) -> None:
    tenant = tenants[1]
    with installation.engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {tenant.schema}.event (id int)")
        restrict_tables(connection, tenant, [("event", ("UPDATE", "DELETE", "TRUNCATE"))])

    event = f"{tenant.schema}.event"
    async with database.transaction(tenant) as session:
        await session.execute(sa.text(f"INSERT INTO {event} VALUES (1)"))  # noqa: S608  # our own name
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(tenant) as session:
            await session.execute(sa.text(f"UPDATE {event} SET id = 2"))  # noqa: S608  # our own name


async def test_bare_login_reads_no_tenant_without_set_role(
    database: Database, tenants: tuple[Tenant, Tenant]
) -> None:
    for tenant in tenants:
        async with database.transaction(tenant) as session:
            await session.execute(sa.text("RESET ROLE"))
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with session.savepoint():
                    await session.fetch(sa.select(NOTE))


async def test_login_is_as_weak_as_the_check_says(installation: Installed) -> None:
    with installation.engine.begin() as connection:
        self_check(connection)
        row = connection.execute(
            sa.text("SELECT rolinherit, rolsuper FROM pg_roles WHERE rolname = :login"),
            {"login": sa.make_url(installation.app_url).username},
        ).one()
    assert tuple(row) == (False, False)


@pytest.mark.parametrize(
    ("weaken", "said"),
    [
        ("ALTER ROLE {login} BYPASSRLS", "BYPASSRLS"),
        ("ALTER ROLE {login} SUPERUSER", "SUPERUSER"),
        ("CREATE TABLE public.mine (id int); ALTER TABLE public.mine OWNER TO {login}", "owns 1"),
        ("GRANT pg_read_all_data TO {login}", "pg_read_all_data"),
    ],
)
def test_self_check_names_what_is_too_strong(
    installation: Installed, weaken: str, said: str
) -> None:
    login = sa.make_url(installation.app_url).username
    with installation.engine.connect() as connection:
        connection.exec_driver_sql(weaken.format(login=login))
        with pytest.raises(Misconfigured, match=said):
            self_check(connection)
        connection.rollback()


def test_given_login_is_made_and_lent_every_role(
    installation: Installed, tenants: tuple[Tenant, Tenant]
) -> None:
    own = f"{sa.make_url(installation.app_url).username}_given"
    url = with_login(installation.owner_url, own, "word")
    try:
        assert prepare_app_login(installation.engine, "", installation.home, url) == url
        with installation.engine.begin() as connection:
            lent = connection.scalars(
                sa.text(
                    "SELECT roleid::regrole::text FROM pg_auth_members "
                    "WHERE member = to_regrole(:login)"
                ),
                {"login": own},
            ).all()
        assert sorted(lent) == sorted(tenant.role for tenant in tenants)
    finally:
        prepare_app_login(installation.engine, installation.owner_url, installation.home)
        with installation.engine.begin() as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {own}; DROP ROLE {own}")


async def test_login_gets_a_new_password_when_its_file_is_lost(installation: Installed) -> None:
    file = next(installation.home.glob("*.password"))
    file.unlink()

    url = prepare_app_login(installation.engine, installation.owner_url, installation.home)

    assert sa.make_url(url).password != sa.make_url(installation.app_url).password
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT count(*) >= 0 FROM hansa.tenant")
    await connection.close()
