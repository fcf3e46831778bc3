"""The cost of an operation: what an answer may hold is bounded before the database is asked."""

from __future__ import annotations

import threading
import time

import pytest
from graphql import (
    FragmentDefinitionNode,
    OperationDefinitionNode,
    execute_sync,  # pyright: ignore[reportUnknownVariableType]  # its executor_class has no argument
    get_introspection_query,
    get_variable_values,
    parse,
)

from hansa_core.caller import Caller
from hansa_core.graphql.cost import (
    COST_MAX,
    INTROSPECTION_PER_TYPE,
    META_PER_ENTITY,
    check_cost,
)
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.filters import ROLLUP_COST
from hansa_core.graphql.request import RequestContext
from hansa_core.graphql.schema import CompiledSchema
from hansa_core.graphql.selection import Question
from tests.core.graphql.conftest import Ask

MULTIPLIED = """{ contactsParties { nodes {
  addresses { nodes { party { addresses { nodes { party { addresses { nodes { id } } } } } } } } } }
}"""
CREATED = """mutation { contactsPartyCreate(input: {name: "Costly"}) { record {
  addresses(first: 200) { nodes { party { addresses(first: 200) { nodes { id } } } } } }
  errors { code } } }"""


@pytest.fixture
async def compiled(graphql: GraphQL, manager: Caller) -> CompiledSchema:
    return await graphql.platform.shapes.schemas.of(manager.shape)


def cost(compiled: CompiledSchema, text: str, **variables: object) -> int:
    document = parse(text)
    operation, *others = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    values = get_variable_values(compiled.schema, operation.variable_definitions or (), variables)
    assert not isinstance(values, list)
    fragments = {
        node.name.value: node for node in others if isinstance(node, FragmentDefinitionNode)
    }
    return check_cost(Question(compiled.api, compiled.schema, fragments, values), operation)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ me { name } }", 2),
        ('{ __type(name: "X") { fields { name args { name } } } }', 2 + 10 * (2 + 3)),
        ("{ crmDeals { totalCount pageInfo { endCursor } } }", 4),
        ("{ crmDeals { nodes { id } } }", 2 + 50),
        ("{ crmDeals(first: 3) { edges { cursor node { id title } } } }", 2 + 3 * 4),
        ("{ crmDeals(last: 7) { nodes { id } } }", 2 + 7),
        ("{ crmDeals(first: 2) { nodes { party { name contacts { nodes { id } } } } } }", 50),
        ("{ crmDeals(first: 2) { nodes { party { contacts(last: 3) { nodes { id } } } } } }", 14),
        ('{ crmDeal(id: "x") { party { contacts { nodes { id } } } } }', 4 + 20),
        ("{ crmDeals(first: 0) { nodes { id } } }", 3),
    ],
)
def test_cost_is_the_fields_times_the_page_sizes(
    compiled: CompiledSchema, document: str, expected: int
) -> None:
    assert cost(compiled, document) == expected


def test_cost_takes_page_sizes_from_variables(compiled: CompiledSchema) -> None:
    document = "query ($n: Int = 5) { crmDeals(first: $n) { nodes { id } } }"
    assert cost(compiled, document) == 7
    assert cost(compiled, document, n=100) == 102


@pytest.mark.parametrize(
    ("document", "rollups"),
    [
        ('{ crmStages(where: {name: {eq: "a"}}) { totalCount } }', 0),
        ("{ crmStages(where: {openDeals: {gt: 3}}) { totalCount } }", 1),
        ("{ crmStages(where: {openDeals: {gt: 3, lt: 9}}) { totalCount } }", 2),
        ("{ crmStages(where: {or: [{openDeals: {gt: 3}}, {openDeals: {}}]}) { totalCount } }", 2),
        ("{ crmStages(where: {pipeline: {openDeals: {gt: 3}}}) { totalCount } }", 1),
        ("{ crmStages(where: {deals: {some: {openActivities: {gt: 3}}}}) { totalCount } }", 1),
        ("{ crmStages(orderBy: {field: openDeals}) { totalCount } }", 1),
        ("{ crmStages(orderBy: [{field: name}, {field: pipeline_openDeals}]) { totalCount } }", 1),
        (
            "{ crmPipelines(first: 10) { nodes "
            "{ stages(orderBy: {field: openDeals}) { totalCount } } } }",
            10,
        ),
        ("{ crmStages { nodes { openDeals } } }", 0),
        ("{ crmStagesGroup(first: 1, by: {field: openDeals}) { count } }", 1),
        ("{ crmStagesGroup(first: 1, orderBy: {field: sum_openDeals}) { count } }", 1),
        ('{ crmStagesGroup(first: 1, having: {sum: {openDeals: {gt: "3"}}}) { count } }', 1),
        ("{ crmStagesGroup(first: 1) { sum { openDeals } max { openDeals name } } }", 2),
        ("{ crmDeals(where: {weighted: {isNull: true}}) { totalCount } }", 0),
    ],
)
def test_a_roll_up_that_is_asked_by_costs_a_hundred_more(
    compiled: CompiledSchema, document: str, rollups: int
) -> None:
    assert cost(compiled, document) // ROLLUP_COST == rollups


