"""Defaults, roll-ups, conditions and names are checked at boot, all of them at once."""

from __future__ import annotations

import types
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import pytest

from hansa_core.plugins.compile import compile_shape
from hansa_core.system.plugin import plugin as system
from hansa_sdk import (
    CURRENT_TEAMS,
    CURRENT_USER,
    Context,
    Currency,
    DeclarationErrors,
    Entity,
    Field,
    Link,
    ListView,
    Many,
    Money,
    Plugin,
    Predicate,
    Quantity,
    Ref,
    Role,
    Seed,
    Team,
    Unit,
    User,
    action,
    allow,
    check,
    computed,
    field,
    formula,
    many,
    money,
    ref,
    rollup,
)


class Stage(StrEnum):
    NEW = "new"
    WON = "won"


class Colour(StrEnum):
    RED = "red"


def wrong(value: object) -> Any:  # a value that a type checker would have refused
    return value


class Order(Entity, name="shop.order", label="Order"):
    number: Field[str] = field(max_length=3, default=wrong(7))
    code: Field[str] = field(max_length=3, default="long")
    note: Field[str] = field(default=wrong(None))
    count: Field[int] = field(default=wrong(True))
    stage: Field[Stage] = field(default=wrong("new"))
    colour: Field[Stage] = field(default=wrong(Colour.RED))
    share: Field[Decimal] = field(default=wrong(0.5))
    currency: Field[Currency] = field(default=wrong("EUR"))
    paid: Field[Currency] = field(default=Currency("ABC"))
    total: Field[Money] = money(currency="currency", default=wrong(Decimal(1)))
    tags: Field[list[str]] = field(default=wrong(["a", 1]))
    buyer: Ref[User] = ref(on_delete=wrong("explode"))


class Shelf(Entity, name="shop.shelf", plural="shelves", label="Shelf"):
    name: Field[str] = field(max_length=20)
    owner: Ref[User | None] = ref(default=None)
    team: Ref[Team | None] = ref(default=None)
    stage: Field[Stage] = field(default=Stage.NEW)
    filled: Field[date | None] = field(default=None)
    goods: Many[Good] = many("shelf")


class Good(Entity, name="shop.good", label="Good"):
    shelf: Ref[Shelf] = ref()
    weight: Field[Decimal] = field(default=Decimal(0))
    size: Field[Quantity | None] = field(default=None)
    name: Field[str] = field(default="")


class Report(Entity, name="shop.report", label="Report"):
    shelf: Ref[Shelf] = ref()
    lines: Many[Line] = many("report")
    count: Field[str] = rollup("count", lambda: Line.name)
    total: Field[int] = rollup("sum", lambda: Line.weight)
    named: Field[Decimal] = rollup("sum", lambda: Line.name)
    sized: Field[Decimal] = rollup("sum", lambda: Line.size)
    first: Field[str] = rollup("min", lambda: Line.name)
    average: Field[Decimal] = rollup(wrong("average"), lambda: Line.weight)
    missing: Field[Decimal] = rollup("sum", lambda: cast(Any, Line).wieght)
    stray: Field[Decimal] = rollup("sum", lambda: Good.weight)
    odd: Field[int] = rollup("count", lambda: Line.name, where=lambda: Line.name == wrong(5))
    good: Field[str | None] = rollup("max", lambda: Line.name, where=lambda: Line.weight > wrong(1))
    lined: Field[int] = rollup("count", lambda: Report.lines)


class Line(Entity, name="shop.line", label="Line"):
    report: Ref[Report] = ref()
    name: Field[str] = field(default="")
    weight: Field[Decimal] = field(default=Decimal(0))
    size: Field[Quantity | None] = field(default=None)


def problems(*entities: type[Entity], **parts: Any) -> str:
    with pytest.raises(DeclarationErrors) as caught:
        compile_shape([system, Plugin(name="shop", entities=entities, **parts)])
    return str(caught.value)


