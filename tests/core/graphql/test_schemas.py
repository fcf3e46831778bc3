"""Schemas of plugin sets: refused where names meet, built once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hansa_core.graphql import schemas
from hansa_core.shapes import Shapes
from hansa_core.system.plugin import plugin as SYSTEM
from hansa_sdk import Context, DeclarationErrors, Entity, Field, Plugin, query
from tests.core.graphql.plugin import PLUGIN


class MetaFieldRecord(Entity, name="meta.field", label="Field"):
    name: Field[str]


class ShopDeal(Entity, name="shop.deal", label="Deal"):
    name: Field[str]


@dataclass(frozen=True, slots=True)
class Deal:
    total: int


@query(permission="shop.deal.read")
async def totals(ctx: Context) -> Deal:
    return Deal(1)


@pytest.mark.parametrize(
    ("plugin", "name"),
    [
        (Plugin(name="meta", version="1", entities=(MetaFieldRecord,)), "MetaField"),
        (Plugin(name="shop", version="1", entities=(ShopDeal,), queries=(totals,)), "ShopDeal"),
    ],
    ids=["kernel type", "result class"],
)
async def test_a_plugin_set_that_makes_no_schema_is_refused_before_it_is_enabled(
    plugin: Plugin, name: str
) -> None:
    shapes = Shapes({"system": SYSTEM, plugin.name: plugin})
    with pytest.raises(DeclarationErrors, match=name) as refused:
        await shapes.of([plugin.name])
    assert refused.value.problems[0].plugin == plugin.name


async def test_a_checked_plugin_set_has_its_schema_already(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shapes = Shapes({"system": SYSTEM, "lab": PLUGIN})
    shape = await shapes.of(["lab"])

    def again(*_: object) -> None:
        pytest.fail("built again")

    monkeypatch.setattr(schemas, "build_schema", again)
    assert (await shapes.schemas.of(shape)).key == shape.key
