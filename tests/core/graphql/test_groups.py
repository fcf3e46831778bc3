"""Groups: records counted and added up, as far as the caller may see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from hansa_core.auth.principal import Principal
from hansa_core.caller import Caller
from hansa_core.policy.grants import Grants
from hansa_sdk.predicates import Everything, Predicate
from tests.core.graphql.conftest import Ask
from tests.core.graphql.plugin import Colour, Sample

DAYS = ("2026-01-05", "2026-01-31", "2026-02-01", None)
CREATE = """mutation ($input: LabSampleCreateInput!) {
  labSampleCreate(input: $input) { record { id } errors { message } } }"""


@pytest.fixture
async def shelf(ask: Ask, keeper: Caller) -> str:
    """A shelf of its own with eight samples."""
    made = await ask(
        'mutation { labShelfCreate(input: {name: "Grouped"}) { record { id } } }', caller=keeper
    )
    id: str = made["data"]["labShelfCreate"]["record"]["id"]
    for number in range(8):
        sample = {
            "shelf": {"connect": id},
            "name": f"s{number}",
            "colour": "RED" if number % 2 else "DARK_BLUE",
            "count": number,
            "weight": None if number == 7 else f"{number}.5",
            "currency": "EUR" if number < 6 else "JPY",
            "price": f"{number}.10",
            "takenOn": DAYS[number % 4],
            "seenAt": f"2026-03-0{number + 1}T23:30:00Z",
        }
        answer = await ask(CREATE, {"input": sample}, caller=keeper)
        assert answer["data"]["labSampleCreate"]["errors"] == []
    return id


async def groups(
    ask: Ask, keeper: Caller, shelf: str, arguments: str, fields: str, **variables: object
) -> list[Any]:
    where = f'shelf: {{id: {{eq: "{shelf}"}}}}'
    names = ", ".join(f"${name}: [String!]!" for name in variables)
    declared = f"({names})" if names else ""
    asked = f"labSamplesGroup(where: {{{where}}} {arguments}) {{ {fields} }}"
    document = f"query {declared} {{ {asked} }}"
    answer = await ask(document, variables, caller=keeper)
    assert "errors" not in answer, answer
    found: list[Any] = answer["data"]["labSamplesGroup"]
    return found


async def test_figures_are_exact_when_grouped_by_a_field(
    ask: Ask, keeper: Caller, shelf: str
) -> None:
    found = await groups(
        ask,
        keeper,
        shelf,
        "by: [{field: colour}, {field: currency}] orderBy: [{field: sum_price, direction: DESC}]",
        """keys { colour currency shelf { id } } count sum { price weight count }
        avg { weight } min { takenOn name } max { seenAt }""",
    )
    assert [(each["keys"]["colour"], each["keys"]["currency"]) for each in found] == [
        ("RED", "EUR"),
        ("RED", "JPY"),
        ("DARK_BLUE", "EUR"),
        ("DARK_BLUE", "JPY"),
    ]
    assert found[0] == {
        "keys": {"colour": "RED", "currency": "EUR", "shelf": None},
        "count": 3,
        "sum": {"price": "9.30", "weight": "10.50", "count": "9"},
        "avg": {"weight": "3.50"},
        "min": {"takenOn": "2026-01-31", "name": "s1"},
        "max": {"seenAt": "2026-03-06T23:30:00.000000Z"},
    }
    assert found[1]["sum"] == {"price": "7.10", "weight": None, "count": "7"}


async def test_dates_and_moments_are_bucketed_in_a_zone(
    ask: Ask, keeper: Caller, shelf: str
) -> None:
    months = await groups(
        ask,
        keeper,
        shelf,
        "by: [{field: takenOn, bucket: MONTH}]",
        "keys { takenOn } count",
    )
    assert [(each["keys"]["takenOn"], each["count"]) for each in months] == [
        ("2026-01-01", 4),
        ("2026-02-01", 2),
        (None, 2),
    ]
    days = await groups(
        ask,
        keeper,
        shelf,
        'by: [{field: seenAt, bucket: DAY, timeZone: "Europe/Berlin"}] first: 1',
        "keys { seenAt } count",
    )
    assert days == [{"keys": {"seenAt": "2026-03-01T23:00:00.000000Z"}, "count": 1}]


async def test_groups_across_a_reference_show_its_record(
    ask: Ask, keeper: Caller, shelf: str
) -> None:
    found = await groups(
        ask,
        keeper,
        shelf,
        "by: [{field: shelf}, {field: shelf_name}]",
        "keys { shelf { id name __typename } shelf_name } count __typename",
    )
    assert found == [
        {
            "keys": {
                "shelf": {"id": shelf, "name": "Grouped", "__typename": "LabShelf"},
                "shelf_name": "Grouped",
            },
            "count": 8,
            "__typename": "LabSampleGroup",
        }
    ]


async def test_having_keeps_the_groups_that_meet_it(ask: Ask, keeper: Caller, shelf: str) -> None:
    found = await groups(
        ask,
        keeper,
        shelf,
        """by: [{field: takenOn}] having: {count: {gte: 2}, sum: {weight: {between: ["4", "7"]}},
        max: {name: {in: $names}}} orderBy: [{field: count, direction: DESC}]""",
        "keys { takenOn } sum { weight }",
        names=["s4", "s5", "s7"],
    )
    assert found == [
        {"keys": {"takenOn": DAYS[0]}, "sum": {"weight": "5.00"}},
        {"keys": {"takenOn": DAYS[1]}, "sum": {"weight": "7.00"}},
    ]


async def test_all_records_are_one_group_when_no_key_is_asked(
    ask: Ask, keeper: Caller, shelf: str
) -> None:
    assert await groups(ask, keeper, shelf, "", "count") == [{"count": 8}]
    assert await groups(ask, keeper, str(uuid4()), "", "count max { name }") == [
        {"count": 0, "max": {"name": None}}
    ]


@pytest.mark.parametrize(
    ("arguments", "fields", "code", "said"),
    [
        ("", "sum { price }", "currency_mismatch", "may differ in currency"),
        ("by: [{field: name, bucket: DAY}]", "count", "invalid", "has no days"),
        ("by: [{field: takenOn, bucket: HOUR}]", "count", "invalid", "has no hours"),
        ("by: [{field: name}, {field: name}]", "count", "invalid", "stands twice"),
        ('by: [{field: seenAt, timeZone: "Moon"}]', "count", "invalid", "no time zone"),
        ("orderBy: [{field: name}]", "count", "invalid", "no key of them"),
        ("first: 1001", "count", "limit", "at most 1000"),
        ("having: {count: {in: []}}", "count", "invalid", "found 0"),
        ("having: {max: {name: null}}", "count", "invalid", "found null"),
        (f"having: {{count: {{in: [{'1,' * 1001}]}}}}", "count", "limit", "at most 1000 values"),
    ],
)
async def test_groups_are_refused_with_a_sentence(
    ask: Ask, keeper: Caller, arguments: str, fields: str, code: str, said: str
) -> None:
    given = f"({arguments})" if arguments else ""
    answer = await ask(f"{{ labSamplesGroup{given} {{ {fields} }} }}", caller=keeper)
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["path"]) == (code, ["labSamplesGroup"])
    assert said in error["message"]


def _reader(keeper: Caller, rows: Predicate, masks: Mapping[str, Predicate | None]) -> Caller:
    allowed = {pair: rule for pair, rule in keeper.grants.rows.items() if pair[1] == "read"}
    grants = Grants(
        str(uuid4()),
        {**allowed, ("lab.sample", "read"): rows},
        {("lab.sample", name): rule for name, rule in masks.items()},
    )
    return Caller(keeper.tenant, Principal(uuid4()), keeper.shape, grants)


async def test_hidden_rows_and_masked_values_are_in_no_figure(
    ask: Ask, keeper: Caller, shelf: str
) -> None:
    reader = _reader(keeper, Sample.count >= 2, {"weight": Sample.colour == Colour.RED})
    found = await groups(
        ask, reader, shelf, "by: [{field: colour}]", "keys { colour } count sum { weight }"
    )
    assert found == [
        {"keys": {"colour": "DARK_BLUE"}, "count": 3, "sum": {"weight": None}},
        {"keys": {"colour": "RED"}, "count": 3, "sum": {"weight": "9.00"}},
    ]
    foreign = _reader(keeper, Everything(), {"currency": Sample.colour == Colour.RED})
    answer = await ask(
        "{ labSamplesGroup(by: [{field: currency}]) { sum { price } } }", caller=foreign
    )
    assert answer["errors"][0]["extensions"]["code"] == "currency_mismatch"
    above = await groups(ask, reader, shelf, "by: [{field: weight}]", "keys { weight } count")
    assert above[-1] == {"keys": {"weight": None}, "count": 4}