def test_defaults_of_another_type_and_unknown_on_delete_are_refused() -> None:
    text = problems(Order)
    for expected in (
        "shop: entity shop.order.number: expected a text, found default=7. Correct the default",
        "entity shop.order.code: expected at most 3 characters, found default='long'.",
        "entity shop.order.note: expected a value, as its type has no None, found default=None.",
        "entity shop.order.count: expected a whole number, found default=True.",
        "entity shop.order.stage: expected a member of Stage, found default='new'.",
        "entity shop.order.colour: expected a member of Stage, found default=<Colour.RED",
        "entity shop.order.share: expected a finite Decimal, found default=0.5.",
        "entity shop.order.currency: expected a Currency, found default='EUR'.",
        "entity shop.order.paid: expected a currency of ISO 4217, found default=Currency('ABC').",
        "entity shop.order.total: expected a Money, found default=Decimal('1').",
        "entity shop.order.tags: expected a list of texts, found default=['a', 1].",
        "entity shop.order.buyer: expected on_delete= one of restrict, cascade, set_null, "
        "found 'explode'.",
    ):
        assert expected in text
    assert text.startswith("12 problems")


class Rack(Entity, name="shop.rack", label="Rack"):
    height: Field[int] = field(max_length=5, search=True)
    goods: Many[Good] = many("name")
    shelves: Many[Shelf] = many("owner")


def test_inverse_that_is_no_reference_back_and_text_options_of_a_number_are_refused() -> None:
    text = problems(Rack, Shelf, Good)
    assert (
        "shop.rack.goods: expected a reference of shop.good back to shop.rack, found 'name'. "
        "Declare one: Ref[Rack]."
    ) in text
    assert "shop.rack.shelves: expected a reference of shop.shelf back to shop.rack" in text
    assert "shop.rack.height: expected max_length of a text only, found integer." in text
    assert "shop.rack.height: expected search=True on a text only, found integer." in text
    assert text.startswith("4 problems")


def test_rollups_that_cannot_be_made_are_refused_and_others_are_not() -> None:
    text = problems(Report, Line, Shelf, Good)
    for expected in (
        "shop.report.count: expected Field[int] for a count, found text.",
        "shop.report.total: expected the type of shop.line.weight, decimal, found integer.",
        "shop.report.named: expected a sum of numbers or amounts, not of shop.line.name",
        "shop.report.sized: expected a roll-up that can be made, found sized rolls up amounts",
        "shop.report.first: expected text or None, as there may be no record",
        "shop.report.average: expected a roll-up of sum, count, min, max, found 'average'.",
        "shop.report.missing: expected a field to roll up, found type object 'Line' has no",
        "shop.report.stray: expected a roll-up that can be made, found shop.report.stray rolls",
        "shop.report.odd: expected a roll-up that can be made, found name compares with text",
    ):
        assert expected in text
    assert text.startswith("9 problems")


class Bill(Entity, name="shop.bill", label="Bill"):
    lines: Many[Item] = many("bill")
    euros: Field[Decimal] = rollup(
        "sum", lambda: Item.price, where=lambda: Item.currency == Currency("EUR")
    )
    mixed: Field[Decimal] = rollup("sum", lambda: Item.price)
    amount: Field[Money] = rollup(
        "sum", lambda: Item.price, where=lambda: Item.currency == Currency("EUR")
    )
    dearest: Field[Decimal] = rollup(
        "max", lambda: Item.price, where=lambda: Item.currency == Currency("EUR")
    )
    again: Field[int] = rollup("count", lambda: Bill.lines, where=lambda: Bill.euros > Decimal(1))
    nested: Field[int] = rollup("count", lambda: Item.name, where=lambda: Item.parts > 1)
    doubled: Field[int] = rollup("sum", lambda: Item.parts)


class Item(Entity, name="shop.item", label="Item"):
    bill: Ref[Bill] = ref()
    items: Many[Part] = many("item")
    parts: Field[int] = rollup("count", lambda: Item.items)
    name: Field[str] = field(default="")
    count: Field[int] = field(default=1)
    day: Field[date | None] = field(default=None)
    currency: Field[Currency] = field(default=Currency("EUR"))
    price: Field[Money | None] = money(currency="currency", default=None)


class Part(Entity, name="shop.part", label="Part"):
    item: Ref[Item] = ref()


