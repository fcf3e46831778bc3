"""A record of any kind by its id alone: one statement, one answer for missing and unreadable."""

from __future__ import annotations

from uuid import uuid4

from graphql import get_introspection_query, validate_schema

from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.outputs import NODE as NODE_TYPE
from hansa_core.graphql.schema import CompiledSchema
from hansa_core.testing.platform import Platform
from tests.core.graphql.conftest import Ask
from tests.core.graphql.counting import Counting
from tests.core.graphql.test_operations import deal, party, payload

NODE = """query ($id: ID!, $type: String) { node(id: $id, type: $type) {
  __typename id
  ... on CrmDeal { title party { name ... on Node { id } } }
  ...P } }
fragment P on ContactsParty { name emails(first: 1) { nodes { email } } }"""
BARE = "query ($id: ID!) { node(id: $id) { __typename id } }"


async def test_a_record_is_found_by_its_id_and_answers_its_fragment(ask: Ask) -> None:
    customer = await party(ask, "Noded", emails={"create": [{"email": "n@b.example"}]})
    made = await deal(ask, "Node deal", customer)
    assert payload(await ask(NODE, {"id": made["id"]})) == {
        "__typename": "CrmDeal",
        "id": made["id"],
        "title": "Node deal",
        "party": {"name": "Noded", "id": customer["id"]},
    }
    assert payload(await ask(NODE, {"id": customer["id"]})) == {
        "__typename": "ContactsParty",
        "id": customer["id"],
        "name": "Noded",
        "emails": {"nodes": [{"email": "n@b.example"}]},
    }


async def test_a_record_of_a_kind_no_fragment_is_on_is_found_too(ask: Ask) -> None:
    made = payload(
        await ask('mutation { contactsTagCreate(input: {name: "N"}) { record { id } } }')
    )
    id = made["record"]["id"]
    for document in (NODE, BARE):
        assert payload(await ask(document, {"id": id})) == {"__typename": "ContactsTag", "id": id}


async def test_a_named_type_is_looked_at_alone(ask: Ask) -> None:
    customer = await party(ask, "Typed")
    found = payload(await ask(NODE, {"id": customer["id"], "type": "ContactsParty"}))
    assert found["name"] == "Typed"
    for other in ("CrmDeal", "ContactsTag", "NoSuchType", ""):
        assert payload(await ask(NODE, {"id": customer["id"], "type": other})) is None


async def test_missing_and_unreadable_records_have_one_answer(
    ask: Ask, rep: Caller, stranger: Caller
) -> None:
    made = await deal(ask, "Not the rep's", await party(ask, "Hidden"))
    for document in (NODE, BARE):
        for caller in (rep, stranger):
            for given in ({}, {"type": "CrmDeal"}) if document is NODE else ({},):
                answers = [
                    await ask(document, {"id": id, **given}, caller=caller)
                    for id in (made["id"], str(uuid4()))
                ]
                assert answers == [{"data": {"node": None}}] * 2
    bad = await ask(BARE, {"id": "no id"})
    assert bad["errors"][0]["extensions"]["code"] == "invalid"


async def test_fragments_on_other_types_do_not_answer_inside_a_record(ask: Ask) -> None:
    made = await deal(ask, "Inside", await party(ask, "Inside Ltd"))
    answer = await ask(
        """query ($id: ID!) { crmDeal(id: $id) {
          ... on Node { id ... on ContactsParty { name } ... on CrmDeal { title } } } }""",
        {"id": made["id"]},
    )
    assert payload(answer) == {"id": made["id"], "title": "Inside"}


async def test_node_is_one_statement_of_its_request(
    platform: Platform, manager: Caller, ask: Ask
) -> None:
    counting = Counting(platform)
    made = await deal(ask, "Counted", await party(ask, "Counted Ltd"))
    document = "query ($id: ID!) { a: node(id: $id) { id } b: node(id: $id) { __typename } }"
    answer = await GraphQL(counting).execute(manager, document, {"id": made["id"]})
    assert answer["data"] == {"a": {"id": made["id"]}, "b": {"__typename": "CrmDeal"}}
    assert counting.counts == [1]


async def test_what_fragments_ask_for_counts_as_cost(ask: Ask) -> None:
    document = """query ($id: ID!) { node(id: $id) { ... on ContactsParty {
      emails(first: 200) { nodes { party { emails(first: 200) { nodes { email } } } } } } } }"""
    answer = await ask(document, {"id": str(uuid4())})
    assert answer["errors"][0]["extensions"]["code"] == "limit"


async def test_every_record_is_a_node(lab: CompiledSchema, ask: Ask) -> None:
    assert validate_schema(lab.schema) == []
    names = {each.name for each in lab.schema.get_implementations(NODE_TYPE).objects}
    assert {"LabShelf", "LabSample", "LabLocked"} <= names
    answer = await ask(get_introspection_query())
    node = next(t for t in answer["data"]["__schema"]["types"] if t["name"] == "Node")
    assert {"CrmDeal", "ContactsParty"} <= {t["name"] for t in node["possibleTypes"]}
