"""Roll-ups and formulas in filters, orders, groups and pages: what is hidden of them, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from hansa_core.auth.principal import Principal
from hansa_core.caller import Caller
from hansa_core.policy.grants import Grants
from hansa_sdk.predicates import Predicate
from tests.core.graphql.conftest import Ask
from tests.core.graphql.plugin import Colour, Sample, Shelf
from tests.core.graphql.test_hidden import WAYS as SAMPLE_WAYS

SHELF_WAYS = [
    "{{ labShelves {{ nodes {{ id {0} }} }} }}",
    "{{ labShelves(where: {{{0}: {{isNull: true}}}}) {{ totalCount }} }}",
    "{{ labSamples(where: {{shelf: {{{0}: {{isNull: true}}}}}}) {{ totalCount }} }}",
    "{{ labShelves(where: {{shelves: {{none: {{{0}: {{isNull: true}}}}}}}}) {{ totalCount }} }}",
    "{{ labShelves(orderBy: {{field: {0}}}) {{ nodes {{ id }} }} }}",
    "{{ labSamples(orderBy: {{field: shelf_{0}}}) {{ nodes {{ id }} }} }}",
    "{{ labShelvesGroup(by: {{field: {0}}}) {{ count }} }}",
    "{{ labShelvesGroup {{ keys {{ {0} }} }} }}",
    "{{ labShelvesGroup {{ sum {{ {0} }} }} }}",
    "{{ labShelvesGroup(having: {{sum: {{{0}: {{isNull: true}}}}}}) {{ count }} }}",
    "{{ labShelvesGroup(orderBy: {{field: max_{0}}}) {{ count }} }}",
    'mutation {{ labShelfDeleteMany(where: {{name: {{eq: "none"}}, {0}: {{isNull: true}}}}) '
    "{{ count }} }}",
    "query ($order: [LabShelfOrder!]) {{ labShelves(orderBy: $order) {{ totalCount }} }}",
    "query ($where: LabShelfWhere) {{ labShelves(where: $where) {{ totalCount }} }}",
]
Masks = Mapping[tuple[str, str], Predicate | None]


def reader(
    keeper: Caller, masks: Masks, rows: Mapping[tuple[str, str], Predicate] | None = None
) -> Caller:
    grants = Grants(str(uuid4()), {**keeper.grants.rows, **(rows or {})}, masks)
    return Caller(keeper.tenant, Principal(uuid4()), keeper.shape, grants)


async def shelves(ask: Ask, keeper: Caller, name: str, *weights: Mapping[str, str]) -> list[str]:
    """Put a shelf for each mapping of samples' weights by name; return their ids."""
    ids: list[str] = []
    for number, samples in enumerate(weights):
        lines = [
            {
                "name": sample,
                "weight": weight,
                "colour": "DARK_BLUE" if sample.startswith("blue") else "RED",
                "currency": "EUR",
                "price": "1",
            }
            for sample, weight in samples.items()
        ]
        answer = await ask(
            """mutation ($input: LabShelfCreateInput!) {
            labShelfCreate(input: $input) { record { id } errors { message } } }""",
            {"input": {"name": f"{name} {number}", "samples": {"create": lines}}},
            caller=keeper,
        )
        assert answer["data"]["labShelfCreate"]["errors"] == [], answer
        ids.append(answer["data"]["labShelfCreate"]["record"]["id"])
    return ids


def _renamed(answer: object, name: str) -> object:
    return str(answer).replace(name, "heavyy")


def _variables(name: str) -> dict[str, object]:
    return {"order": [{"field": name}], "where": {name: {"isNull": True}}}


@pytest.mark.parametrize("way", [(way, "twice") for way in SAMPLE_WAYS])
@pytest.mark.parametrize("hidden", ["weight", "twice"])
async def test_a_formula_of_a_hidden_field_answers_as_one_that_does_not_exist(
    ask: Ask, keeper: Caller, way: tuple[str, str], hidden: str
) -> None:
    await _compare(ask, keeper, way, reader(keeper, {("lab.sample", hidden): None}))


