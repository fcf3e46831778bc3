"""Pages: walking them yields every row once, in order, forward and backward."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cmp_to_key
from typing import cast

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.clock import FixedClock
from hansa_core.model.meta import ORDERED_KINDS, Kind
from hansa_core.query.cursor import CursorScope, CursorSealer
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
from hansa_sdk import CurrencyMismatch, HansaError, Invalid, LimitExceeded, Order
from hansa_sdk.predicates import And, Compare, Or, Path
from tests.core.query.conftest import NOW, Probe, full
from tests.core.query.generated import Row, World, worlds
from tests.core.query.plugin import Box, Thing, shape

SHAPE = shape()
ID = Selection((FieldSelection("id", "id"),))
IN_EUROS = And(
    (
        Compare(Path("probe.thing", ("currency",)), "eq", "EUR"),
        Compare(Path("probe.thing", ("box", "currency")), "eq", "EUR"),
    )
)


def _orders(*, money: bool) -> st.SearchStrategy[tuple[Order, ...]]:
    paths = [
        Path("probe.thing", (*prefix, field.name))
        for entity, prefix in (
            ("probe.thing", ()),
            ("probe.box", ("box",)),
            ("probe.box", ("box", "outer")),
        )
        for field in SHAPE.entity(entity).stored
        if field.kind in ORDERED_KINDS and (field.kind is not Kind.MONEY or money)
        if field.kind is not Kind.MONEY or len(prefix) < 2
    ]
    order = st.builds(Order, st.sampled_from(paths), st.booleans(), st.booleans())
    return st.lists(order, max_size=4).map(tuple)


async def _walk(reader: Reader, request: PageRequest, size: int, *, backward: bool) -> list[object]:
    """Follow cursors to the end, checking what each page says about its neighbours."""
    ids: list[object] = []
    cursor: str | None = None
    for _ in range(100):
        page = await reader.page("probe.thing", _sized(request, size, cursor, backward=backward))
        found = [node["id"] for node in page.nodes]
        assert len(page.cursors) == len(found) <= size
        more, started = page.has_next, page.has_previous
        if backward:
            more, started = started, more
            ids = found + ids
        else:
            ids = ids + found
        assert started == (cursor is not None)
        if not more:
            return ids
        assert len(found) == size
        cursor = page.cursors[0] if backward else page.cursors[-1]
    raise AssertionError("the walk does not end")


def _sized(request: PageRequest, size: int, cursor: str | None, *, backward: bool) -> PageRequest:
    return replace(
        request,
        first=None if backward else size,
        after=None if backward else cursor,
        last=size if backward else None,
        before=cursor if backward else None,
    )


def _expected(world: World, request: PageRequest) -> list[object]:
    """Sort in Python; text by code point, as the test databases' collation does."""
    rows = [row for row in world.things if not row["archived"]]
    if request.where is not None:
        rows = [row for row in rows if _in_euros(world, row)]
    keys = [*request.order, Order(Path("probe.thing", ("id",)), False, False)]

    def compare(one: Row, other: Row) -> int:
        for key in keys:
            found = _compare(key, _value(world, one, key.path), _value(world, other, key.path))
            if found:
                return found
        return 0

    return [row["id"] for row in sorted(rows, key=cmp_to_key(compare))]


def _in_euros(world: World, row: Row) -> bool:
    box = world.by_id["probe.box"].get(cast(uuid.UUID, row["box"]))
    return row["currency"] == "EUR" and box is not None and box["currency"] == "EUR"


def _value(world: World, row: Row, path: Path) -> object:
    for name in path.names[:-1]:
        found = world.by_id["probe.box"].get(cast(uuid.UUID, row[name]))
        if found is None:
            return None
        row = found
    return row[path.names[-1]]


def _compare(key: Order, one: object, other: object) -> int:
    if one == other:
        return 0
    if one is None or other is None:
        return -1 if (one is None) == key.nulls_first else 1
    smaller = cast(Decimal, one) < cast(Decimal, other)
    return -1 if smaller != key.descending else 1


@given(data=st.data())
async def test_walk_yields_every_row_once_in_order(probe: Probe, data: st.DataObject) -> None:
    world = data.draw(worlds(SHAPE, things=9))
    where = data.draw(st.sampled_from([None, IN_EUROS]))
    order = data.draw(_orders(money=where is not None))
    size = data.draw(st.integers(1, 10))
    request = PageRequest(ID, cursors=True, where=where, order=order)
    expected = _expected(world, request)
    async with probe.holding(world.rows) as session:
        reader = probe.reader(session)
        for backward in (False, True):
            assert await _walk(reader, request, size, backward=backward) == expected


