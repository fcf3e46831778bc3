"""Fields a caller may read on no row answer as fields that do not exist; masked ones are null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from uuid import uuid4

import pytest

from hansa_core.auth.principal import Principal
from hansa_core.caller import Caller
from hansa_core.policy.grants import Grants
from hansa_sdk.predicates import Everything, Predicate
from tests.core.graphql.conftest import Ask
from tests.core.graphql.plugin import Colour, Sample

# Every way to a field, with {0} in its place: plain, through variables, across a reference.
WAYS = [
    "{{ labSamples {{ nodes {{ id {0} }} }} }}",
    "{{ labSamples {{ edges {{ node {{ {0} }} }} }} }}",
    '{{ labSample(id: "00000000-0000-7000-8000-000000000000") {{ {0} }} }}',
    "{{ labSamples(where: {{{0}: {{isNull: true}}}}) {{ totalCount }} }}",
    "{{ labSamples(where: {{not: {{{0}: {{isNull: true}}}}}}) {{ totalCount }} }}",
    "{{ labShelves(where: {{samples: {{some: {{{0}: {{isNull: true}}}}}}}}) {{ totalCount }} }}",
    "{{ labShelves {{ nodes {{ samples {{ nodes {{ {0} }} }} }} }} }}",
    "{{ labShelves {{ nodes {{ samples(orderBy: {{field: {0}}}) {{ totalCount }} }} }} }}",
    "{{ labSamples(orderBy: {{field: {0}}}) {{ nodes {{ id }} }} }}",
    "{{ labSamplesGroup(by: {{field: {0}}}) {{ count }} }}",
    "{{ labSamplesGroup {{ keys {{ {0} }} }} }}",
    "{{ labSamplesGroup {{ min {{ {0} }} }} }}",
    "{{ labSamplesGroup(having: {{min: {{{0}: {{isNull: true}}}}}}) {{ count }} }}",
    "{{ labSamplesGroup(orderBy: {{field: min_{0}}}) {{ count }} }}",
    'mutation {{ labShelfCreate(input: {{name: "x"}}) '
    "{{ record {{ samples {{ nodes {{ {0} }} }} }} }} }}",
    'mutation {{ labShelfUpsertMany(rows: [{{name: "x"}}]) '
    "{{ results {{ record {{ samples {{ nodes {{ {0} }} }} }} }} }} }}",
    'mutation {{ labSampleUpdateMany(where: {{name: {{eq: "none such"}}, {0}: {{isNull: true}}}}, '
    'set: {{name: "x"}}) {{ count }} }}',
    'mutation {{ labSampleDeleteMany(where: {{name: {{eq: "none such"}}}}) '
    "{{ records {{ {0} }} }} }}",
    '{{ node(id: "00000000-0000-7000-8000-000000000000") {{ ... on LabSample {{ {0} }} }} }}',
    "query ($order: [LabSampleOrder!]) {{ labSamples(orderBy: $order) {{ totalCount }} }}",
    "query ($where: LabSampleWhere) {{ labSamples(where: $where) {{ totalCount }} }}",
]


def reader(keeper: Caller, masks: Mapping[str, Predicate | None]) -> Caller:
    grants = Grants(
        str(uuid4()),
        keeper.grants.rows,
        {("lab.sample", name): rule for name, rule in masks.items()},
    )
    return Caller(keeper.tenant, Principal(uuid4()), keeper.shape, grants)


def variables(name: str) -> dict[str, object]:
    return {"order": [{"field": name}], "where": {name: {"isNull": True}}}


@pytest.mark.parametrize("way", WAYS)
async def test_a_hidden_field_answers_as_one_that_does_not_exist(
    ask: Ask, keeper: Caller, way: str
) -> None:
    spy = reader(keeper, {"weight": None})
    hidden = await ask(way.format("weight"), variables("weight"), caller=spy)
    absent = await ask(way.format("heavyy"), variables("heavyy"), caller=spy)
    assert "data" not in hidden
    assert _renamed(hidden) == absent
    seen = await ask(way.format("weight"), variables("weight"), caller=keeper)
    assert "errors" not in seen, seen


def _renamed(answer: object) -> object:
    if isinstance(answer, dict):
        entries = cast("dict[str, object]", answer).items()
        return {key: _renamed(value) for key, value in entries}
    if isinstance(answer, list):
        return [_renamed(value) for value in cast("list[object]", answer)]
    return answer.replace("weight", "heavyy") if isinstance(answer, str) else answer


async def test_introspection_leaves_out_what_is_hidden(ask: Ask, keeper: Caller) -> None:
    document = '{ __type(name: "LabSample") { fields { name } } labSamples { totalCount } }'
    for caller, there in ((keeper, True), (reader(keeper, {"weight": None}), False)):
        answer = await ask(document, caller=caller)
        names = {field["name"] for field in answer["data"]["__type"]["fields"]}
        assert ("weight" in names) == there
        assert {"id", "name", "colour"} <= names


async def test_a_masked_field_is_null_on_other_rows_in_every_place(
    ask: Ask, keeper: Caller
) -> None:
    made = await ask(
        'mutation { labShelfCreate(input: {name: "Masked"}) { record { id } } }', caller=keeper
    )
    shelf = made["data"]["labShelfCreate"]["record"]["id"]
    for number, colour in enumerate(("RED", "DARK_BLUE", "RED")):
        answer = await ask(
            """mutation ($input: LabSampleCreateInput!) {
            labSampleCreate(input: $input) { errors { message } } }""",
            {
                "input": {
                    "shelf": {"connect": shelf},
                    "name": f"m{number}",
                    "colour": colour,
                    "weight": f"{9 - number}",
                    "currency": "EUR",
                    "price": "1.00",
                }
            },
            caller=keeper,
        )
        assert answer["data"]["labSampleCreate"]["errors"] == []
    spy = reader(keeper, {"weight": Sample.colour == Colour.RED})
    mine = f'shelf: {{id: {{eq: "{shelf}"}}}}'
    document = f"""{{
      listed: labSamples(where: {{{mine}}} orderBy: {{field: weight}}) {{ nodes {{ name weight }} }}
      found: labSamples(where: {{{mine}, weight: {{gte: "8"}}}}) {{ nodes {{ name }} }}
      none: labSamples(where: {{{mine}, weight: {{isNull: true}}}}) {{ nodes {{ name }} }}
    }}"""
    answer = await ask(document, caller=spy)
    assert answer["data"] == {
        "listed": {
            "nodes": [
                {"name": "m2", "weight": "7.00"},
                {"name": "m0", "weight": "9.00"},
                {"name": "m1", "weight": None},
            ]
        },
        "found": {"nodes": [{"name": "m0"}]},
        "none": {"nodes": [{"name": "m1"}]},
    }


async def test_what_is_computed_of_a_masked_field_is_null_and_search_leaves_it_out(
    ask: Ask, keeper: Caller
) -> None:
    made = await ask(
        'mutation { labShelfCreate(input: {name: "Searched"}) { record { id } } }', caller=keeper
    )
    shelf = made["data"]["labShelfCreate"]["record"]["id"]
    sample = {"shelf": {"connect": shelf}, "name": "c", "currency": "EUR", "price": "1"}
    made = await ask(
        """mutation ($input: LabSampleCreateInput!) {
        labSampleCreate(input: $input) { record { id } errors { message } } }""",
        {"input": sample},
        caller=keeper,
    )
    id = made["data"]["labSampleCreate"]["record"]["id"]
    document = f'{{ labSample(id: "{id}") {{ shout }} }}'
    assert (await ask(document, caller=keeper))["data"] == {"labSample": {"shout": "C"}}
    for rule in (None, Sample.colour == Colour.DARK_BLUE):
        answer = await ask(document, caller=reader(keeper, {"name": rule}))
        assert answer == {"data": {"labSample": {"shout": None}}}
    grants = Grants(str(uuid4()), keeper.grants.rows, {("lab.shelf", "name"): None})
    blind = Caller(keeper.tenant, Principal(uuid4()), keeper.shape, grants)
    search = '{ labShelves(search: "Searched") { totalCount } }'
    assert (await ask(search, caller=keeper))["data"]["labShelves"]["totalCount"] == 1
    answer = await ask(search, caller=blind)
    assert answer["errors"][0]["extensions"]["code"] == "invalid"
    assert "no fields to search in" in answer["errors"][0]["message"]


async def test_plans_are_not_shared_between_grants(ask: Ask, keeper: Caller) -> None:
    document = "{ labSamples(first: 1) { nodes { weight } } }"
    assert "errors" not in await ask(document, caller=keeper)
    assert "data" not in await ask(document, caller=reader(keeper, {"weight": None}))
    assert "errors" not in await ask(document, caller=reader(keeper, {"weight": Everything()}))


async def test_a_duplicate_tells_nothing_of_the_masked_part_of_its_key(
    ask: Ask, manager: Caller
) -> None:
    secret = uuid4().hex
    made = [
        await ask(
            """mutation ($input: ContactsPartyCreateInput!) {
            contactsPartyCreate(input: $input) { record { id version } errors { message } } }""",
            {"input": {"name": "Keyed", "source": source, "externalId": secret}},
        )
        for source in ("first", "second")
    ]
    record = made[1]["data"]["contactsPartyCreate"]["record"]
    grants = Grants(str(uuid4()), manager.grants.rows, {("contacts.party", "external_id"): None})
    spy = Caller(manager.tenant, manager.principal, manager.shape, grants)
    upsert = """mutation ($id: ID!) { contactsPartyUpsertMany(by: id, dryRun: true,
        rows: [{id: $id, source: "first"}]) { results { errors { code message params path } } } }"""
    update = """mutation ($id: ID!) { contactsPartyUpdate(id: $id, version: 1,
        input: {source: "first"}) { errors { code message params path } } }"""
    for document in (update, upsert):
        told = str(await ask(document, {"id": record["id"]}, caller=spy))
        assert "duplicate" in told
        assert secret not in told
        assert "xternal" not in told
        assert secret in str(await ask(document, {"id": record["id"]}))