class Draft(Entity, name="shop.draft", label="Draft"):
    above: Ref[Draft | None] = ref(default=None)
    name: Field[str] = field(default="")
    count: Field[int] = field(default=1)
    day: Field[date | None] = field(default=None)
    currency: Field[Currency] = field(default=Currency("EUR"))
    price: Field[Money | None] = money(currency="currency", default=None)
    other: Field[Currency] = field(default=Currency("EUR"))
    tax: Field[Money | None] = money(currency="other", default=None)
    total: Field[Money | None] = formula(lambda: Draft.price * Draft.count)
    sure: Field[Money] = formula(lambda: wrong(Draft.price * Draft.count))
    whole: Field[int] = formula(lambda: wrong(Draft.count / 2))
    gross: Field[Money | None] = formula(lambda: Draft.price + Draft.tax)
    later: Field[str] = formula(lambda: wrong(Draft.day) + "x")
    repeated: Field[str] = formula(lambda: Draft.name * Draft.count)
    zero: Field[Decimal] = formula(lambda: Draft.count / 0)
    foreign: Field[str] = formula(lambda: Line.name + "x")
    crossed: Field[str] = formula(lambda: Draft.above.to(wrong(Draft.name)) + "x")
    twice: Field[Money | None] = formula(lambda: Draft.total * 2)
    misspelt: Field[int] = formula(lambda: cast(Any, Draft).cuont + 1)
    truth: Field[int] = formula(lambda: Draft.count + True)


def test_formulas_that_cannot_be_computed_are_refused_and_others_are_not() -> None:
    text = problems(Draft, Report, Line, Shelf, Good)
    cannot = "expected a formula that can be computed"
    for expected in (
        "shop.draft.sure: expected an amount or None, found money. Correct the field's type.",
        "shop.draft.whole: expected a decimal, found integer.",
        f"shop.draft.gross: {cannot}, found (<column shop.draft.price> "
        "add <column shop.draft.tax>) takes an amount or None and an amount or None, which do not",
        f"shop.draft.later: {cannot}, found A formula is made of "
        "numbers, amounts and texts, not of shop.draft.day, which is of kind date.",
        f"shop.draft.repeated: {cannot}",
        f"shop.draft.zero: {cannot}, found (<column shop.draft.count> divide 0) divides by zero.",
        f"shop.draft.foreign: {cannot}, found A formula of shop.draft "
        "is made of its own stored fields, not of shop.line.name.",
        f"shop.draft.crossed: {cannot}",
        f"shop.draft.twice: {cannot}, found A formula of shop.draft is "
        "made of its own stored fields, not of shop.draft.total.",
        "shop.draft.misspelt: expected a formula of fields, found type object 'Draft' has no",
        f"shop.draft.truth: {cannot}, found A truth is no part",
    ):
        assert expected in text
    assert "shop.draft.total" not in text.replace("not of shop.draft.total", "")


def test_roll_ups_of_amounts_and_of_roll_ups_are_refused_where_they_mean_nothing() -> None:
    text = problems(Bill, Item, Part)
    for expected in (
        "shop.bill.mixed: expected a roll-up that can be made, found mixed rolls up amounts of "
        "shop.item.price, which may differ in currency or unit. Hold them to one in where=",
        "shop.bill.amount: expected decimal, as shop.item.price is, found money.",
        "shop.bill.dearest: expected decimal or None, as shop.item.price is, found decimal.",
        "shop.bill.again: expected a roll-up that can be made, found A condition on shop.bill",
        "shop.bill.nested: expected a roll-up that can be made, found parts is a roll-up, which",
        "shop.bill.doubled: expected a roll-up that can be made, found doubled rolls up "
        "shop.item.parts, which is a roll-up.",
    ):
        assert expected in text
    assert "shop.bill.euros: " not in text


def test_a_role_by_a_roll_up_is_refused() -> None:
    role = Role("shop.clerk", (allow(Bill, "read", when=Bill.euros > Decimal(1)),))
    text = problems(Bill, Item, Part, roles=(role,))
    assert (
        "role shop.clerk: when=: expected a condition that can be met, found euros is a roll-up, "
        "which conditions of roles and roll-ups do not take."
    ) in text


def test_seeds_whose_values_are_of_another_type_are_refused() -> None:
    good = Shelf(name="Left", owner=Link(id=UUID(int=1)), filled=date(2026, 1, 1))
    bad = Shelf(name="x" * 21, stage=wrong("new"), filled=wrong("today"), team=None)
    text = problems(Shelf, Good, seeds=(Seed("shop.shelf.good", good), Seed("shop.shelf.bad", bad)))
    for expected in (
        f"seed shop.shelf.bad: name: expected at most 20 characters, found '{'x' * 21}'.",
        "seed shop.shelf.bad: stage: expected a member of Stage, found 'new'. Correct the value.",
        "seed shop.shelf.bad: filled: expected a date, found 'today'.",
    ):
        assert expected in text
    assert text.startswith("3 problems")


