"""A field added later: old rows get its default, and what cannot be filled is refused early."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Generator
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from hansa_core.migrate.autogenerate import make_migration
from hansa_core.migrate.runner import upgrade
from hansa_core.plugins.compile import compile_shape
from hansa_core.storage.tables import build_metadata
from hansa_core.system.plugin import plugin as system
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.databases import fresh_database
from hansa_sdk import Entity, Field, Plugin, field
from hansa_sdk.fields import FieldOptions


class Size(StrEnum):
    SMALL = "small"
    LARGE = "it's large"


class Crate(Entity, name="later.crate", label="Crate"):
    name: Field[str]
    span: Field[timedelta | None] = field(default=None)


def later(**fields: tuple[object, object]) -> Plugin:
    """The same plugin, with more fields on its entity."""

    def fill(body: dict[str, object]) -> None:
        body["__annotations__"] = {name: kind for name, (kind, _) in fields.items()}
        body["__module__"] = __name__
        body.update({name: value for name, (_, value) in fields.items()})

    named = {"name": "later.crate", "label": "Crate"}
    grown = cast("type[Entity]", types.new_class("Crate", (Crate,), named, fill))
    return Plugin(name="later", version="2", entities=(grown,))


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "later_scripts"
    (package / "versions").mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "later_scripts", raising=False)
    importlib.invalidate_caches()
    return package


@pytest.fixture
def connection(postgres_url: str) -> Generator[sa.Connection]:
    with (
        fresh_database(postgres_url) as url,
        owner_engine(url) as engine,
        engine.connect() as opened,
    ):
        opened.exec_driver_sql("CREATE SCHEMA shop")
        opened.commit()
        yield opened


def written(connection: sa.Connection, scripts: Path, plugin: Plugin) -> Path | None:
    shape = compile_shape([system, plugin])
    required = [("system", system.migrations)]
    return make_migration(
        connection, "later", build_metadata(shape.entities), scripts, "grow", requires=required
    )


def test_old_rows_get_the_default_of_a_new_field(connection: sa.Connection, scripts: Path) -> None:
    assert written(connection, scripts, Plugin(name="later", version="1", entities=(Crate,)))
    upgrade(connection, "shop", "later", scripts)
    connection.exec_driver_sql(
        "INSERT INTO shop.later_crate (id, created_at, updated_at, archived, version, name, span)"
        " VALUES (gen_random_uuid(), now(), now(), false, 1, 'old', interval '90 s')"
    )
    connection.commit()
    grown = later(
        size=(Field[Size], field(default=Size.LARGE)),
        weight=(Field[Decimal], field(default=Decimal("1.5"))),
        fragile=(Field[bool], field(default=False)),
    )
    assert written(connection, scripts, grown)
    upgrade(connection, "shop", "later", scripts)
    row = connection.exec_driver_sql(
        "SELECT size, weight, fragile, span FROM shop.later_crate"
    ).one()
    connection.rollback()
    assert tuple(row) == ("it's large", Decimal("1.500000"), False, timedelta(seconds=90))
    assert written(connection, scripts, grown) is None


def test_new_required_field_without_a_default_is_refused_before_it_is_written(
    connection: sa.Connection, scripts: Path
) -> None:
    assert written(connection, scripts, Plugin(name="later", version="1", entities=(Crate,)))
    with pytest.raises(Exception, match=r"later_crate.size is new and required"):
        written(connection, scripts, later(size=(Field[str], Field[str](FieldOptions()))))
    assert len(list((scripts / "versions").glob("*.py"))) == 1
