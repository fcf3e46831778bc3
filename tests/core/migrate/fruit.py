"""A plugin that grows, with scripts that are written as it does."""

from __future__ import annotations

from pathlib import Path

from hansa_core.migrate.autogenerate import make_migration
from hansa_core.migrate.columns import declared_tables
from hansa_core.plugins.compile import compile_shape
from hansa_core.system.plugin import plugin as system
from hansa_core.tenants.owner import owner_engine
from hansa_sdk import Entity, Field, Plugin, field


class Basket(Entity, name="fruit.basket", label="Basket"):
    name: Field[str]


class BasketWithNote(Entity, name="fruit.basket", label="Basket"):
    name: Field[str]
    note: Field[str | None] = field(default=None)


class Apple(Entity, name="fruit.apple", label="Apple"):
    name: Field[str]


def fruit(*entities: type[Entity], migrations: str = "fruit_scripts") -> Plugin:
    return Plugin(name="fruit", version="1", entities=entities, migrations=migrations)


def write(url: str, scripts: Path, plugin: Plugin) -> None:
    shape = compile_shape([system, plugin])
    with owner_engine(url) as engine, engine.connect() as connection:
        required = [("system", system.migrations)]
        made = make_migration(
            connection, "fruit", declared_tables(shape), scripts, "grow", requires=required
        )
    assert made is not None
