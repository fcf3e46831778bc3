"""Predicates: SQL and Python give the same three-valued answer, and refuse the same things."""

from __future__ import annotations

import unicodedata
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.query.evaluate import LoadedRows, evaluate, folded
from hansa_core.query.late import Bindings
from hansa_core.query.predicates import to_sql
from hansa_core.storage.transaction import Session
from hansa_sdk import Currency, CurrencyMismatch, Invalid, LimitExceeded, Money, Predicate
from hansa_sdk.predicates import And, Compare, Everything, Marker, Not, Or, Path, Related
from tests.core.query.conftest import BINDINGS, Probe, full
from tests.core.query.generated import World, predicates, worlds
from tests.core.query.plugin import Box, Thing, shape

SHAPE = shape()
NOBODY = Bindings(None, (), datetime(2026, 11, 21, tzinfo=UTC))


async def _in_sql(session: Session, predicate: Predicate) -> dict[object, object]:
    table = SHAPE.table("probe.thing")
    answer = to_sql(predicate, SHAPE, "probe.thing", table, BINDINGS).label("answer")
    rows = await session.fetch(sa.select(table.c.id, answer))
    return {row["id"]: row["answer"] for row in rows}


def _in_python(
    world: World, predicate: Predicate, bindings: Bindings = BINDINGS
) -> dict[uuid.UUID, object]:
    lookup = LoadedRows(SHAPE, world.by_id)
    return {
        id: evaluate(predicate, "probe.thing", row, bindings, lookup)
        for id, row in world.by_id["probe.thing"].items()
    }


@given(data=st.data())
async def test_sql_and_python_agree_on_generated_rows(probe: Probe, data: st.DataObject) -> None:
    world = data.draw(worlds(SHAPE))
    asked = data.draw(st.lists(predicates(SHAPE, "probe.thing"), min_size=1, max_size=5))
    cases = [(predicate, bindings) for predicate in asked for bindings in (BINDINGS, NOBODY)]
    table = SHAPE.table("probe.thing")
    answers = [
        to_sql(predicate, SHAPE, "probe.thing", table, bindings) for predicate, bindings in cases
    ]
    async with probe.holding(world.rows) as session:
        columns = [answer.label(f"answer_{n}") for n, answer in enumerate(answers)]
        rows = await session.fetch(sa.select(table.c.id, *columns))
    for n, (predicate, bindings) in enumerate(cases):
        in_sql = {row["id"]: row[f"answer_{n}"] for row in rows}
        assert in_sql == _in_python(world, predicate, bindings), predicate


async def test_folding_equals_the_database_for_every_letter(probe: Probe) -> None:
    letters = [
        chr(point) for point in range(1, 0x20000) if unicodedata.category(chr(point))[0] in "LM"
    ]
    async with probe.holding({}) as session:
        value = sa.func.unnest(sa.bindparam("letters", type_=sa.ARRAY(sa.Text()))).column_valued(
            "x"
        )
        query = sa.select(value.label("letter"), sa.func.lower(value).label("lower"))
        rows = await session.fetch(query, {"letters": letters})
    differing = [row["letter"] for row in rows if folded(str(row["letter"])) != row["lower"]]
    assert len(rows) == len(letters)
    assert not differing


async def test_values_never_become_part_of_the_text(probe: Probe) -> None:
    hostile = "'; DROP TABLE probe_thing; -- %_"
    thing = full(SHAPE.table("probe.thing"), name=hostile)
    async with probe.holding({"probe.thing": [thing]}) as session:
        assert await _in_sql(session, Thing.name == hostile) == {thing["id"]: True}
        assert await _in_sql(session, Thing.name.contains("%_x")) == {thing["id"]: False}
    table = SHAPE.table("probe.thing")
    for predicate in (Thing.name == hostile, Compare(Thing.owner.path, "eq", Marker.CURRENT_USER)):
        text = str(to_sql(predicate, SHAPE, "probe.thing", table, BINDINGS))
        assert "DROP" not in text
        assert str(BINDINGS.user_id) not in text


EUR, USD = Currency("EUR"), Currency("USD")
TEN = Decimal(10)
_PRICE, _CURRENCY = Path("probe.thing", ("price",)), Path("probe.thing", ("currency",))


