"""The reader: what the caller may see at every level, in a fixed number of statements."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.query.evaluate import LoadedRows, evaluate
from hansa_core.query.plan import (
    FieldSelection,
    ManySelection,
    Page,
    PageRequest,
    RecordRequest,
    RefSelection,
    Selection,
)
from hansa_core.query.reader import Reader
from hansa_sdk import Denied, LimitExceeded, Quantity
from hansa_sdk.predicates import Compare, Everything, Path, Predicate, Related
from tests.core.query.conftest import BINDINGS, Probe, full
from tests.core.query.generated import Row, World, predicates, worlds
from tests.core.query.plugin import Box, Thing, shape

SHAPE = shape()
BOX, THING = SHAPE.table("probe.box"), SHAPE.table("probe.thing")


def fields(*names: str) -> Selection:
    return Selection(tuple(FieldSelection(name, name) for name in names))


def to_box(selection: Selection) -> RefSelection:
    return RefSelection("box", "box", selection)


def things(page: PageRequest) -> ManySelection:
    return ManySelection("things", "things", page)


def _with(
    selection: Selection,
    references: tuple[RefSelection, ...] = (),
    relations: tuple[ManySelection, ...] = (),
) -> Selection:
    return Selection((*selection.items, *references, *relations))


async def _one(reader: Reader, entity: str, id: object, selection: Selection) -> dict[str, object]:
    node = await reader.record(RecordRequest(entity, cast(uuid.UUID, id), selection))
    assert node is not None
    return node


async def test_fields_are_plain_values_when_selected(probe: Probe) -> None:
    thing = full(
        THING,
        name="a",
        colour="red",
        price=Decimal("1.5000"),
        currency="EUR",
        length=Decimal("2.000000"),
        length_unit="kg",
        title='{"en": "A", "de": "Ä"}',
        tags=["x", "y"],
        day=date(2026, 1, 2),
    )
    asked = fields("name", "colour", "price", "length", "title", "tags", "day", "shout", "cost")
    asked = Selection((*asked.items, FieldSelection("again", "name")))
    async with probe.holding({"probe.thing": [thing]}) as session:
        node = await _one(probe.reader(session), "probe.thing", thing["id"], asked)
    assert node == {
        "name": "a",
        "colour": "red",
        "price": Decimal("1.5000"),
        "length": Quantity(Decimal(2), "kg"),
        "title": {"en": "A", "de": "Ä"},
        "tags": ["x", "y"],
        "day": date(2026, 1, 2),
        "shout": "a EUR!",
        "cost": None,
        "again": "a",
    }
    assert type(node["colour"]) is str


async def test_rows_are_whole_when_fetched(probe: Probe) -> None:
    listed = [full(THING, amount=n, length=Decimal(n), length_unit="m") for n in range(3)]
    hidden = full(THING, archived=True)
    async with probe.holding({"probe.thing": [*listed, hidden]}) as session:
        reader = probe.reader(session)
        rows = await reader.rows(
            "probe.thing", Thing.amount >= 1, [Thing.amount.descending()], limit=5
        )
        assert rows == [listed[2], listed[1]]
        assert len(await reader.rows("probe.thing", limit=2)) == 2
        assert await reader.count("probe.thing") == 3
        assert await reader.count("probe.thing", archived=True) == 4
        assert len(await reader.rows("probe.thing", archived=True)) == 4
        with pytest.raises(LimitExceeded):
            await reader.rows("probe.thing", limit=10_001)


async def test_archived_records_are_hidden_when_listed_but_not_when_fetched(probe: Probe) -> None:
    box = full(BOX, archived=True)
    thing = full(THING, archived=True, box=box["id"])
    async with probe.holding({"probe.box": [box], "probe.thing": [thing]}) as session:
        reader = probe.reader(session)
        for archived, count in ((False, 0), (True, 1)):
            asked = PageRequest(fields("id"), with_archived=archived, total=True)
            page = await reader.page("probe.thing", asked)
            assert (len(page.nodes), page.total) == (count, count)
            node = await _one(reader, "probe.box", box["id"], _with(fields(), (), (things(asked),)))
            assert len(cast(Page, node["things"]).nodes) == count
        node = await _one(
            reader, "probe.thing", thing["id"], _with(fields(), (to_box(fields("name")),))
        )
        assert node == {"box": {"name": None}}


async def test_search_finds_every_word_in_any_searched_field(probe: Probe) -> None:
    listed = [
        full(THING, name="Ärger 100%", email="a@b.example"),
        full(THING, name="ARGER", email="100@x.example"),
        full(THING, name=None, email=None),
    ]
    expected = {"ärger": 1, "ÄRGER A@B": 1, "%": 1, "_": 0, "100": 2, "example r": 2, "  ": 3}
    async with probe.holding({"probe.thing": listed}) as session:
        for search, count in expected.items():
            request = PageRequest(fields("id"), search=search, total=True)
            page = await probe.reader(session).page("probe.thing", request)
            assert (len(page.nodes), page.total) == (count, count), search


async def test_rollups_count_what_the_caller_may_read(probe: Probe) -> None:
    box, empty = full(BOX, name="full"), full(BOX, name="empty")
    listed = [
        full(THING, box=box["id"], weight=Decimal("1.5"), colour="red", day=date(2026, 1, 1)),
        full(THING, box=box["id"], weight=Decimal("2"), colour="red", day=date(2026, 1, 9)),
        full(THING, box=box["id"], weight=Decimal("4"), colour="green"),
        full(THING, box=box["id"], weight=Decimal("8"), colour="red", archived=True),
    ]
    asked = fields("thing_count", "red_weight", "last_day")
    rules: dict[str, Predicate] = {
        "probe.box": Everything(),
        "probe.thing": Thing.weight < Decimal(2),
    }
    async with probe.holding({"probe.box": [box, empty], "probe.thing": listed}) as session:
        whole, part = probe.reader(session), probe.reader(session, rules)
        none = probe.reader(session, {"probe.box": Everything()})
        zero = {"thing_count": 0, "red_weight": Decimal(0), "last_day": None}
        assert await _one(whole, "probe.box", box["id"], asked) == {
            "thing_count": 3,
            "red_weight": Decimal("3.5"),
            "last_day": date(2026, 1, 9),
        }
        assert await _one(whole, "probe.box", empty["id"], asked) == zero
        assert (await _one(part, "probe.box", box["id"], asked))["red_weight"] == Decimal("1.5")
        assert await _one(none, "probe.box", box["id"], asked) == zero


async def test_reading_is_denied_when_nothing_is_granted(probe: Probe) -> None:
    thing = full(THING)
    async with probe.holding({"probe.thing": [thing]}) as session:
        reader = probe.reader(session, {"probe.box": Everything()})
        with pytest.raises(Denied):
            await reader.page("probe.thing", PageRequest(fields("id")))
        with pytest.raises(Denied):
            await reader.record(RecordRequest("probe.thing", uuid.uuid4(), fields("id")))
        with pytest.raises(Denied):
            await reader.rows("probe.thing")
        with pytest.raises(Denied):
            await reader.count("probe.thing")


async def test_record_is_none_when_hidden_or_missing(probe: Probe) -> None:
    thing = full(THING, name="secret")
    async with probe.holding({"probe.thing": [thing]}) as session:
        reader = probe.reader(session, {"probe.thing": Thing.name == "open"})
        for id in (cast(uuid.UUID, thing["id"]), uuid.uuid4()):
            assert await reader.record(RecordRequest("probe.thing", id, fields("id"))) is None


@given(data=st.data())
async def test_row_rules_hold_at_every_level(probe: Probe, data: st.DataObject) -> None:
    world = data.draw(worlds(SHAPE))
    rules = {
        "probe.box": data.draw(predicates(SHAPE, "probe.box", depth=1)),
        "probe.thing": data.draw(predicates(SHAPE, "probe.thing", depth=1)),
    }
    granted = {name: rule for name, rule in rules.items() if data.draw(st.booleans())}
    granted["probe.thing"] = rules["probe.thing"]
    seen = {name: _seen(world, name, granted.get(name)) for name in rules}
    selection = _with(
        fields("id"),
        (
            RefSelection("ref", "box", fields("id")),
            to_box(
                _with(
                    fields("name", "thing_count"),
                    (),
                    (things(PageRequest(fields("id"), total=True)),),
                )
            ),
        ),
    )
    async with probe.holding(world.rows) as session:
        reader = probe.reader(session, granted)
        page = await reader.page("probe.thing", PageRequest(selection, total=True))
        assert {node["id"] for node in page.nodes} == set(seen["probe.thing"])
        assert page.total == await reader.count("probe.thing") == len(seen["probe.thing"])
        for node in page.nodes:
            owner = world.by_id["probe.thing"][cast(uuid.UUID, node["id"])]["box"]
            if owner not in seen["probe.box"]:
                assert (node["box"], node["ref"]) == (None, None)
                continue
            assert node["ref"] == {"id": owner}
            inner = cast("dict[str, object]", node["box"])
            mine = {id for id, row in seen["probe.thing"].items() if row["box"] == owner}
            nested = cast(Page, inner["things"])
            assert {each["id"] for each in nested.nodes} == mine
            assert (nested.total, inner["thing_count"]) == (len(mine), len(mine))


def _seen(world: World, entity: str, rule: Predicate | None) -> Mapping[uuid.UUID, Row]:
    """Return the rows a rule shows, decided in Python."""
    lookup = LoadedRows(SHAPE, world.by_id)
    return {
        id: row
        for id, row in world.by_id[entity].items()
        if rule is not None and evaluate(rule, entity, row, BINDINGS, lookup) is True
    }


async def test_hidden_references_do_not_show_in_filters_orders_and_cursors(probe: Probe) -> None:
    secrets = [full(BOX, name=name) for name in ("a", "b")]
    listed = [
        full(THING, id=uuid.UUID(int=2 - number), box=box["id"])
        for number, box in enumerate(secrets)
    ]
    rules: dict[str, Predicate] = {"probe.thing": Everything(), "probe.box": Box.name == "open"}
    by_box = (Thing.box.to(Box.name).ascending(),)
    some = Related(Path("probe.thing", ("box", "things")), "some", Everything())
    async with probe.holding({"probe.box": secrets, "probe.thing": listed}) as session:
        reader = probe.reader(session, rules)
        page = await reader.page("probe.thing", PageRequest(fields("id", "box"), order=by_box))
        assert [node["id"] for node in page.nodes] == [uuid.UUID(int=1), uuid.UUID(int=2)]
        assert [node["box"] for node in page.nodes] == [None, None]
        guesses = (
            Thing.box.to(Box.name) == "a",
            Compare(Thing.box.path, "eq", secrets[0]["id"]),
            Thing.box.is_null(False),
            some,
        )
        for where in guesses:
            assert await reader.count("probe.thing", where) == 0


async def test_statements_do_not_grow_with_rows(probe: Probe) -> None:
    deep = _with(
        fields("name", "shout"),
        (
            to_box(
                _with(
                    fields("name", "thing_count"),
                    (RefSelection("outer", "outer", fields("name")),),
                    (things(PageRequest(fields("id", "shout"), first=2, total=True)),),
                )
            ),
        ),
    )
    counts: list[int] = []
    for size in (1, 7, 60):
        outer = full(BOX)
        boxes = [full(BOX, outer=outer["id"]) for _ in range(size)]
        listed = [full(THING, box=box["id"]) for box in boxes for _ in range(3)]
        async with probe.holding({"probe.box": [outer, *boxes], "probe.thing": listed}) as session:
            before = session.statement_count
            page = await probe.reader(session).page(
                "probe.thing", PageRequest(deep, first=200, total=True)
            )
            counts.append(session.statement_count - before)
            assert len(page.nodes) == 3 * size
    assert counts == [1, 1, 1]
