"""Reads of Python code: typed columns across references, and statements over sources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa

from hansa_core.clock import FixedClock
from hansa_core.policy.grants import Grants
from hansa_core.query.reader import Reader
from hansa_core.storage.transaction import Session
from hansa_sdk import Currency, Denied, Invalid, LimitExceeded, Money, Quantity
from hansa_sdk.predicates import Predicate
from tests.core.query.conftest import NOW, Probe, full
from tests.core.query.plugin import Box, Colour, Thing, shape

SHAPE = shape()
BOX, THING = SHAPE.table("probe.box"), SHAPE.table("probe.thing")


def masked(probe: Probe, session: Session, masks: dict[str, Predicate | None]) -> Reader:
    caller = probe.caller()
    rules = {("probe.thing", name): rule for name, rule in masks.items()}
    grants = Grants("masked", caller.grants.rows, rules)
    return Reader(session, replace(caller, grants=grants), probe.cursors, FixedClock(NOW))


async def test_columns_come_as_python_values_in_one_statement(probe: Probe) -> None:
    box = full(BOX, name="outer", currency="EUR", price=Decimal("2.50"))
    things = [
        full(
            THING,
            name=f"t{number}",
            colour="dark blue",
            box=box["id"],
            currency="JPY",
            price=Decimal(number),
            length=Decimal("1.5"),
            length_unit="m",
            day=date(2026, 1, number),
        )
        for number in (1, 2)
    ]
    columns = (
        Thing.name,
        Thing.colour,
        Thing.price,
        Thing.length,
        Thing.day,
        Thing.box.to(Box.name),
        Thing.box.to(Box.price),
    )
    async with probe.holding({"probe.box": [box], "probe.thing": things}) as session:
        reader = probe.reader(session)
        before = session.statement_count
        rows = await reader.select(
            "probe.thing",
            [column.path for column in columns],
            Thing.day > date(2026, 1, 1),
            [Thing.name.descending()],
        )
        assert session.statement_count == before + 1
        counts = await reader.select("probe.box", [Box.name.path, Box.thing_count.path])
    assert rows == [
        (
            "t2",
            Colour.DARK_BLUE,
            Money(Decimal(2), Currency("JPY")),
            Quantity(Decimal("1.5"), "m"),
            date(2026, 1, 2),
            "outer",
            Money(Decimal("2.50"), Currency("EUR")),
        )
    ]
    assert counts == [("outer", 2)]


async def test_roll_ups_and_formulas_are_selected_filtered_and_ordered_by(probe: Probe) -> None:
    boxes = [full(BOX, name=name, currency="EUR", price=Decimal(2)) for name in ("two", "one")]
    things = [
        full(THING, box=box["id"], weight=weight, currency="EUR", price=Decimal(9), cost=Decimal(4))
        for box, weight in ((boxes[0], Decimal(5)), (boxes[0], None), (boxes[1], Decimal(7)))
    ]
    things.append(full(THING, box=boxes[1]["id"], archived=True))
    across = (Thing.box.to(Box.thing_count), Thing.box.to(Box.doubled))
    columns = (Thing.heavy, Thing.margin, *across)
    order = (Thing.heavy.descending(),)
    several = Thing.box.to(Box.thing_count) > 1
    five, four = Money(Decimal(5), Currency("EUR")), Money(Decimal(4), Currency("EUR"))
    async with probe.holding({"probe.box": boxes, "probe.thing": things}) as session:
        reader = probe.reader(session)
        paths = [column.path for column in columns]
        assert await reader.select("probe.thing", paths, several, order) == [
            (Decimal(10), five, 2, four),
            (Decimal(2), five, 2, four),
        ]
        assert await reader.count("probe.box", Box.thing_count > 1) == 1
        least = await reader.select("probe.box", [Box.name.path, Box.margin_eur.path], None, ())
        assert sorted(least) == [("one", Decimal(5)), ("two", Decimal(10))]
        hiding = masked(probe, session, {"weight": Thing.weight > Decimal(5), "cost": None})
        rows = await hiding.select("probe.thing", [Thing.heavy.path], None, order)
        assert rows == [(Decimal(14),), (None,), (None,)]
        with pytest.raises(Denied, match="margin"):
            await hiding.select("probe.thing", [Thing.margin.path])
        with pytest.raises(Denied, match="margin_eur"):
            await hiding.select("probe.box", [Box.margin_eur.path])


async def test_columns_are_masked_and_hidden_as_in_any_read(probe: Probe) -> None:
    things = [full(THING, name=name, amount=1) for name in ("a", "b")]
    async with probe.holding({"probe.thing": things}) as session:
        reader = masked(probe, session, {"amount": Thing.name == "a", "weight": None})
        paths = [Thing.name.path, Thing.amount.path]
        rows = await reader.select("probe.thing", paths, None, [Thing.name.ascending()])
        assert rows == [("a", 1), ("b", None)]
        with pytest.raises(Denied, match="weight"):
            await reader.select("probe.thing", [Thing.weight.path])
        with pytest.raises(Denied, match=r"read on probe\.box"):
            await probe.reader(session, {}).select("probe.box", [Box.name.path])
        with pytest.raises(Invalid, match="computed in Python"):
            await reader.select("probe.thing", [Thing.shout.path])
        with pytest.raises(Invalid, match="at least one column"):
            await reader.select("probe.thing", [])
        with pytest.raises(LimitExceeded):
            await reader.select("probe.thing", paths, limit=10_001)


async def test_a_report_joins_sources_of_what_the_caller_may_see(probe: Probe) -> None:
    boxes = [full(BOX, name="seen"), full(BOX, name="unseen")]
    things = [
        full(THING, name=name, box=box["id"], amount=3, archived=name == "old")
        for box in boxes
        for name in ("a", "b", "old")
    ]
    async with probe.holding({"probe.box": boxes, "probe.thing": things}) as session:
        reader = probe.reader(
            session, {"probe.box": Box.name == "seen", "probe.thing": Thing.amount == 3}
        )
        box, thing = reader.source("probe.box"), reader.source("probe.thing")
        total = sa.func.sum(thing.c.amount).label("total")
        statement = (
            sa.select(box.c.name, total)
            .select_from(box.join(thing, thing.c.box == box.c.id))
            .group_by(box.c.name)
        )
        assert await reader.report(statement) == [{"name": "seen", "total": 6}]
        hiding = masked(probe, session, {"amount": None})
        hidden = hiding.source("probe.thing")
        assert await hiding.report(sa.select(sa.func.sum(hidden.c.amount).label("sum"))) == [
            {"sum": None}
        ]


ELSEWHERE: dict[str, Callable[[sa.Subquery], sa.SelectBase]] = {
    "table": lambda thing: sa.select(THING.c.name),
    "in": lambda thing: sa.select(thing.c.name).where(thing.c.box.in_(sa.select(BOX.c.id))),
    "join": lambda thing: sa.select(thing.c.name).join(BOX, BOX.c.id == thing.c.box),
    "text": lambda thing: sa.select(sa.text("1")).select_from(thing),
    "literal": lambda thing: sa.select(sa.literal_column("(SELECT 1)", sa.Integer())).select_from(
        thing
    ),
    "scalar": lambda thing: sa.select(thing.c.name, sa.select(BOX.c.name).scalar_subquery()),
    "table by name": lambda thing: sa.select(sa.table("probe_box", sa.column("name")).c.name),
    "cte": lambda thing: sa.select(sa.select(BOX.c.name).cte().c.name),
    "union": lambda thing: sa.select(thing.c.name).union(sa.select(BOX.c.name)),
}


@pytest.mark.parametrize("statement", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_a_report_over_anything_else_is_refused(
    probe: Probe, statement: Callable[[sa.Subquery], sa.SelectBase]
) -> None:
    async with probe.holding({}) as session:
        reader = probe.reader(session)
        with pytest.raises(Invalid, match=r"selects from ctx\.source"):
            await reader.report(statement(reader.source("probe.thing")))


async def test_a_source_of_another_transaction_is_refused(probe: Probe) -> None:
    async with probe.holding({}) as session:
        stale = probe.reader(session).source("probe.thing")
        with pytest.raises(Invalid, match=r"selects from ctx\.source"):
            await probe.reader(session).report(sa.select(stale.c.name))