@pytest.mark.parametrize(
    "predicate",
    [
        Compare(_PRICE, "lt", TEN),
        Or((Compare(_CURRENCY, "eq", "EUR"), Compare(_PRICE, "lt", TEN))),
        And((Not(Compare(_CURRENCY, "eq", "EUR")), Compare(_PRICE, "lt", TEN))),
        And((Compare(_CURRENCY, "in", ("EUR", "USD")), Compare(_PRICE, "lt", TEN))),
        And((Compare(_CURRENCY, "ne", "EUR"), Compare(_PRICE, "lt", TEN))),
        And((Or((Compare(_CURRENCY, "eq", "EUR"),)), Compare(_PRICE, "lt", TEN))),
        And(
            (
                Compare(Path("probe.thing", ("box", "currency")), "eq", "EUR"),
                Compare(_PRICE, "eq", TEN),
            )
        ),
        Compare(_PRICE, "in", (Money(TEN, EUR), Money(TEN, USD))),
        Compare(_PRICE, "lt", Path("probe.thing", ("box", "price"))),
        And(
            (
                Compare(_CURRENCY, "eq", "EUR"),
                Compare(Path("probe.thing", ("box", "currency")), "eq", "USD"),
                Compare(_PRICE, "lt", Path("probe.thing", ("box", "price"))),
            )
        ),
        And(
            (
                Compare(_CURRENCY, "eq", "EUR"),
                Related(Path("probe.thing", ("box", "things")), "some", Compare(_PRICE, "lt", TEN)),
            )
        ),
    ],
    ids=str,
)
def test_amounts_of_open_currency_are_refused_when_compared(predicate: Predicate) -> None:
    table = SHAPE.table("probe.thing")
    with pytest.raises(CurrencyMismatch) as in_sql:
        to_sql(predicate, SHAPE, "probe.thing", table, BINDINGS)
    world = World([], [full(table)])
    if not isinstance(predicate, Or):
        with pytest.raises(CurrencyMismatch) as in_python:
            _in_python(world, predicate)
        assert str(in_sql.value) == str(in_python.value)
    assert in_sql.value.code == "currency_mismatch"
    assert "equals one value" in in_sql.value.next_step


async def test_amounts_of_another_currency_are_unknown_when_compared(probe: Probe) -> None:
    table = SHAPE.table("probe.thing")
    euros = full(table, price=Decimal(5), currency="EUR")
    yen = full(table, price=Decimal(5), currency="JPY")
    less = Thing.price < Money(TEN, EUR)
    async with probe.holding({"probe.thing": [euros, yen]}) as session:
        assert await _in_sql(session, less) == {euros["id"]: True, yen["id"]: None}
        assert await _in_sql(session, Not(less)) == {euros["id"]: False, yen["id"]: None}


@pytest.mark.parametrize(
    ("predicate", "sentence"),
    [
        (Compare(Path("probe.thing", ("nam",)), "eq", "x"), "Did you mean name"),
        (Compare(Path("probe.thing", ("box", "pric")), "is_null", True), "Did you mean price"),
        (Compare(Path("probe.thing", ("name", "x")), "eq", "x"), "is no reference"),
        (Compare(Path("probe.box", ("name",)), "eq", "x"), "stands where one on probe.thing"),
        (Compare(Path("probe.thing", ("shout",)), "eq", "x"), "is computed"),
        (Compare(Path("probe.thing", ("colour",)), "eq", "redd"), "Did you mean red"),
        (Compare(Path("probe.thing", ("amount",)), "eq", Decimal("1.5")), "whole number"),
        (Compare(Path("probe.thing", ("amount",)), "eq", 2**63), "64 bits"),
        (Compare(Path("probe.thing", ("amount",)), "contains", 1), "has no contains"),
        (Compare(Path("probe.thing", ("weight",)), "eq", 1.5), "finite Decimal"),
        (Compare(Path("probe.thing", ("weight",)), "eq", Decimal("NaN")), "finite Decimal"),
        (Compare(Path("probe.thing", ("day",)), "lt", Marker.NOW), "different things"),
        (Compare(Path("probe.thing", ("seen_at",)), "lt", datetime(2026, 1, 1)), "its zone"),  # noqa: DTZ001  # naive on purpose
        (Compare(Path("probe.thing", ("name",)), "eq", "a\0"), "without NUL"),
        (Compare(Path("probe.thing", ("name",)), "lt", None), "got nothing"),
        (Compare(Path("probe.thing", ("name",)), "in", ("a", None)), "got nothing"),
        (Compare(Path("probe.thing", ("name",)), "in", "ab"), "a list of values"),
        (Related(Path("probe.thing", ("box",)), "some", Everything()), "no to-many relation"),
        (Compare(Path("probe.thing", ("box", "things")), "eq", "x"), "to-many relation"),
    ],
    ids=str,
)
def test_mistakes_are_named_when_a_predicate_is_compiled(
    predicate: Predicate, sentence: str
) -> None:
    table = SHAPE.table("probe.thing")
    with pytest.raises(Invalid) as in_sql:
        to_sql(predicate, SHAPE, "probe.thing", table, BINDINGS)
    with pytest.raises(Invalid) as in_python:
        _in_python(World([], [full(table)]), predicate)
    assert sentence in str(in_sql.value)
    assert str(in_sql.value) == str(in_python.value)


