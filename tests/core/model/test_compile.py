"""Declarations become a shape, or every mistake in them is named at once."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import pytest
import sqlalchemy as sa

from hansa_core.model.meta import Kind
from hansa_core.plugins.compile import compile_shape
from hansa_core.storage.tables import build_metadata
from hansa_core.system.plugin import plugin as system
from hansa_sdk import (
    Currency,
    DeclarationErrors,
    Entity,
    Field,
    ListView,
    Many,
    Money,
    Plugin,
    Ref,
    Role,
    Rule,
    Seed,
    Series,
    User,
    allow,
    computed,
    field,
    many,
    money,
    ref,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Box(Entity, name="demo.box", plural="boxes", label="Box"):
    name: Field[str] = field(max_length=20, unique=True)
    note: Field[str | None] = field(default=None)
    colour: Field[Colour] = field(default=Colour.RED)
    currency: Field[Currency] = field()
    price: Field[Money] = money(currency="currency")
    owner: Ref[User | None] = ref(default=None)
    items: Many[Item] = many("box", owned=True)

    @computed
    def loud_name(self) -> str:
        """The name in capitals."""
        return self.name.upper()


class Item(Entity, name="demo.item", plural="items", label="Item"):
    box: Ref[Box] = ref(on_delete="cascade")
    weight: Field[Decimal]


class Stray(Entity, name="other.stray", label="Stray"):
    float_value: Field[float] = field()
    amount: Field[Money] = money(currency="nothing")
    custom: Field[str] = field()


class Release(Entity, name="late.release", label="Release"):
    version: Field[str] = field()  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]  # the mistake under test


def problems(*plugins: Plugin) -> str:
    with pytest.raises(DeclarationErrors) as caught:
        compile_shape([system, *plugins])
    return str(caught.value)


def test_compile_reads_kinds_and_nullability_from_annotations() -> None:
    shape = compile_shape([system, Plugin(name="demo", entities=(Box, Item))])
    box = shape.entity("demo.box")
    assert box.type_name == "DemoBox"
    assert box.fields["name"].kind is Kind.TEXT
    assert box.fields["name"].required
    assert box.fields["note"].nullable
    assert box.fields["colour"].values == ("red", "blue")
    assert box.fields["owner"].target == "system.user"
    assert box.fields["price"].currency_field == "currency"
    assert not box.fields["loud_name"].stored
    assert shape.entity("demo.item").fields["weight"].kind is Kind.DECIMAL
    assert box.relations["items"].owned


def test_key_is_equal_for_equal_plugins_and_differs_for_others() -> None:
    first = compile_shape([system, Plugin(name="demo", version="1", entities=(Box, Item))])
    again = compile_shape([Plugin(name="demo", version="1", entities=(Box, Item)), system])
    newer = compile_shape([system, Plugin(name="demo", version="2", entities=(Box, Item))])
    assert first.key == again.key
    assert first.key != newer.key


def test_every_foreign_key_has_an_index_when_tables_are_made() -> None:
    shape = compile_shape([system, Plugin(name="demo", entities=(Box, Item))])
    for table in build_metadata(shape.entities).tables.values():
        indexed = {next(iter(index.columns)).name for index in table.indexes}
        unique = {
            next(iter(constraint.columns)).name
            for constraint in table.constraints
            if isinstance(constraint, sa.UniqueConstraint)
        }
        for key in table.foreign_keys:
            assert key.parent.name in indexed | unique, f"{table.name}.{key.parent.name}"


class Shelf(Entity, name="demo.shelf", plural="shelves", indexes=(("box", "row"), ("row",))):
    box: Ref[Box] = ref()
    row: Field[int] = field(index=True)
    label: Field[str] = field(index=True)


def test_index_of_several_fields_ends_with_the_id_and_stands_for_that_of_its_first() -> None:
    shape = compile_shape([system, Plugin(name="demo", entities=(Box, Item, Shelf))])
    table = build_metadata(shape.entities).tables["__tenant__.demo_shelf"]
    indexes = {index.name: list(index.columns.keys()) for index in table.indexes}
    assert indexes == {
        "demo_shelf_box_row_id_idx": ["box", "row", "id"],
        "demo_shelf_row_id_idx": ["row", "id"],
        "demo_shelf_label_idx": ["label"],
    }


@pytest.mark.parametrize("names", [(), ("nothing",), ("row", "row"), ("row", "id")])
def test_index_without_fields_of_its_own_is_refused(names: tuple[str, ...]) -> None:
    class Rack(Entity, name="demo.rack", indexes=(names,)):
        row: Field[int]

    assert "entity demo.rack: expected indexes= with" in problems(
        Plugin(name="demo", entities=(Rack,))
    )


def test_all_mistakes_are_listed_when_a_plugin_has_several() -> None:
    text = problems(
        Plugin(
            name="demo",
            entities=(Box, Item, Stray),
            roles=(Role("demo.clerk", (allow(Box, "fly"),)),),
        )
    )
    assert (
        "demo: entity other.stray: expected a name that begins with demo., found other.stray"
        in text
    )
    assert "entity other.stray.float_value: expected a type the kernel knows" in text
    assert "entity other.stray.amount: expected money(currency=...)" in text
    assert "entity other.stray.custom: expected a name that is not reserved" in text


def test_role_with_an_unknown_action_is_refused_with_the_known_ones() -> None:
    text = problems(
        Plugin(
            name="demo",
            entities=(Box, Item),
            roles=(Role("demo.clerk", (allow(Box, "fly"),)), Role("wrong", ())),
        )
    )
    assert "role demo.clerk: allow(demo.box): expected one of admin, archive, create" in text
    assert "found fly" in text
    assert "role wrong: expected a name demo.<name>" in text


def test_role_condition_inside_a_quantifier_is_checked_against_the_related_entity() -> None:
    role = Role("demo.clerk", (allow(Box, "read", when=Box.items.some(Box.name == "x")),))
    text = problems(Plugin(name="demo", entities=(Box, Item), roles=(role,)))
    assert (
        "role demo.clerk: when=: expected a condition that can be met, "
        "found A condition on demo.box stands where one on demo.item is expected."
    ) in text


def test_a_rule_that_hides_what_is_no_field_or_grants_no_reading_is_refused() -> None:
    role = Role(
        "demo.clerk",
        (
            allow(Box, "read", hide=[Box.id, Item.weight]),
            allow(Box, "update", hide=[Box.name]),
        ),
    )
    text = problems(Plugin(name="demo", entities=(Box, Item), roles=(role,)))
    own = "expected fields of demo.box of its own, but id and version"
    assert f"role demo.clerk: hide=: {own}, found id" in text
    assert f"role demo.clerk: hide=: {own}, found demo.item.weight" in text
    assert "role demo.clerk: hide=: expected a rule that grants read, found update" in text


def test_denial_with_a_condition_and_a_role_declared_twice_are_refused() -> None:
    rule = Rule("demo.box", ("read",), Box.name == "x", "deny")
    role = Role("demo.clerk", (rule,))
    text = problems(Plugin(name="demo", entities=(Box, Item), roles=(role, role)))
    assert "role demo.clerk: expected deny() without when=" in text
    assert "role demo.clerk: expected a name used once" in text


def test_field_that_every_record_has_already_is_refused() -> None:
    text = problems(Plugin(name="late", entities=(Release,)))
    assert "entity late.release.version: expected a name every record does not have" in text


class Crowded(Entity, name="demo.crowded", plural="crowdeds", label="Crowded"):
    system: Field[str] = field()


def test_field_named_like_another_plugin_is_refused() -> None:
    text = problems(Plugin(name="demo", entities=(Crowded,)))
    assert "entity demo.crowded.system: expected a name that is not reserved" in text


def test_reference_to_an_entity_of_a_plugin_not_required_is_refused() -> None:
    text = problems(Plugin(name="demo", entities=(Item,)))
    assert "entity demo.item.box: expected a reference to an entity" in text
    assert "found demo.box" in text


def test_seed_and_view_of_another_entity_are_refused() -> None:
    text = problems(
        Plugin(
            name="demo",
            entities=(Box, Item),
            views=(ListView(Item, (Box.name,)),),
            seeds=(Seed("elsewhere.x", Box(name="x", currency=Currency("EUR"), price=_price())),),
        )
    )
    assert "ListView of demo.item: expected fields of demo.item, found demo.box.name" in text
    assert "seed elsewhere.x: expected a key that begins with demo." in text


def test_parts_the_kernel_does_not_run_yet_are_refused_not_ignored() -> None:
    text = problems(
        Plugin(
            name="demo",
            entities=(Box, Item),
            series=(Series("demo.box", Box.name, "B{number}"),),
        )
    )
    assert "expected no number series: this kernel does not run them yet" in text


def test_missing_plugin_version_and_circle_are_refused() -> None:
    text = problems(
        Plugin(name="a", requires=("missing>=2",), version="1"),
        Plugin(name="b", requires=("a>=5",), version="1"),
        Plugin(name="c", sdk=">=99", version="1"),
    )
    assert "a: Plugin(requires=...): expected missing>=2, found nothing by that name" in text
    assert "b: Plugin(requires=...): expected a>=5, found a 1" in text
    assert "c: Plugin(sdk=...): expected hansa-sdk >=99" in text
    circle = problems(Plugin(name="a", requires=("b",)), Plugin(name="b", requires=("a",)))
    assert "no circle of requirements, found a -> b -> a" in circle


def _price() -> Money:
    return Money(Decimal(1), Currency("EUR"))