def _role(*conditions: Predicate) -> tuple[Role, ...]:
    return (Role("shop.clerk", tuple(allow(Shelf, "read", when=when) for when in conditions)),)


def test_role_conditions_that_compare_different_things_are_refused() -> None:
    text = problems(
        Shelf,
        Good,
        roles=_role(
            Shelf.stage == wrong("nwe"),
            (Shelf.name == wrong(5)) | ~(Shelf.filled > wrong("today")),
            Shelf.goods.some(Good.weight == wrong("heavy")),
            Shelf.team == CURRENT_USER,
            Shelf.owner.one_of(CURRENT_TEAMS),
            Shelf.name == wrong(CURRENT_USER),
            wrong("everything"),
        ),
    )
    start = "role shop.clerk: when=: expected a condition that can be met, found"
    for expected in (
        "stage has no value 'nwe'. Did you mean new?",
        "name compares with text; got int 5.",
        "filled compares with a date; got str 'today'.",
        "weight compares with a finite Decimal; got str 'heavy'.",
        "shop.shelf.team refers to system.team, $current_user to system.user.",
        "shop.shelf.owner refers to system.user, $current_teams to system.team.",
        "name eq $current_user compares different things.",
        "'everything' is no condition.",
    ):
        assert f"{start} {expected}" in text
    assert text.startswith("8 problems")


def test_path_that_follows_a_reference_to_fields_of_another_entity_is_refused() -> None:
    text = problems(
        Shelf,
        Good,
        roles=_role(Shelf.owner.to(wrong(Team.name)) == "x", Shelf.owner.to(User.id).one_of(())),
        views=(
            ListView(Good, (Good.shelf.via(Shelf.owner).to(wrong(Unit.name)),)),
            ListView(Shelf, (Shelf.name,), order=(Good.name.ascending(),)),
        ),
    )
    assert (
        "role shop.clerk: when=: expected a condition that can be met, found shop.shelf.owner "
        "refers to system.user, and name is of system.team. Follow it to a field of system.user."
    ) in text
    assert "ListView of shop.good: expected a field that exists, found shop.shelf.owner" in text
    assert "ListView of shop.shelf: expected fields of shop.shelf, found shop.good.name" in text
    assert text.startswith("3 problems")


class Scale(Entity, name="shop.scale", label="Scale"):
    load: Field[int] = field(default=0)

    @check("load must be zero or more")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the mistake under test
    async def load_not_negative(self) -> bool:
        return self.load >= 0

    @computed
    async def half(self) -> int:
        return self.load // 2


@action(Shelf, permission="shop.shelf.sort")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the mistake under test
def sort_shelf(ctx: Context, shelf: Shelf) -> Shelf:
    raise AssertionError("never called")


def test_checks_that_are_async_and_actions_that_are_not_are_refused() -> None:
    text = problems(Scale)
    assert "shop.scale.load_not_negative: expected a function that is not async" in text
    assert "shop.scale.half: expected a function that is not async, found async def" in text
    text = problems(Shelf, Good, actions=(sort_shelf,))
    assert "shop: action sort: expected an async function, found sort_shelf, which is not." in text


def named(noun: str, *names: str) -> type[Entity]:
    """Make an entity with indexed texts of these names."""

    def fill(namespace: dict[str, object]) -> None:
        namespace["__annotations__"] = dict.fromkeys(names, Field[str])
        namespace.update({name: field(index=True, default="") for name in names})

    return types.new_class("Made", (Entity,), {"name": f"shop.{noun}"}, fill)


def test_names_the_database_would_cut_are_refused() -> None:
    long = "a" * 60
    text = problems(named(long), named("wide", long, f"{long}_bcd"))
    limit = "names of at most 63 bytes in the database"
    assert f"entity shop.{long}: expected {limit}, found shop_{long} of 65." in text
    assert f"entity shop.wide: expected {limit}, found {long}_bcd of 64." in text
    assert text.startswith("2 problems")


def test_indexes_whose_shortened_names_meet_are_refused_with_both_entities() -> None:
    tail = "c" * 50
    text = problems(named(f"a{tail}", "d" * 20), named(f"b{tail}", "d" * 20))
    assert (
        f"shop: entity shop.b{tail}: expected constraints and indexes that differ in their last "
        f"63 bytes, found {'c' * 38}_{'d' * 20}_idx for two, one of shop.a{tail}. Shorten"
    ) in text