@pytest.mark.parametrize("way", [(way, "total") for way in SHELF_WAYS])
@pytest.mark.parametrize("hidden", [("lab.sample", "weight"), ("lab.shelf", "total")])
async def test_a_roll_up_of_a_hidden_field_answers_as_one_that_does_not_exist(
    ask: Ask, keeper: Caller, way: tuple[str, str], hidden: tuple[str, str]
) -> None:
    await _compare(ask, keeper, way, reader(keeper, {hidden: None}))


@pytest.mark.parametrize("hidden", ["colour", "shelf"])
async def test_a_roll_up_by_a_hidden_field_does_not_exist(
    ask: Ask, keeper: Caller, hidden: str
) -> None:
    way = (SHELF_WAYS[1], "reds")
    await _compare(ask, keeper, way, reader(keeper, {("lab.sample", hidden): None}))


async def _compare(ask: Ask, keeper: Caller, asked: tuple[str, str], spy: Caller) -> None:
    way, name = asked
    hidden = await ask(way.format(name), _variables(name), caller=spy)
    absent = await ask(way.format("heavyy"), _variables("heavyy"), caller=spy)
    assert "data" not in hidden
    assert _renamed(hidden, name) == str(absent)
    seen = await ask(way.format(name), _variables(name), caller=keeper)
    assert "errors" not in seen, seen


async def test_a_roll_up_is_of_the_rows_and_values_that_may_be_seen(
    ask: Ask, keeper: Caller
) -> None:
    await shelves(
        ask, keeper, "Rolled", {"a": "1", "blue": "9"}, {"b": "5"}, {"blue c": "3", "c": "3"}, {}
    )
    document = """{
      listed: labShelves(where: {name: {startsWith: "Rolled"}}
        orderBy: [{field: total, direction: DESC}]) { nodes { name total doubled reds } }
      found: labShelves(where: {name: {startsWith: "Rolled"}, total: {gte: "5"}}) { totalCount }
      twice: labShelves(where: {name: {startsWith: "Rolled"}, doubled: {gte: "12"}}) { totalCount }
      groups: labShelvesGroup(where: {name: {startsWith: "Rolled"}}, by: {field: reds}
        having: {sum: {total: {gt: "0"}}}) { keys { reds } count sum { total } } }"""

    async def figures(caller: Caller) -> tuple[Any, ...]:
        answer = await ask(document, caller=caller)
        data = answer["data"]
        listed = [
            (each["name"][-1], each["total"], each["doubled"], each["reds"])
            for each in data["listed"]["nodes"]
        ]
        groups = [(g["keys"]["reds"], g["count"], g["sum"]["total"]) for g in data["groups"]]
        return listed, data["found"]["totalCount"], data["twice"]["totalCount"], groups

    assert await figures(keeper) == (
        [
            ("0", "10.00", "20.00", 1),
            ("2", "6.00", "12.00", 1),
            ("1", "5.00", "10.00", 1),
            ("3", "0.00", "0.00", 0),
        ],
        3,
        2,
        [(1, 3, "21.00")],
    )
    red = Sample.colour == Colour.RED
    rows = reader(keeper, {}, {("lab.sample", "read"): red})
    values = reader(keeper, {("lab.sample", "weight"): red})
    expected = (
        [
            ("1", "5.00", "10.00", 1),
            ("2", "3.00", "6.00", 1),
            ("0", "1.00", "2.00", 1),
            ("3", "0.00", "0.00", 0),
        ],
        1,
        0,
        [(1, 3, "9.00")],
    )
    assert await figures(rows) == expected
    assert await figures(values) == expected
    own = reader(keeper, {("lab.shelf", "total"): Shelf.name == "Rolled 1"})
    listed, found, *_ = await figures(own)
    assert {name: total for name, total, *_ in listed if total is not None} == {"1": "5.00"}
    assert (listed[0][0], found) == ("1", 1)


