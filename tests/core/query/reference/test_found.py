"""What the comparison with the reference found, one test for each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from hansa_core.auth.principal import Principal
from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.policy.grants import Grants
from hansa_sdk import Predicate
from hansa_sdk.predicates import Compare, Path
from tests.core.query.conftest import USER, Probe, full
from tests.core.query.reference.conftest import Held

Answer = dict[str, Any]  # JSON, of any document


async def ask(
    probe: Probe,
    held: Held,
    engine: GraphQL,
    things: list[Mapping[str, object]],
    text: str,
    variables: Mapping[str, object] | None = None,
    masks: Mapping[tuple[str, str], Predicate | None] | None = None,
) -> Answer:
    """Answer a document on a box, its version 1, with things in it."""
    box = full(probe.shape.table("probe.box"))
    table = probe.shape.table("probe.thing")
    rows = [full(table, **{"box": box["id"], **thing}) for thing in things]
    grants = Grants(str(uuid.uuid4()), probe.caller().grants.rows, masks or {})
    async with probe.holding({"probe.box": [box], "probe.thing": rows}) as session:
        held.session = session
        caller = Caller(probe.tenant, Principal(USER), probe.shape, grants)
        return await engine.execute(caller, text, variables)


async def test_a_masked_roll_up_is_null_where_it_is_masked(
    probe: Probe, held: Held, engine: GraphQL
) -> None:
    text = "{ probeBoxes { nodes { thingCount } } }"
    for version, expected in ((1, 1), (2, None)):
        mask = Compare(Path("probe.box", ("version",)), "eq", version)
        masks: dict[tuple[str, str], Predicate | None] = {("probe.box", "thing_count"): mask}
        answer = await ask(probe, held, engine, [{}], text, masks=masks)
        assert answer["data"]["probeBoxes"]["nodes"] == [{"thingCount": expected}]


async def test_a_hidden_roll_up_does_not_exist(probe: Probe, held: Held, engine: GraphQL) -> None:
    text = "{ probeBoxes { nodes { thingCount } } }"
    answer = await ask(probe, held, engine, [{}], text, masks={("probe.box", "thing_count"): None})
    assert "data" not in answer
    assert "Cannot query field 'thingCount'" in answer["errors"][0]["message"]


@pytest.mark.parametrize("size", ["first", "last"])
async def test_an_empty_page_has_no_cursors(
    probe: Probe, held: Held, engine: GraphQL, size: str
) -> None:
    text = (
        f"{{ probeThings({size}: 0) "
        "{ nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }"
    )
    answer = await ask(probe, held, engine, [{}], text)
    assert answer["data"]["probeThings"] == {
        "nodes": [],
        "pageInfo": {
            "startCursor": None,
            "endCursor": None,
            "hasNextPage": size == "first",
            "hasPreviousPage": size == "last",
        },
    }


@pytest.mark.parametrize(
    ("operator", "value", "kept"),
    [("contains", "BC", True), ("startsWith", "A", True), ("endsWith", "b", False)],
)
async def test_having_takes_the_operators_of_texts(
    probe: Probe, held: Held, engine: GraphQL, operator: str, value: str, kept: bool
) -> None:
    text = f"query ($v: String) {{ probeThingsGroup(having: {{max: {{name: {{{operator}: $v}}}}}}) "
    answer = await ask(
        probe, held, engine, [{"name": "abc"}], f"{text} {{ count }} }}", {"v": value}
    )
    assert answer["data"]["probeThingsGroup"] == ([{"count": 1}] if kept else [])


@pytest.mark.parametrize(
    ("type_", "argument", "count"),
    [
        ("[ProbeThingWhere!]", "where: {or: $list}", 0),
        ("[ProbeThingWhere!]", "where: {and: $list}", 1),
        ("[ProbeThingOrder!]", "orderBy: $list", 1),
        ("[ID!]", "where: {id: {in: $list}}", 0),
        ("[ID!]", "where: {id: {notIn: $list}}", 1),
    ],
)
async def test_an_empty_list_may_be_a_variable(
    probe: Probe, held: Held, engine: GraphQL, type_: str, argument: str, count: int
) -> None:
    text = f"query ($list: {type_}) {{ probeThings({argument}) {{ totalCount }} }}"
    answer = await ask(probe, held, engine, [{}], text, {"list": []})
    assert answer["data"]["probeThings"]["totalCount"] == count


async def test_groups_by_an_empty_variable_are_one(
    probe: Probe, held: Held, engine: GraphQL
) -> None:
    text = """query ($by: [ProbeThingGroupBy!], $order: [ProbeThingGroupOrder!]) {
      probeThingsGroup(by: $by, orderBy: $order) { count } }"""
    answer = await ask(probe, held, engine, [{}, {}], text, {"by": [], "order": []})
    assert answer["data"]["probeThingsGroup"] == [{"count": 2}]


async def test_averages_of_large_numbers_have_six_decimals(
    probe: Probe, held: Held, engine: GraphQL
) -> None:
    things: list[Mapping[str, object]] = [
        {"amount": 2**53 - 1, "weight": Decimal("10000000000000.000001")},
        {"amount": 1, "weight": Decimal(1)},
        {"amount": 0, "weight": Decimal(0)},
    ]
    answer = await ask(
        probe, held, engine, things, "{ probeThingsGroup { avg { amount weight } } }"
    )
    assert answer["data"]["probeThingsGroup"] == [
        {"avg": {"amount": "3002399751580330.666667", "weight": "3333333333333.666667"}}
    ]


async def test_every_is_not_met_by_what_is_unknown(
    probe: Probe, held: Held, engine: GraphQL
) -> None:
    text = "{ probeBoxes(where: {things: {every: {amount: {notIn: [1]}}}}) { totalCount } }"
    for amount, count in ((None, 0), (1, 0), (2, 1)):
        answer = await ask(probe, held, engine, [{"amount": amount}], text)
        assert answer["data"]["probeBoxes"]["totalCount"] == count