def test_a_roll_up_costs_the_same_in_variables(compiled: CompiledSchema) -> None:
    document = """query ($where: CrmStageWhere, $order: [CrmStageOrder!]) {
      crmStages(where: $where, orderBy: $order) { totalCount } }"""
    where, order = {"not": {"openDeals": {"gt": 3}}}, [{"field": "openDeals"}]
    assert cost(compiled, document) < ROLLUP_COST
    asked = cost(compiled, document, where=where, order=order)
    assert 2 * ROLLUP_COST < asked < 3 * ROLLUP_COST


async def test_too_many_roll_ups_are_refused(ask: Ask) -> None:
    several = ", ".join("{openDeals: {gt: 1}}" for _ in range(COST_MAX // ROLLUP_COST))
    answer = await ask(f"{{ crmStages(where: {{or: [{several}]}}) {{ totalCount }} }}")
    assert answer["errors"][0]["extensions"]["code"] == "limit", answer


def test_usual_queries_stay_far_below_the_limit(compiled: CompiledSchema) -> None:
    deals = """{ crmDeals(first: 50) { nodes { id title amount currency stage { name } party {
      id name contacts(first: 3) { nodes { id person { id name } } } } } pageInfo { hasNextPage }
      totalCount } }"""
    assert cost(compiled, deals) < COST_MAX / 4
    assert cost(compiled, deals.replace("(first: 3)", "")) < COST_MAX


async def test_a_costly_query_is_refused_before_the_database_is_asked(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reading(self: RequestContext) -> None:
        pytest.fail("asked the database")

    monkeypatch.setattr(RequestContext, "reading", reading)
    answer = await ask(MULTIPLIED)
    assert "data" not in answer
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "limit"
    assert "10,000" in error["message"]
    assert "smaller pages" in error["message"]
    assert error["extensions"]["params"]["cost"] in error["message"]


async def test_a_costly_mutation_writes_nothing(ask: Ask) -> None:
    answer = await ask(CREATED)
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "limit", answer
    left = await ask('{ contactsParties(where: {name: {eq: "Costly"}}) { totalCount } }')
    assert left["data"]["contactsParties"]["totalCount"] == 0


async def test_branches_that_multiply_are_measured_in_bounded_time(ask: Ask) -> None:
    levels = "".join(
        f"fragment F{n} on ContactsParty {{ addresses(first: 0) {{ nodes {{ "
        f"a: party {{ ...F{n + 1} }} b: party {{ ...F{n + 1} }} c: party {{ ...F{n + 1} }} "
        "} } } "
        for n in range(3)
    )
    leaf = f"fragment F3 on ContactsParty {{ {'name ' * 400} }}"
    started = time.perf_counter()
    answer = await ask("{ contactsParties(first: 0) { nodes { ...F0 } } } " + levels + leaf)
    assert answer["errors"][0]["extensions"]["code"] == "limit", answer
    assert time.perf_counter() - started < 20


META = """{ meta { hash plugins { name version label } permissions entities { name plugin label
  typeName plural archivable permissions
  fields { name kind label help required readonly target values maxLength }
  relations { name label target owned } actions { name label mutation permission }
  views { kind columns by } } } }"""


def test_meta_costs_what_it_lists(compiled: CompiledSchema) -> None:
    entities, plugins = len(compiled.api.entities), len(compiled.api.shape.plugins)
    assert cost(compiled, "{ meta { hash } }") == 2
    assert cost(compiled, "{ meta { entities { name label } plugins { name } } }") == (
        3 + 2 * entities + plugins
    )
    fields = -(-sum(len(one.fields) for one in compiled.api.entities.values()) // entities)
    assert cost(compiled, "{ meta { entities { fields { name } } } }") == (
        2 + entities * (1 + fields)
    )


async def test_meta_may_be_whole_once(compiled: CompiledSchema, ask: Ask) -> None:
    assert cost(compiled, META) < META_PER_ENTITY * len(compiled.api.entities)
    assert "errors" not in await ask(META)
    entity = """fragment E on MetaEntity {
      fields { name kind label help required readonly target values maxLength } }"""
    some = " ".join(f"a{n}: entities {{ ...E }}" for n in range(5))
    beside = "crmDeals { totalCount }"
    for document in (
        "{ meta { hash } b: meta { hash } }",
        f"{{ meta {{ {some} }} {beside} }} {entity}",
        "{ meta { "
        + " ".join(f"a{n}: entities {{ ...E }}" for n in range(29))
        + f" }} }} {entity}",
    ):
        answer = await ask(document)
        assert "data" not in answer
        assert answer["errors"][0]["extensions"]["code"] == "limit", answer


def test_introspection_may_be_whole_once(compiled: CompiledSchema) -> None:
    types = len(compiled.schema.type_map)
    assert cost(compiled, "{ __schema { types { name } } }") == 2 + types
    whole = cost(compiled, get_introspection_query())
    assert COST_MAX < whole < INTROSPECTION_PER_TYPE * types


@pytest.mark.parametrize(
    "document",
    [
        "{ a: __schema { types { name } } b: __schema { types { name } } }",
        "{ ...A ...B } fragment A on Query { __schema { types { name } } } "
        "fragment B on Query { b: __schema { types { name } } }",
        get_introspection_query().replace("__schema {", "me { name } __schema {"),
        "{ __schema { "
        + " ".join(f"a{n}: types {{ ...T }}" for n in range(29))
        + " } } fragment T on __Type { fields { type { fields { name type { name } } } } }",
    ],
    ids=["twice", "in fragments", "beside records", "lists under aliases"],
)
async def test_introspection_is_refused_when_it_is_too_much(ask: Ask, document: str) -> None:
    answer = await ask(document)
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "limit", answer


def test_conditions_cost_like_fields(compiled: CompiledSchema) -> None:
    where = '{or: [{title: {eq: "a", ne: "b"}}, {party: {name: {in: ["c", "d"]}}}]}'
    assert cost(compiled, f"{{ crmDeals(first: 1, where: {where}) {{ totalCount }} }}") == 2 + 3


async def test_conditions_are_counted_over_the_whole_operation(ask: Ask) -> None:
    lists = " ".join(f"a{n}: contactsParties(where: $w) {{ totalCount }}" for n in range(6))
    document = f"query ($w: ContactsPartyWhere) {{ {lists} }}"
    where = {"or": [{"name": {"eq": f"none {n}"}} for n in range(84)]}
    answer = await ask(document, {"w": where})
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "limit"
    assert "500 conditions" in answer["errors"][0]["message"]
    where["or"].pop()
    assert "errors" not in await ask(document, {"w": where})


async def test_lines_are_counted_over_the_whole_request(ask: Ask) -> None:
    one = "contactsPartyCreate(input: $in) { errors { code } }"
    document = f"mutation ($in: ContactsPartyCreateInput!) {{ a: {one} b: {one} }}"
    lines = {"create": [{"street": "s"}] * 300}
    emails = {"create": [{"email": f"a{n}@b.example"} for n in range(201)]}
    given = {"name": "Lined", "addresses": lines, "emails": emails}
    answer = await ask(document, {"in": given})
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "limit"
    assert "at most 1,000 lines, found 1,002" in answer["errors"][0]["message"]
    left = await ask('{ contactsParties(where: {name: {eq: "Lined"}}) { totalCount } }')
    assert left["data"]["contactsParties"]["totalCount"] == 0


async def test_an_answer_with_too_much_text_is_refused(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask('mutation { contactsPartyCreate(input: {name: "Wordy"}) { errors { code } } }')
    document = '{ contactsParties(where: {name: {eq: "Wordy"}}) { nodes { a: name b: name } } }'
    size = len('{"nodes" : [{"a" : "Wordy", "b" : "Wordy"}]}')
    monkeypatch.setattr("hansa_core.graphql.asking.ANSWER_BYTES_MAX", size)
    assert "errors" not in await ask(document)
    monkeypatch.setattr("hansa_core.graphql.asking.ANSWER_BYTES_MAX", size - 1)
    answer = await ask(document)
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "limit"


async def test_introspection_leaves_the_event_loop_free(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def noted(*given: object, **named: object) -> object:
        threads.append(threading.current_thread())
        return execute_sync(*given, **named)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr("hansa_core.graphql.introspection.execute_sync", noted)
    answer = await ask("query Apart { __schema { queryType { name kind } } me { name } }")
    assert answer["data"]["__schema"]["queryType"] == {"name": "Query", "kind": "OBJECT"}
    assert list(answer["data"]) == ["__schema", "me"]
    assert [thread is threading.main_thread() for thread in threads] == [False]


async def test_a_relation_has_twenty_records_when_no_size_is_asked(ask: Ask) -> None:
    lines = ", ".join(f'{{street: "{n}"}}' for n in range(21))
    document = f"""mutation {{ contactsPartyCreate(input: {{name: "Many homes",
      addresses: {{create: [{lines}]}}}}) {{
      record {{ addresses {{ nodes {{ id }} pageInfo {{ hasNextPage }} }} }} errors {{ message }} }}
    }}"""
    payload = (await ask(document))["data"]["contactsPartyCreate"]
    assert payload["errors"] == []
    assert len(payload["record"]["addresses"]["nodes"]) == 20
    assert payload["record"]["addresses"]["pageInfo"]["hasNextPage"] is True
