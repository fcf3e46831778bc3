"""A tenant to migrate and an owner's connection to do it with."""

from __future__ import annotations

import importlib
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.directory import create_tenant, drop_tenant
from tests.core.tenants.conftest import Installed, installed


@pytest.fixture(scope="module")
def installation(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    with installed(postgres_url, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture
def tenant(installation: Installed) -> Iterator[Tenant]:
    made = create_tenant(installation.engine, f"t{uuid.uuid4().hex[:8]}")
    yield made
    drop_tenant(installation.engine, made.slug)


@pytest.fixture
def connection(installation: Installed, tenant: Tenant) -> Iterator[sa.Connection]:
    """The owner's connection, closed before the tenant is dropped."""
    with installation.engine.connect() as opened:
        yield opened


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """An empty migrations folder of a plugin."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "__init__.py").touch()
    return folder


@pytest.fixture
def fruit_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "fruit_scripts"
    (package / "versions").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "fruit_scripts", raising=False)
    importlib.invalidate_caches()
    return package
