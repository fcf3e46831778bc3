"""Values of every kind through GraphQL and back, and plugins' functions with every argument."""

from __future__ import annotations

from typing import Any

import pytest

from hansa_core.caller import Caller
from hansa_core.graphql.wire import encoded, read_request
from tests.core.graphql.conftest import Answer, Ask

ALL = """id version name colour count pure weight currency price length { value unit } takenOn
  seenAt lasts batch email phone url title marks more sealed shout shelf { name }"""
EVERY: dict[str, object] = {
    "name": "Probe Ä",
    "colour": "DARK_BLUE",
    "count": 2**53 - 1,
    "pure": False,
    "weight": "0.000001",
    "currency": "JPY",
    "price": "1250.5",
    "length": {"value": "2.50", "unit": "m"},
    "takenOn": "2026-02-28",
    "seenAt": "2026-01-31T10:30:00+01:00",
    "lasts": "P1DT2H",
    "batch": "0190c0de-0000-7000-8000-000000000001",
    "email": "ada@example.org",
    "phone": "(5) 555-4729",
    "url": "https://example.org/a?b=c",
    "title": {"en": "Probe", "de": "Muster"},
    "marks": ["a", "b"],
    "more": {"deep": [1, None, {"x": "y"}]},
}
ANSWERED = {
    "price": "1250.50",
    "seenAt": "2026-01-31T09:30:00.000000Z",
    "sealed": False,
    "shout": "PROBE Ä",
    "version": 1,
}


@pytest.fixture
async def sample(ask: Ask, keeper: Caller) -> Answer:
    made = await ask(
        """mutation { labShelfCreate(input: {name: "Top"}) {
          record { id version } errors { code message path } } }""",
        caller=keeper,
    )
    shelf = made["data"]["labShelfCreate"]["record"]
    answer = await ask(
        f"""mutation ($input: LabSampleCreateInput!) {{ labSampleCreate(input: $input) {{
          record {{ {ALL} }} errors {{ code path message }} }} }}""",
        {"input": {**EVERY, "shelf": {"connect": shelf["id"]}}},
        caller=keeper,
    )
    assert answer["data"]["labSampleCreate"]["errors"] == []
    record: Answer = answer["data"]["labSampleCreate"]["record"]
    return {**record, "shelfId": shelf["id"]}


def data(answer: Answer) -> Any:  # JSON
    assert "errors" not in answer, answer
    (only,) = answer["data"].values()
    return only


async def test_every_kind_comes_back_as_it_was_given(sample: Answer) -> None:
    expected = {**EVERY, **ANSWERED, "shelf": {"name": "Top"}}
    assert {name: sample[name] for name in expected} == expected


async def test_every_kind_is_found_by_its_value(ask: Ask, keeper: Caller, sample: Answer) -> None:
    for name, value in EVERY.items():
        if name in ("length", "title"):
            continue  # quantities and translated texts have no filter yet
        operator = {"isNull": False} if name in ("marks", "more") else {"eq": value}
        where = {"id": {"eq": sample["id"]}, "currency": {"eq": "JPY"}, name: operator}
        answer = await ask(
            "query ($where: LabSampleWhere) { labSamples(where: $where) { totalCount } }",
            {"where": where},
            caller=keeper,
        )
        assert data(answer)["totalCount"] == 1, name


async def test_every_kind_is_emptied_by_null(ask: Ask, keeper: Caller, sample: Answer) -> None:
    kept = {"name", "colour", "pure", "currency", "price"}
    empty = dict.fromkeys(set(EVERY) - kept)
    answer = await ask(
        f"""mutation ($id: ID!, $input: LabSampleUpdateInput!) {{
          labSampleUpdate(id: $id, version: 1, input: $input) {{
            record {{ {ALL} }} errors {{ code path message }} }} }}""",
        {"id": sample["id"], "input": empty},
        caller=keeper,
    )
    record = data(answer)["record"]
    assert {name: record[name] for name in empty} == empty
    assert record["price"] == "1250.50"


async def test_action_takes_money_links_records_and_enums(
    ask: Ask, keeper: Caller, sample: Answer
) -> None:
    answer = await ask(
        """mutation ($id: ID!, $shelf: ID!) {
          labSampleSeal(id: $id, on: "2026-01-01", colour: DARK_BLUE, to: $shelf, beside: $id,
            price: {amount: "5", currency: "EUR"}) { record { name } errors { code message } } }""",
        {"id": sample["id"], "shelf": sample["shelfId"]},
        caller=keeper,
    )
    assert data(answer) == {"record": {"name": "Probe Ä"}, "errors": []}


async def test_action_answers_a_dataclass_as_its_result(
    ask: Ask, keeper: Caller, sample: Answer
) -> None:
    document = """mutation ($id: ID!) { labSampleWeigh(id: $id, factor: "1.5") {
      result { takenOn value price { amount currency } colour } errors { code } } }"""
    answer = await ask(document, {"id": sample["id"]}, caller=keeper)
    assert data(answer) == {
        "result": {
            "takenOn": None,
            "value": "1.5",
            "price": {"amount": "1.5", "currency": "EUR"},
            "colour": "RED",
        },
        "errors": [],
    }
    missing = await ask(document, {"id": "0190c0de-0000-7000-8000-00000000ffff"}, caller=keeper)
    assert data(missing) == {"result": None, "errors": [{"code": "not_found"}]}


async def test_query_answers_its_dataclass(ask: Ask, keeper: Caller) -> None:
    answer = await ask(
        '{ labDayReport(day: "2026-01-02") { title readings { value } } }', caller=keeper
    )
    assert data(answer) == {"title": "2026-01-02", "readings": []}


async def test_numbers_inside_json_values_come_back_as_numbers(ask: Ask, keeper: Caller) -> None:
    shelf = data(
        await ask(
            'mutation { labShelfCreate(input: {name: "J"}) { record { id } } }', caller=keeper
        )
    )
    body = b'{"query": "q", "variables": {"more": {"a": 1.5, "b": [2, -0.10]}}}'
    made = await ask(
        """mutation ($more: JSON, $shelf: ID!) { labSampleCreate(input: {name: "j", currency: "EUR",
          price: "1", more: $more, shelf: {connect: $shelf}}) { record { more } } }""",
        {**read_request(body).variables, "shelf": shelf["record"]["id"]},
        caller=keeper,
    )
    assert b'{"more":{"a":1.5,"b":[2,-0.10]}}' in encoded(made), made