@pytest.mark.parametrize("names", [("box", "version"), ("box",), ("amount",)], ids=".".join)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("nulls_first", [False, True])
async def test_walk_meets_nulls_where_they_are_asked(
    probe: Probe, names: tuple[str, ...], descending: bool, nulls_first: bool
) -> None:
    boxes = [full(SHAPE.table("probe.box"), version=version) for version in (1, 2)]
    table = SHAPE.table("probe.thing")
    things = [
        full(table, box=box and box["id"], amount=box and box["version"])
        for box in (None, boxes[0], None, boxes[1], boxes[0], None)
    ]
    request = PageRequest(
        ID, cursors=True, order=(Order(Path("probe.thing", names), descending, nulls_first),)
    )
    world = World(boxes, things)
    async with probe.holding(world.rows) as session:
        for size in (1, 2):
            for backward in (False, True):
                found = await _walk(probe.reader(session), request, size, backward=backward)
                assert found == _expected(world, request)


@given(data=st.data())
async def test_nested_pages_walk_each_parent(probe: Probe, data: st.DataObject) -> None:
    world = data.draw(worlds(SHAPE, things=9))
    order = data.draw(_orders(money=False))
    size = data.draw(st.integers(1, 4))
    backward = data.draw(st.booleans())
    everything = _expected(world, PageRequest(ID, cursors=True, order=order))
    owners = {row["id"]: row["box"] for row in world.things}
    async with probe.holding(world.rows) as session:
        reader = probe.reader(session)
        asked = _sized(
            PageRequest(ID, cursors=True, order=order, total=True), size, None, backward=backward
        )
        listed = await reader.page("probe.box", PageRequest(_with_things(asked)))
        for node in listed.nodes:
            own = [id for id in everything if owners[id] == node["id"]]
            page = cast(Page, node["things"])
            seen = [each["id"] for each in page.nodes]
            assert (page.total, page.total_exact) == (len(own), True)
            while page.has_previous if backward else page.has_next:
                cursor = page.cursors[0] if backward else page.cursors[-1]
                asked = _sized(
                    PageRequest(ID, cursors=True, order=order), size, cursor, backward=backward
                )
                page = await _things_of(reader, cast(uuid.UUID, node["id"]), asked)
                found = [each["id"] for each in page.nodes]
                seen = found + seen if backward else seen + found
                assert found
            assert seen == own


def _with_things(page: PageRequest) -> Selection:
    return Selection((*ID.items, ManySelection("things", "things", page)))


async def _things_of(reader: Reader, id: uuid.UUID, page: PageRequest) -> Page:
    node = await reader.record(RecordRequest("probe.box", id, _with_things(page)))
    assert node is not None
    return cast(Page, node["things"])


async def test_nested_cursor_is_refused_when_of_another_parent_or_several(probe: Probe) -> None:
    boxes = [full(SHAPE.table("probe.box")) for _ in range(2)]
    things = [full(SHAPE.table("probe.thing"), box=box["id"]) for box in boxes for _ in range(3)]
    async with probe.holding({"probe.box": boxes, "probe.thing": things}) as session:
        reader = probe.reader(session)
        one, other = (cast(uuid.UUID, box["id"]) for box in boxes)
        first = await _things_of(reader, one, PageRequest(ID, cursors=True, first=1))
        following = PageRequest(ID, cursors=True, first=1, after=first.cursors[0])
        assert len((await _things_of(reader, one, following)).nodes) == 1
        with pytest.raises(Invalid, match="the list of the one record"):
            await _things_of(reader, other, following)
        with pytest.raises(Invalid, match="the list of the one record"):
            await reader.page("probe.box", PageRequest(_with_things(following)))


