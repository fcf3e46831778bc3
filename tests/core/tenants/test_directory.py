"""The directory: tenants made, found and dropped; databases that share a server."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from hansa_core.tenants.databases import drop_database, ensure_database
from hansa_core.tenants.directory import (
    add_host,
    create_tenant,
    drop_tenant,
    ensure_tenant,
    find_tenant,
    list_tenants,
)
from hansa_core.tenants.installation import prepare_directory, read_mark, write_mark
from hansa_core.tenants.logins import prepare_app_login
from hansa_core.tenants.owner import owner_engine, with_database, with_login
from hansa_sdk.errors import Duplicate, HansaError, Invalid, Misconfigured, NotFound
from tests.core.tenants.conftest import Installed, installed


def roles(engine: sa.Engine, prefix: str) -> set[str]:
    with engine.begin() as connection:
        found = connection.scalars(
            sa.text("SELECT rolname FROM pg_roles WHERE starts_with(rolname, :prefix)"),
            {"prefix": prefix},
        )
        return set(found)


def test_create_tenant_gives_schema_and_role(installation: Installed) -> None:
    tenant = create_tenant(installation.engine, "one-two")

    assert tenant.schema == "t_one_two"
    assert tenant.role.endswith("_t_one_two")
    assert find_tenant(installation.engine, "one-two") == tenant
    assert tenant in list_tenants(installation.engine)
    with pytest.raises(Duplicate):
        create_tenant(installation.engine, "one-two")


def test_longest_slug_fits_a_role_name(installation: Installed) -> None:
    tenant = create_tenant(installation.engine, "a" * 31)

    assert len(tenant.role) <= 63
    drop_tenant(installation.engine, tenant.slug)


@pytest.mark.parametrize("slug", ["", "A", "1a", "a_b", "a b", "a" * 32, "a-", "é", "a;drop"])
def test_create_tenant_refuses_a_bad_slug(installation: Installed, slug: str) -> None:
    with pytest.raises(Invalid):
        create_tenant(installation.engine, slug)


@pytest.mark.parametrize("host", ["", "a b", "x.localhost", "localhost", "http://a", "a:80"])
def test_add_host_refuses_a_bad_name(installation: Installed, host: str) -> None:
    ensure_tenant(installation.engine, "hosts")
    with pytest.raises(Invalid):
        add_host(installation.engine, "hosts", host)


def test_host_means_one_tenant_only(installation: Installed) -> None:
    ensure_tenant(installation.engine, "hosts")
    add_host(installation.engine, "hosts", "Taken.Example.")

    with pytest.raises(Duplicate):
        create_tenant(installation.engine, "other", hosts=["taken.example"])
    with pytest.raises(NotFound):
        find_tenant(installation.engine, "other")


def test_drop_tenant_leaves_no_schema_and_no_role(installation: Installed) -> None:
    tenant = create_tenant(installation.engine, "gone")
    with installation.engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {tenant.schema}.note (id int)")

    drop_tenant(installation.engine, "gone")

    assert roles(installation.engine, tenant.role) == set()
    with pytest.raises(NotFound):
        drop_tenant(installation.engine, "gone")


def test_processes_that_start_at_once_set_up_one_installation(
    postgres_url: str, tmp_path: Path
) -> None:
    name = f"hansa_test_{uuid.uuid4().hex[:12]}"

    def start(_number: int) -> tuple[str, object]:
        url = ensure_database(postgres_url, name, made_by="test")
        with owner_engine(url) as engine:
            prepare_directory(engine)
            return prepare_app_login(engine, url, tmp_path), ensure_tenant(engine)

    try:
        with ThreadPoolExecutor(6) as pool:
            results = list(pool.map(start, range(6)))
        assert len(set(results)) == 1
    finally:
        drop_database(postgres_url, name, made_by="test")


def test_databases_of_one_server_do_not_collide(postgres_url: str, tmp_path: Path) -> None:
    with installed(postgres_url, tmp_path) as first, installed(postgres_url, tmp_path) as second:
        ours, theirs = create_tenant(first.engine, "main"), create_tenant(second.engine, "main")
        assert ours.role != theirs.role
        assert first.app_url != second.app_url
        database = sa.make_url(second.owner_url).database or ""
        with pytest.raises(psycopg.OperationalError, match="permission denied"):
            psycopg.connect(with_database(first.app_url, database))
        prefix = ours.role.removesuffix("_t_main")
    with owner_engine(postgres_url) as engine:
        assert roles(engine, prefix) == set()


def test_database_of_others_is_refused(postgres_url: str) -> None:
    name = f"hansa_test_{uuid.uuid4().hex[:12]}"
    url = ensure_database(postgres_url, name)
    try:
        with owner_engine(url) as engine, engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE precious (id int)")
        with pytest.raises(Misconfigured, match="stays untouched"):
            ensure_database(postgres_url, name, made_by="demo")
        with pytest.raises(Misconfigured, match="stays untouched"):
            drop_database(postgres_url, name, made_by="demo")
        with owner_engine(url) as engine:
            prepare_directory(engine)
        with pytest.raises(Misconfigured, match="stays untouched"):
            drop_database(postgres_url, name, made_by="demo")
    finally:
        with owner_engine(url) as engine, engine.begin() as connection:
            write_mark(connection, "made_by", "test")
        drop_database(postgres_url, name, made_by="test")


def test_drop_database_again_does_nothing(postgres_url: str) -> None:
    name = f"hansa_test_{uuid.uuid4().hex[:12]}"
    ensure_database(postgres_url, name, made_by="test")

    for _ in range(2):
        drop_database(postgres_url, name, made_by="test")

    with owner_engine(postgres_url) as engine, engine.begin() as connection:
        found = connection.scalars(sa.text("SELECT datname FROM pg_database")).all()
    assert name not in found


def test_database_of_a_newer_hansa_is_refused(postgres_url: str, tmp_path: Path) -> None:
    with installed(postgres_url, tmp_path) as made:
        with made.engine.begin() as connection:
            write_mark(connection, "directory_version", "99")
        with pytest.raises(Misconfigured, match="newer Hansa"):
            prepare_directory(made.engine)


def test_prepare_directory_again_keeps_the_instance(installation: Installed) -> None:
    with installation.engine.begin() as connection:
        before = read_mark(connection, "instance_id")
    prepare_directory(installation.engine)
    with installation.engine.begin() as connection:
        assert read_mark(connection, "instance_id") == before


@pytest.mark.parametrize(
    "url",
    ["postgresql://nobody:x@127.0.0.1:1/books", "postgresql://x@nowhere.invalid/books"],
)
def test_unreachable_database_is_one_sentence_and_a_next_step(url: str) -> None:
    with pytest.raises(HansaError, match="could not be reached") as caught, owner_engine(url):
        raise AssertionError("it must not open")
    assert "HANSA_DATABASE_URL" in caught.value.next_step
    assert "\n" not in str(caught.value)


def test_owner_that_may_not_create_roles_is_told_so(postgres_url: str, tmp_path: Path) -> None:
    with installed(postgres_url, tmp_path) as made:
        login = f"hansa_test_weak_{uuid.uuid4().hex[:8]}"
        name = sa.make_url(made.owner_url).database
        with owner_engine(postgres_url) as engine:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"CREATE ROLE {login} LOGIN PASSWORD 'word'")
                connection.exec_driver_sql(f"GRANT ALL ON DATABASE {name} TO {login}")
            with made.engine.begin() as connection:
                connection.exec_driver_sql("DROP SCHEMA hansa CASCADE")
            weak_url = with_login(made.owner_url, login, "word")
            with owner_engine(weak_url) as weak:
                prepare_directory(weak)
                with made.engine.begin() as connection:
                    write_mark(connection, "role_prefix", f"hansa_{login}")
                    write_mark(connection, "made_by", "test")
                with pytest.raises(Misconfigured, match="CREATEROLE"):
                    prepare_app_login(weak, weak_url, tmp_path)
            with made.engine.begin() as connection:
                connection.exec_driver_sql(f"REASSIGN OWNED BY {login} TO CURRENT_USER")
                connection.exec_driver_sql(f"DROP OWNED BY {login}")
                connection.exec_driver_sql(f"DROP ROLE {login}")


def test_owner_need_not_be_superuser(postgres_url: str, tmp_path: Path) -> None:
    login = f"hansa_test_owner_{uuid.uuid4().hex[:8]}"
    with owner_engine(postgres_url) as engine:
        with engine.begin() as connection:
            connection.exec_driver_sql(
                f"CREATE ROLE {login} LOGIN PASSWORD 'word' CREATEROLE CREATEDB"
            )
        with installed(with_login(postgres_url, login, "word"), tmp_path) as made:
            tenant = create_tenant(made.engine, "main")
            assert prepare_app_login(made.engine, made.owner_url, tmp_path) == made.app_url
            drop_tenant(made.engine, tenant.slug)
            ensure_tenant(made.engine)
        assert roles(engine, tenant.role.removesuffix("_t_main")) == set()
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP ROLE {login}")