def test_predicates_are_refused_when_too_deep_or_long() -> None:
    deep: Predicate = Everything()
    for _ in range(40):
        deep = ~deep
    for predicate in (deep, And((Everything(),) * 2000)):
        with pytest.raises(LimitExceeded):
            to_sql(predicate, SHAPE, "probe.thing", SHAPE.table("probe.thing"), BINDINGS)


async def test_hidden_records_count_as_absent_when_a_filter_crosses_to_them(probe: Probe) -> None:
    box = full(SHAPE.table("probe.box"), name="secret")
    thing = full(SHAPE.table("probe.thing"), box=box["id"])
    table = SHAPE.table("probe.thing")
    crossing: list[tuple[Predicate, bool | None]] = [
        (Thing.box.to(Box.name) == "secret", None),
        (Compare(Thing.box.path, "eq", box["id"]), None),
        (Thing.box.is_null(), True),
        (Related(Path("probe.thing", ("box", "things")), "some", Everything()), False),
    ]
    rules: dict[str, Predicate] = {"probe.box": Box.name == "open", "probe.thing": Everything()}
    async with probe.holding({"probe.box": [box], "probe.thing": [thing]}) as session:
        for predicate, expected in crossing:
            for visible in (rules, {"probe.thing": Everything()}):
                answer = to_sql(predicate, SHAPE, "probe.thing", table, BINDINGS, visible.get)
                assert await session.fetch_value(sa.select(answer)) is expected, predicate


async def test_quantifiers_take_unknown_as_not_met(probe: Probe) -> None:
    box = full(SHAPE.table("probe.box"))
    table = SHAPE.table("probe.thing")
    asking, unnamed = full(table, name="x", box=box["id"]), full(table, box=box["id"])
    lonely = full(table)
    rows = {"probe.box": [box], "probe.thing": [asking, unnamed, lonely]}
    world = World([box], [asking, unnamed, lonely])
    inside, x = Path("probe.thing", ("box", "things")), Thing.name == "x"
    expected = {
        Related(inside, "every", x): False,
        Related(inside, "every", Or((x, Thing.name.is_null()))): True,
        Related(inside, "none", Thing.name == "y"): True,
        Related(inside, "none", x): False,
        Related(inside, "some", Not(x)): False,
        Related(inside, "some", x): True,
    }
    async with probe.holding(rows) as session:
        for predicate, answer in expected.items():
            alone = predicate.quantifier != "some"  # without a box there are no records to fail
            answers = {asking["id"]: answer, unnamed["id"]: answer, lonely["id"]: alone}
            assert await _in_sql(session, predicate) == answers, predicate
            assert _in_python(world, predicate) == answers, predicate


async def test_hidden_records_do_not_count_when_a_filter_asks_for_related_ones(
    probe: Probe,
) -> None:
    box = full(SHAPE.table("probe.box"))
    things = [full(SHAPE.table("probe.thing"), box=box["id"], name=name) for name in ("a", "b")]
    rules: dict[str, Predicate] = {"probe.box": Everything(), "probe.thing": Thing.name == "a"}
    guess = Related(Path("probe.box", ("things",)), "some", Thing.name == "b")
    table = SHAPE.table("probe.box")
    async with probe.holding({"probe.box": [box], "probe.thing": things}) as session:
        for visible, expected in ((None, True), (rules.get, False)):
            answer = to_sql(guess, SHAPE, "probe.box", table, BINDINGS, visible)
            assert await session.fetch_value(sa.select(answer)) is expected


async def test_nothing_is_one_of_no_values_and_null_compares_as_unknown(probe: Probe) -> None:
    thing = full(SHAPE.table("probe.thing"))
    name = Thing.name.path
    expected: list[tuple[Predicate, bool | None]] = [
        (Compare(name, "in", ()), False),
        (Compare(name, "in", (), exact_case=False), False),
        (Compare(name, "in", ("a",)), None),
        (Compare(name, "ne", "a"), None),
        (Compare(name, "eq", None), True),
        (Compare(name, "ne", None), False),
        (And(()), True),
        (Or(()), False),
    ]
    async with probe.holding({"probe.thing": [thing]}) as session:
        for predicate, answer in expected:
            assert await _in_sql(session, predicate) == {thing["id"]: answer}, predicate
            assert _in_python(World([], [thing]), predicate) == {thing["id"]: answer}, predicate