async def test_cursor_is_refused_when_filter_order_or_caller_differ(probe: Probe) -> None:
    things = [full(SHAPE.table("probe.thing"), name=name) for name in "abc"]
    async with probe.holding({"probe.thing": things}) as session:
        reader = probe.reader(session)
        by_name = PageRequest(ID, cursors=True, order=(Thing.name.ascending(),), first=1)
        cursor = (await reader.page("probe.thing", by_name)).cursors[0]
        same = replace(by_name, after=cursor)
        assert len((await reader.page("probe.thing", same)).nodes) == 1
        for other in (
            replace(same, order=(Thing.name.descending(),)),
            replace(same, where=Thing.name != "b"),
            replace(same, search="b"),
            replace(same, with_archived=True),
        ):
            with pytest.raises(Invalid, match="does not belong"):
                await reader.page("probe.thing", other)
        someone = probe.caller(user=uuid.UUID(int=0xFF))
        stranger = Reader(session, someone, probe.cursors, FixedClock(NOW))
        with pytest.raises(Invalid, match="does not belong"):
            await stranger.page("probe.thing", same)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (PageRequest(ID, cursors=True, first=201), LimitExceeded),
        (PageRequest(ID, cursors=True, last=201), LimitExceeded),
        (PageRequest(ID, cursors=True, first=-1), Invalid),
        (PageRequest(ID, cursors=True, first=1, last=1), Invalid),
        (PageRequest(ID, cursors=True, first=1, before="x"), Invalid),
        (PageRequest(ID, cursors=True, search="a b c d e f g h i j k"), LimitExceeded),
        (PageRequest(ID, cursors=True, search="a" * 300), LimitExceeded),
        (PageRequest(ID, cursors=True, search="\0"), Invalid),
        (PageRequest(ID, cursors=True, order=(Thing.tags.ascending(),)), Invalid),
        (PageRequest(ID, cursors=True, order=(Thing.length.ascending(),)), Invalid),
        (PageRequest(ID, cursors=True, order=(Thing.shout.ascending(),)), Invalid),
        (PageRequest(ID, cursors=True, order=(Thing.price.ascending(),)), CurrencyMismatch),
        (
            PageRequest(ID, cursors=True, order=(Thing.box.to(Box.price).ascending(),)),
            CurrencyMismatch,
        ),
        (
            PageRequest(
                ID,
                where=Compare(Path("probe.thing", ("currency",)), "eq", "EUR"),
                order=(Thing.box.to(Box.price).ascending(),),
            ),
            CurrencyMismatch,
        ),
        (
            PageRequest(
                ID,
                where=Or(
                    (
                        Compare(Path("probe.thing", ("currency",)), "eq", "EUR"),
                        Thing.done == True,  # noqa: E712  # a predicate, not a truth
                    )
                ),
                order=(Thing.price.ascending(),),
            ),
            CurrencyMismatch,
        ),
        (PageRequest(Selection((FieldSelection("x", "nam"),))), Invalid),
        (PageRequest(Selection((FieldSelection("x", "__class__"),))), Invalid),
        (PageRequest(Selection((RefSelection("x", "name", ID),))), Invalid),
        (
            PageRequest(Selection((ManySelection("x", "box", PageRequest(ID, cursors=True)),))),
            Invalid,
        ),
    ],
    ids=str,
)
async def test_request_is_refused_when_it_cannot_be_meant(
    probe: Probe, request_: PageRequest, error: type[HansaError]
) -> None:
    async with probe.holding({}) as session:
        with pytest.raises(error) as refused:
            await probe.reader(session).page("probe.thing", request_)
    assert type(refused.value) is error
    assert refused.value.message


async def test_page_has_fifty_rows_when_nothing_is_asked(probe: Probe) -> None:
    things = [full(SHAPE.table("probe.thing")) for _ in range(51)]
    async with probe.holding({"probe.thing": things}) as session:
        page = await probe.reader(session).page(
            "probe.thing", PageRequest(ID, cursors=True, total=True)
        )
    assert len(page.nodes) == 50
    assert (page.has_next, page.has_previous, page.total, page.total_exact) == (
        True,
        False,
        51,
        True,
    )


async def test_page_is_empty_when_none_are_asked(probe: Probe) -> None:
    async with probe.holding({"probe.thing": [full(SHAPE.table("probe.thing"))]}) as session:
        page = await probe.reader(session).page(
            "probe.thing", PageRequest(ID, cursors=True, first=0)
        )
    assert (page.nodes, page.has_next, page.total) == ([], True, None)


async def test_total_is_capped_when_there_are_more(probe: Probe) -> None:
    table = SHAPE.table("probe.thing")
    async with probe.holding({"probe.thing": [full(table)]}) as session:
        more = sa.select(
            *(
                sa.func.gen_random_uuid() if column.name == "id" else column
                for column in table.columns
            )
        ).join(sa.func.generate_series(1, 10_000).table_valued("n"), sa.true())
        await session.execute(sa.insert(table).from_select(list(table.columns), more))
        reader = probe.reader(session)
        page = await reader.page("probe.thing", PageRequest(ID, cursors=True, first=1, total=True))
        assert (page.total, page.total_exact) == (10_000, False)
        assert await reader.count("probe.thing") == 10_001


async def test_cursors_are_sealed_when_asked_only(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: list[object] = []
    seal = CursorSealer.seal

    def counted(self: CursorSealer, values: Sequence[object], scope: CursorScope) -> str:
        sealed.append(values)
        return seal(self, values, scope)

    monkeypatch.setattr(CursorSealer, "seal", counted)
    things = [full(SHAPE.table("probe.thing"), name="n" * 100_000) for _ in range(5)]
    async with probe.holding({"probe.thing": things}) as session:
        by_name = PageRequest(ID, order=(Thing.name.ascending(),), first=3)
        page = await probe.reader(session).page("probe.thing", by_name)
        assert (list(page.cursors), sealed) == ([], [])
        page = await probe.reader(session).page("probe.thing", replace(by_name, cursors=True))
        assert len(page.cursors) == len(sealed) == 3
        following = replace(by_name, after=page.cursors[-1])
        assert len((await probe.reader(session).page("probe.thing", following)).nodes) == 2