async def test_a_formula_is_null_where_what_it_takes_is_masked(ask: Ask, keeper: Caller) -> None:
    (shelf,) = await shelves(ask, keeper, "Masked", {"a": "1", "blue": "2", "b": "3"})
    mine = f'shelf: {{id: {{eq: "{shelf}"}}}}'
    document = f"""{{
      listed: labSamples(where: {{{mine}}} orderBy: [{{field: twice, nulls: FIRST}}]) {{
        nodes {{ name twice }} }}
      found: labSamples(where: {{{mine}, twice: {{gte: "4"}}}}) {{ nodes {{ name }} }}
      none: labSamples(where: {{{mine}, twice: {{isNull: true}}}}) {{ nodes {{ name }} }}
      group: labSamplesGroup(where: {{{mine}}}) {{ sum {{ twice }} max {{ twice }} }} }}"""
    red = Sample.colour == Colour.RED
    expected = {
        "listed": [("blue", None), ("a", "2.00"), ("b", "6.00")],
        "found": ["b"],
        "none": ["blue"],
        "group": {"sum": {"twice": "8.00"}, "max": {"twice": "6.00"}},
    }
    for name in ("weight", "twice"):
        data = (await ask(document, caller=reader(keeper, {("lab.sample", name): red})))["data"]
        assert {
            "listed": [(each["name"], each["twice"]) for each in data["listed"]["nodes"]],
            "found": [each["name"] for each in data["found"]["nodes"]],
            "none": [each["name"] for each in data["none"]["nodes"]],
            "group": data["group"][0],
        } == expected


async def test_pages_by_a_roll_up_go_on_behind_their_cursor(ask: Ask, keeper: Caller) -> None:
    await shelves(ask, keeper, "Paged", {"a": "2"}, {"b": "7"}, {}, {"c": "2"}, {"d": "1"})
    document = """query ($after: String, $before: String, $first: Int, $last: Int) {
      labShelves(where: {name: {startsWith: "Paged"}}, first: $first, after: $after, last: $last,
        before: $before, orderBy: [{field: total, direction: DESC}]) {
        nodes { total } pageInfo { endCursor startCursor hasNextPage } } }"""
    forward: list[str] = []
    given: dict[str, object] = {"first": 2}
    more = True
    while more:
        page = (await ask(document, given, caller=keeper))["data"]["labShelves"]
        forward += [each["total"] for each in page["nodes"]]
        given["after"] = page["pageInfo"]["endCursor"]
        more = page["pageInfo"]["hasNextPage"]
    assert forward == ["7.00", "2.00", "2.00", "1.00", "0.00"]
    last = (await ask(document, {"last": 2}, caller=keeper))["data"]["labShelves"]
    before = {"last": 2, "before": last["pageInfo"]["startCursor"]}
    page = (await ask(document, before, caller=keeper))["data"]["labShelves"]
    assert [each["total"] for each in page["nodes"]] == ["2.00", "2.00"]
    spy = reader(keeper, {("lab.sample", "weight"): None})
    spied = await ask(document, {"first": 2, "after": given["after"]}, caller=spy)
    assert "data" not in spied


async def test_archived_records_count_only_where_they_are_asked_for(
    ask: Ask, keeper: Caller
) -> None:
    top, under = await shelves(ask, keeper, "Archive", {}, {})
    moved = await ask(
        """mutation ($id: ID!, $above: ID!) {
        labShelfUpdate(id: $id, version: 1, input: {above: {connect: $above}}) {
          record { version } errors { message } } }""",
        {"id": under, "above": top},
        caller=keeper,
    )
    assert moved["data"]["labShelfUpdate"]["errors"] == []
    counted = """query ($id: ID!) {
      plain: labShelves(where: {id: {eq: $id}, shelves: {some: {}}}) { totalCount }
      every: labShelves(where: {id: {eq: $id}, shelves: {every: {name: {eq: "x"}}}}) { totalCount }
      all: labShelves(where: {id: {eq: $id}, shelves: {some: {}, archived: true}}) { totalCount }
      lists: labShelf(id: $id) { shelves { totalCount } } }"""

    async def told() -> tuple[int, ...]:
        data = (await ask(counted, {"id": top}, caller=keeper))["data"]
        return (
            data["plain"]["totalCount"],
            data["every"]["totalCount"],
            data["all"]["totalCount"],
            data["lists"]["shelves"]["totalCount"],
        )

    assert await told() == (1, 0, 1, 1)
    archive = """mutation ($id: ID!) { labShelfArchive(id: $id, version: 2) {
      errors { message } } }"""
    answer = await ask(archive, {"id": under}, caller=keeper)
    assert answer["data"]["labShelfArchive"]["errors"] == []
    assert await told() == (0, 1, 1, 0)
