"""A database of its own per test module, set up with two logins and two tenants."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.databases import drop_database, ensure_database
from hansa_core.tenants.directory import create_tenant
from hansa_core.tenants.installation import prepare_directory
from hansa_core.tenants.logins import prepare_app_login
from hansa_core.tenants.owner import owner_engine


@dataclass(frozen=True, slots=True)
class Installed:
    """A database with the directory and the application login."""

    engine: sa.Engine
    owner_url: str
    app_url: str
    home: Path


@contextmanager
def installed(postgres_url: str, home: Path) -> Generator[Installed]:
    name = f"hansa_test_{uuid.uuid4().hex[:12]}"
    url = ensure_database(postgres_url, name, made_by="test")
    try:
        with owner_engine(url) as engine:
            prepare_directory(engine)
            yield Installed(engine, url, prepare_app_login(engine, url, home), home)
    finally:
        drop_database(postgres_url, name, made_by="test")


@pytest.fixture(scope="module")
def installation(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    with installed(postgres_url, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture(scope="module")
def tenants(installation: Installed) -> tuple[Tenant, Tenant]:
    """Two tenants, each with a table `note` that holds its own slug."""
    made = (
        create_tenant(installation.engine, "acme-west"),
        create_tenant(installation.engine, "bolt", hosts=["books.bolt.example"]),
    )
    with installation.engine.begin() as connection:
        for tenant in made:
            connection.exec_driver_sql(
                f"CREATE TABLE {tenant.schema}.note (id serial PRIMARY KEY, word text)"
            )
            note = sa.table("note", sa.column("word"), schema=tenant.schema)
            connection.execute(sa.insert(note).values(word=tenant.slug))
    return made
