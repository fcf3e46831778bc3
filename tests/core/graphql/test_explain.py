"""`extensions`: how a request was answered, for administrators, and how many rows it holds."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from hansa_core.caller import Caller
from hansa_core.graphql import execute
from hansa_core.graphql.asking import Answer as Parts
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.following import Following
from hansa_core.graphql.wire import TOLD, GraphQLRequest, encoded
from hansa_core.query.compiled import Compiled
from hansa_core.query.late import Request
from hansa_core.storage import transaction
from hansa_core.storage.transaction import Tenant
from hansa_core.system import accounts
from hansa_core.testing.platform import Platform
from tests.core.graphql.conftest import Answer

DEALS = """query ($n: Int, $names: [String!]) {
  crmDeals(first: $n, orderBy: {field: title, direction: DESC, nulls: FIRST}, where: {
    currency: {eq: "EUR"}, party: {name: {in: $names}}, not: {amount: {isNull: true}}
  }) { totalCount nodes { id title party { id name } } } }"""
CREATE = """mutation { crmPipelineCreate(input: {name: "Explained"}) {
  record { id name } errors { message } } }"""


@pytest.fixture(scope="module")
async def shop(platform: Platform) -> Tenant:
    return await platform.tenant("crm", demo=True)


@pytest.fixture(scope="module")
async def admin(platform: Platform, shop: Tenant) -> Caller:
    return await platform.user(shop, "system.administrator")


async def told(
    graphql: GraphQL, caller: Caller, query: str, tells: frozenset[str] = TOLD, **variables: object
) -> Answer:
    """Answer a request that asks to be told things; all of it."""
    asked = GraphQLRequest(query, variables, tells=tells)
    parts = await graphql.answer_request(caller, asked, identified_seconds=0.002)
    return cast(Answer, json.loads(encoded(parts)))


async def test_an_administrator_sees_how_a_query_was_answered(
    graphql: GraphQL, admin: Caller, shop: Tenant
) -> None:
    names = ["nobody", "Nordwind Handels GmbH"]
    answer = await told(graphql, admin, DEALS, n=3, names=names)
    assert "errors" not in answer
    explained = answer["extensions"]["explain"]
    plan = explained["plan"]
    assert (plan["operation"], plan["cached"]) == ("query", False)
    assert plan["pinned"] == ["$n"]
    assert plan["cost"] == answer["extensions"]["cost"]
    page = plan["fields"]["crmDeals"]
    assert page == {
        "page of": "crm.deal",
        "where": 'party.name in ["nobody", "Nordwind Handels GmbH"] and currency eq "EUR" '
        "and not (amount is null)",
        "order": ["title descending, nulls first", "id ascending"],
        "page": "first 3",
        "select": {
            "totalCount": "records counted up to 10,000",
            "nodes": [
                "id",
                "title",
                {"party": {"record": "contacts.party", "select": ["id", "name"]}},
            ],
        },
    }
    (statement,) = explained["statements"]
    assert f'"{shop.schema}".crm_deal' in statement["sql"]
    assert statement["parameters"] == [
        {"name": "$1", "type": "text[]", "from": "$names", "value": names},
        {"name": "$2", "type": "varchar", "from": "document or policy", "value": "EUR"},
    ]
    root = statement["explain"][0]
    assert root["Plan"]["Actual Rows"] == 1
    assert "Shared Hit Blocks" in root["Plan"]
    assert "crm_deal" in json.dumps(root)
    times = explained["milliseconds"]
    assert list(times) == ["identify", "document", "plan", "database", "answer"]
    assert times["identify"] == 2
    assert all(each > 0 for each in times.values())
    assert explained["rows"] == answer["extensions"]["rows"]

    again = await told(graphql, admin, DEALS, n=3, names=names)
    assert again["extensions"]["explain"]["plan"]["cached"] is True
    assert again["data"] == answer["data"]
    other = await told(graphql, admin, DEALS, n=4, names=names)  # planned for another size
    assert other["extensions"]["explain"]["plan"]["cached"] is False


async def test_the_statement_that_is_explained_is_the_one_every_request_runs(
    graphql: GraphQL, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = "{ crmDeals(first: 2) { nodes { id } } me { name } }"
    answer = await told(graphql, admin, document, frozenset({"explain"}))
    (statement,) = answer["extensions"]["explain"]["statements"]
    assert "answered" not in statement["sql"]  # the text that counts
    assert answer["extensions"]["explain"]["rows"] == 2
    assert list(answer["extensions"]) == ["explain"]
    assert answer["extensions"]["explain"]["plan"]["fields"]["me"] == "computed in Python"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            '{ crmDeal(id: "01900000-0000-7000-8000-000000000000") { id stage { name } } }',
            {
                "id": "01900000-0000-7000-8000-000000000000",
                "record": "crm.deal",
                "select": ["id", {"stage": {"record": "crm.stage", "select": ["name"]}}],
            },
        ),
        (
            '{ node(id: "01900000-0000-7000-8000-000000000000", type: "CrmStage") { id } }',
            {
                "id": "01900000-0000-7000-8000-000000000000",
                "first of": [{"record": "crm.stage", "select": ["id"]}],
            },
        ),
        (
            '{ crmDealsGroup(by: [{field: currency}, {field: closedAt, bucket: MONTH}, {field: '
            'stage}], having: {count: {gt: 1}}, orderBy: {field: sum_amount, direction: DESC}, '
            'first: 7, search: "x") { keys { currency stage { id } } count sum { all: amount } } }',
            {
                "groups of": "crm.deal",
                "search": "x",
                "by": ["currency", "closedAt in months of UTC", "stage"],
                "having": ["count gt 1"],
                "order": ["sum of amount descending", "currency", "closedAt", "stage"],
                "page": "first 7",
                "select": {
                    "keys": ["currency", {"stage": {"record": "crm.stage", "select": ["id"]}}],
                    "count": "records counted",
                    "sum": ["all: sum of amount"],
                },
            },
        ),
        (
            "{ contactsParties(where: {or: [{name: {startsWith: \"A\"}}, {contacts: {some: {"
            "title: {eq: \"x\"}}}}]}, last: 3, archived: true) { "
            "edges { cursor node { id } } pageInfo { more: hasNextPage } } }",
            {
                "page of": "contacts.party",
                "where": 'name startsWith "A" (any case) or some of contacts (title eq "x")',
                "archived": "too",
                "order": ["id ascending"],
                "page": "last 3",
                "select": {
                    "edges": ["cursor", {"node": ["id"]}],
                    "pageInfo": ["more: hasNextPage"],
                },
            },
        ),
    ],
    ids=["record", "node", "groups", "edges"],
)  # fmt: skip
async def test_every_kind_of_read_is_described(
    graphql: GraphQL, admin: Caller, document: str, words: object
) -> None:
    answer = await told(graphql, admin, document)
    (described,) = answer["extensions"]["explain"]["plan"]["fields"].values()
    assert described == words


async def test_a_mutation_is_run_once_and_told_by_what_ran(graphql: GraphQL, admin: Caller) -> None:
    answer = await told(graphql, admin, CREATE)
    assert answer["data"]["crmPipelineCreate"]["errors"] == []
    explained = answer["extensions"]["explain"]
    assert explained["plan"] == {
        "operation": "mutation",
        "cost": answer["extensions"]["cost"],
        "fields": {"crmPipelineCreate": "transaction"},
    }
    texts = [each["sql"] for each in explained["statements"]]
    assert sum("INSERT INTO" in text and "crm_pipeline" in text for text in texts) == 1
    assert {key for each in explained["statements"] for key in each} == {"sql", "milliseconds"}
    assert "Explained" not in json.dumps(explained)  # no values
    assert "rows" not in answer["extensions"]
    left = await told(
        graphql, admin, '{ crmPipelines(where: {name: {eq: "Explained"}}) { totalCount } }'
    )
    assert left["data"]["crmPipelines"]["totalCount"] == 1


async def test_what_python_computes_is_told_apart(graphql: GraphQL, keeper: Caller) -> None:
    admin = replace(keeper, principal=replace(keeper.principal, roles=("system.administrator",)))
    document = """{ labDayReport(day: "2026-01-01") { title } labSamples { totalCount }
      __schema { queryType { name } } }"""
    answer = await told(graphql, admin, document)
    explained = answer["extensions"]["explain"]
    assert explained["plan"]["fields"]["labDayReport"] == "computed in Python"
    assert explained["plan"]["fields"]["__schema"] == "computed in Python"
    assert explained["plan"]["fields"]["labSamples"]["page of"] == "lab.sample"
    (statement,) = explained["statements"]
    assert "lab_sample" in statement["sql"]
    assert "explain" in statement


async def test_others_are_refused_in_a_sentence(
    platform: Platform, graphql: GraphQL, shop: Tenant, admin: Caller
) -> None:
    manager = await platform.user(shop, "crm.sales_manager", "contacts.manager")
    narrowed = await platform.caller(shop, await platform.key(admin, "crm.sales_manager"))
    whole = await platform.caller(shop, await platform.key(admin, "system.administrator"))
    for caller in (manager, narrowed):
        answer = await told(graphql, caller, DEALS, n=1, names=["x"])
        assert list(answer) == ["errors"]
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "denied"
        assert "needs the role system.administrator, found crm.sales_manager" in error["message"]
    allowed = await told(graphql, whole, DEALS, n=1, names=["x"])
    assert "explain" in allowed["extensions"]
    without = await told(graphql, manager, DEALS, frozenset({"cost", "rows"}), n=1, names=["x"])
    assert without["extensions"]["rows"] == 0


async def test_a_key_for_persisted_documents_explains_nothing(
    platform: Platform, graphql: GraphQL, shop: Tenant, admin: Caller
) -> None:
    user_id = admin.principal.user_id
    assert user_id is not None
    key = await platform.runtime.write(
        await platform.system(shop),
        lambda unit: accounts.create_key(unit, user_id=user_id, label="d", documents="shop"),
    )
    answer = await told(graphql, await platform.caller(shop, key), DEALS)
    assert answer["errors"][0]["extensions"]["code"] == "denied"
    assert "Explaining" in answer["errors"][0]["message"]


async def test_a_subscription_is_not_explained(graphql: GraphQL, admin: Caller) -> None:
    asked = GraphQLRequest("subscription { changes { id } }", tells=frozenset({"explain"}))
    refused = await graphql.follow(admin, asked)
    assert isinstance(refused, dict)
    assert "explain a query" in str(refused["errors"])
    plain = GraphQLRequest("subscription { changes { id } }")
    assert isinstance(await graphql.follow(admin, plain), Following)


async def test_the_answer_stands_where_it_cannot_be_explained(
    graphql: GraphQL,
    admin: Caller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(transaction, "_EXPLAIN", "EXPLAIN (NONSENSE)")
    with caplog.at_level(logging.ERROR, "hansa.graphql"):
        answer = await told(graphql, admin, "{ crmDeals(first: 1) { nodes { id } } }")
    assert len(answer["data"]["crmDeals"]["nodes"]) == 1
    (error,) = answer["extensions"]["explain"]["errors"]
    assert error["extensions"]["code"] == "internal"
    assert error["extensions"]["reference"] in caplog.text


async def test_the_quick_way_notes_nothing(
    platform: Platform, graphql: GraphQL, admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = "{ crmDeals(first: 1) { nodes { id } } }"
    await graphql.execute(admin, document)

    def noted(*_: object) -> None:
        pytest.fail("noted something")

    monkeypatch.setattr(execute, "Notes", noted)
    async with platform.runtime.looking(admin) as session:

        async def fetch(compiled: Compiled, request: Request) -> Sequence[object]:
            return await compiled.fetch(session, request)

        quick: Parts | None = await graphql.quick(admin, GraphQLRequest(document), fetch)
        assert quick is not None
        for each in TOLD:
            asked = GraphQLRequest(document, tells=frozenset({each}))
            assert await graphql.quick(admin, asked, fetch) is None


ROWS = [
    "{ crmDeals(first: 3) { nodes { id } } }",
    "{ crmDeals { nodes { id party { id contacts { nodes { id person { id } } } } } } }",
    "{ crmDeals(first: 4) { edges { cursor node { id stage { id } } } nodes { id } } }",
    "{ null: crmDeals(first: 2) { exists: nodes { id type: party { id } } } }",
    "{ __tenant__: crmDeals(first: 2) { nodes { id strict: owner { id } team { id } } } }",
    "{ crmDeals(first: 2) { totalCount pageInfo { endCursor } } }",
    '{ crmDeal(id: "00000000-0000-7000-8000-000000000000") { id party { id } } }',
    "{ a: crmDeals(first: 1) { nodes { id } } b: crmPipelines { nodes { id "
    "stages { nodes { id } } } } }",
    "{ crmDealsGroup(by: {field: stage}) { keys { stage { id } } id: count } }",
    "{ me { name } }",
]  # fmt: skip


@pytest.mark.parametrize("document", ROWS)
async def test_rows_are_the_records_of_all_levels(
    graphql: GraphQL, admin: Caller, document: str
) -> None:
    plain = await graphql.execute(admin, document)
    answer = await told(graphql, admin, document, frozenset({"rows"}))
    if "cursor" not in document.lower():  # sealed anew each time
        assert answer["data"] == plain["data"]
    expected = sum(1 for _ in _records(answer["data"]))
    if document == "{ me { name } }":
        assert "extensions" not in answer  # no statement
    else:
        assert answer["extensions"] == {"rows": expected}


async def test_rows_of_a_node_are_those_of_its_kind(graphql: GraphQL, admin: Caller) -> None:
    owner = "{ contactsParties(first: 1, where: {contacts: {some: {}}}) { nodes { id } } }"
    found = await graphql.execute(admin, owner)
    (party,) = cast(Any, found["data"])["contactsParties"]["nodes"]
    document = """query ($id: ID!) { node(id: $id) { id
      ... on CrmPipeline { x: stages { nodes { id } } }
      ... on ContactsParty { x: contacts { nodes { id } } } } }"""
    answer = await told(graphql, admin, document, frozenset({"rows"}), id=party["id"])
    assert answer["extensions"]["rows"] == sum(1 for _ in _records(answer["data"])) > 1


async def test_rows_are_counted_by_the_statement_that_answers(
    graphql: GraphQL, admin: Caller
) -> None:
    document = "{ crmDeals(first: 3) { nodes { id party { id } } } }"
    answer = await told(graphql, admin, document, frozenset({"rows", "explain"}))
    (statement,) = answer["extensions"]["explain"]["statements"]
    assert statement["sql"].endswith("AS records FROM answered")
    assert statement["explain"][0]["Plan"]["CTE Name"] == "answered"


def _records(value: object) -> Iterator[Mapping[str, object]]:
    """Yield every object with an id: what the documents here ask of each record and group."""
    if isinstance(value, dict):
        found = cast("dict[str, object]", value)
        if "id" in found:
            yield found
        for each in found.values():
            yield from _records(each)
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _records(each)
