"""Reading and writing records through GraphQL, on a real database."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform
from tests.core.graphql.conftest import Answer, Ask

NEW_PARTY = """mutation ($input: ContactsPartyCreateInput!) {
  contactsPartyCreate(input: $input) {
    record { id version name addresses { nodes { id version city } } }
    errors { code path message }
  }
}"""
NEW_DEAL = """mutation ($input: CrmDealCreateInput!) {
  crmDealCreate(input: $input) {
    record { id version title amount currency status party { name } }
    errors { code path message params }
  }
}"""


async def party(ask: Ask, name: str, **more: object) -> Answer:
    answer = await ask(NEW_PARTY, {"input": {"name": name, **more}})
    assert answer["data"]["contactsPartyCreate"]["errors"] == []
    record: Answer = answer["data"]["contactsPartyCreate"]["record"]
    return record


async def deal(ask: Ask, title: str, customer: Answer, **more: object) -> Answer:
    given = {"title": title, "party": {"connect": customer["id"]}, "currency": "EUR", **more}
    answer = await ask(NEW_DEAL, {"input": given})
    assert answer["data"]["crmDealCreate"]["errors"] == []
    record: Answer = answer["data"]["crmDealCreate"]["record"]
    return record


def payload(answer: Answer) -> Any:  # JSON
    assert "errors" not in answer, answer
    (only,) = answer["data"].values()
    return only


async def test_create_answers_its_selection_when_given_a_reference(ask: Ask) -> None:
    customer = await party(ask, "Around the Horn")
    made = await deal(ask, "Ten boxes", customer, amount="1250.5")
    assert made["party"] == {"name": "Around the Horn"}
    assert (made["amount"], made["currency"], made["status"]) == ("1250.50", "EUR", "OPEN")
    assert made["version"] == 1


async def test_record_is_read_by_aliases_fragments_and_directives(ask: Ask) -> None:
    made = await deal(ask, "Alias", await party(ask, "Alfreds"))
    answer = await ask(
        """query ($id: ID!, $no: Boolean!) {
          one: crmDeal(id: $id) { ...D party { a: name } }
          two: crmDeal(id: $id) {
            t: title version @include(if: $no) id @skip(if: $no) ... { __typename } }
        }
        fragment D on CrmDeal { heading: title party { name } }""",
        {"id": made["id"], "no": False},
    )
    assert answer["data"]["one"] == {
        "heading": "Alias",
        "party": {"name": "Alfreds", "a": "Alfreds"},
    }
    assert answer["data"]["two"] == {"t": "Alias", "id": made["id"], "__typename": "CrmDeal"}


async def test_pages_keep_two_branches_apart_when_their_keys_meet(ask: Ask) -> None:
    customer = await party(ask, "Branching Ltd")
    await deal(ask, "Only one", customer)
    answer = await ask(
        """query ($id: ID!) { crmDeals(where: {party: {id: {eq: $id}}}) {
          nodes { x: title } again: nodes { x: currency }
          edges { node { x: status party { name } } } more: edges { n: node { x: version } cursor }
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
          totalCount totalCountIsExact
        } }""",
        {"id": customer["id"]},
    )
    page = payload(answer)
    assert page["nodes"] == [{"x": "Only one"}]
    assert page["again"] == [{"x": "EUR"}]
    assert page["edges"] == [{"node": {"x": "OPEN", "party": {"name": "Branching Ltd"}}}]
    assert page["more"][0]["n"] == {"x": 1}
    assert page["pageInfo"]["startCursor"] == page["more"][0]["cursor"]
    assert (page["totalCount"], page["totalCountIsExact"]) == (1, True)


async def test_list_walks_pages_in_order_when_following_cursors(ask: Ask) -> None:
    customer = await party(ask, "Walker")
    for number in (3, 1, 2):
        await deal(ask, f"Deal {number}", customer, amount=str(number))
    seen: list[str] = []
    after = None
    for _ in range(4):
        answer = await ask(
            """query ($id: ID!, $after: String) { crmDeals(
              where: {party: {id: {eq: $id}}, currency: {eq: "EUR"}}, first: 2, after: $after,
              orderBy: [{field: party_name}, {field: amount, direction: DESC, nulls: LAST}]
            ) { nodes { title } pageInfo { hasNextPage endCursor } } }""",
            {"id": customer["id"], "after": after},
        )
        page = payload(answer)
        seen += [node["title"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["Deal 3", "Deal 2", "Deal 1"]


async def test_filters_reach_across_references_and_lines(ask: Ask) -> None:
    await party(ask, "Filter Berlin", addresses={"create": [{"city": "Berlin"}]})
    await party(ask, "Filter London", addresses={"create": [{"city": "London"}]})
    document = """query ($where: ContactsPartyWhere) {
      contactsParties(where: $where, orderBy: [{field: name}]) { nodes { name } } }"""

    async def names(where: object) -> list[str]:
        page = payload(await ask(document, {"where": where}))
        return [node["name"] for node in page["nodes"]]

    mine = {"name": {"startsWith": "filter "}}
    assert await names(mine) == ["Filter Berlin", "Filter London"]
    lives = {"addresses": {"some": {"city": {"contains": "ERLI"}}}}
    assert await names({**mine, **lives}) == ["Filter Berlin"]
    assert await names({**mine, "not": lives}) == ["Filter London"]
    assert await names({"and": [mine, {"or": [lives, {"name": {"endsWith": "DON"}}]}]}) == [
        "Filter Berlin",
        "Filter London",
    ]
    assert await names({**mine, "kind": {"in": ["PERSON"]}}) == []


async def test_update_is_refused_when_the_version_is_stale(ask: Ask) -> None:
    made = await deal(ask, "Stale", await party(ask, "Stale Ltd"))
    change = """mutation ($id: ID!, $version: Int!, $title: String!) {
      crmDealUpdate(id: $id, version: $version, input: {title: $title}) {
        record { title version } errors { code path message } } }"""
    first = payload(await ask(change, {"id": made["id"], "version": 1, "title": "Fresh"}))
    assert first == {"record": {"title": "Fresh", "version": 2}, "errors": []}
    second = payload(await ask(change, {"id": made["id"], "version": 1, "title": "Late"}))
    assert second["record"] is None
    assert [error["code"] for error in second["errors"]] == ["stale"]


async def test_null_clears_and_absence_keeps_when_updating(ask: Ask) -> None:
    made = await deal(ask, "Keep", await party(ask, "Keep Ltd"), amount="5", notes="n")
    answer = await ask(
        """mutation ($id: ID!) { crmDealUpdate(id: $id, version: 1, input: {notes: null}) {
          record { title notes amount } errors { code } } }""",
        {"id": made["id"]},
    )
    assert payload(answer) == {
        "record": {"title": "Keep", "notes": None, "amount": "5.00"},
        "errors": [],
    }


async def test_owned_lines_are_written_with_their_owner(ask: Ask) -> None:
    made = await party(ask, "Lines", addresses={"create": [{"city": "Bonn"}, {"city": "Ulm"}]})
    lines = {node["city"]: node for node in made["addresses"]["nodes"]}
    change = """mutation ($id: ID!, $lines: ContactsPartyAddressesLines) {
      contactsPartyUpdate(id: $id, version: 1, input: {addresses: $lines}) {
        record { addresses(orderBy: [{field: city}]) { nodes { city } } }
        errors { code path message } } }"""
    asked = {
        "create": [{"city": "Kiel"}],
        "update": [{"id": lines["Ulm"]["id"], "version": 1, "input": {"city": "Neu-Ulm"}}],
        "delete": [{"id": lines["Bonn"]["id"], "version": 1}],
    }
    answer = payload(await ask(change, {"id": made["id"], "lines": asked}))
    assert answer["errors"] == []
    assert [node["city"] for node in answer["record"]["addresses"]["nodes"]] == ["Kiel", "Neu-Ulm"]


async def test_lines_of_another_owner_are_answered_as_missing_ones(ask: Ask) -> None:
    mine = await party(ask, "Owner A")
    other = await party(ask, "Owner B", addresses={"create": [{"city": "Rom"}]})
    change = """mutation ($id: ID!, $line: ID!) { contactsPartyUpdate(id: $id, version: 1,
      input: {name: "Renamed", addresses: {delete: [{id: $line, version: 1}]}}) {
        record { id } errors { code path message } } }"""
    foreign = other["addresses"]["nodes"][0]["id"]
    missing = str(uuid4())
    texts = [
        payload(await ask(change, {"id": mine["id"], "line": line}))["errors"][0]
        for line in (foreign, missing)
    ]
    assert texts[0]["path"] == ["input", "addresses", "delete", "0"]
    assert texts[0]["code"] == "not_found"
    assert texts[0]["message"].replace(foreign, missing) == texts[1]["message"]
    name = await ask("query ($id: ID!) { contactsParty(id: $id) { name } }", {"id": mine["id"]})
    assert payload(name) == {"name": "Owner A"}


async def test_bad_input_names_its_place_when_refused(ask: Ask) -> None:
    answer = await ask(
        NEW_PARTY,
        {
            "input": {
                "name": "Bad",
                "emails": {"create": [{"email": "a@b.example"}, {"email": "no"}]},
            }
        },
    )
    (error,) = payload(answer)["errors"]
    assert (error["code"], error["path"]) == (
        "invalid",
        ["input", "emails", "create", "1", "email"],
    )
    found = await ask('{ contactsParties(where: {name: {eq: "Bad"}}) { totalCount } }')
    assert payload(found)["totalCount"] == 0


async def test_delete_answers_the_record_that_was_deleted(ask: Ask) -> None:
    made = await party(ask, "Gone")
    change = """mutation ($id: ID!) { contactsPartyDelete(id: $id, version: 1) {
      record { name } errors { code } } }"""
    assert payload(await ask(change, {"id": made["id"]})) == {
        "record": {"name": "Gone"},
        "errors": [],
    }
    again = payload(await ask(change, {"id": made["id"]}))
    assert (again["record"], again["errors"]) == (None, [{"code": "not_found"}])


async def test_archived_records_leave_lists_until_restored(ask: Ask) -> None:
    made = await party(ask, "Attic")
    page = '{ contactsParties(where: {name: {eq: "Attic"}}%s) { totalCount } }'

    async def counts() -> list[int]:
        return [payload(await ask(page % more))["totalCount"] for more in ("", ", archived: true")]

    change = """mutation ($id: ID!, $version: Int!) {
      contactsParty%s(id: $id, version: $version) {
        record { archived version } errors { code } } }"""
    hidden = payload(await ask(change % "Archive", {"id": made["id"], "version": 1}))
    assert hidden == {"record": {"archived": True, "version": 2}, "errors": []}
    assert await counts() == [0, 1]
    payload(await ask(change % "Restore", {"id": made["id"], "version": 2}))
    assert await counts() == [1, 1]


async def test_action_changes_its_record_and_refuses_with_a_path(ask: Ask) -> None:
    made = await deal(ask, "To win", await party(ask, "Winner"))
    win = """mutation ($id: ID!) { crmDealWin(id: $id) {
      record { status closedAt } errors { code path message } } }"""
    won = payload(await ask(win, {"id": made["id"]}))
    assert won["record"]["status"] == "WON"
    assert won["record"]["closedAt"].endswith("Z")
    again = payload(await ask(win, {"id": made["id"]}))
    assert again["record"] is None
    assert again["errors"][0]["code"] == "invalid"
    assert again["errors"][0]["path"] == ["status"]
    lose = """mutation ($id: ID!) {
      crmDealLose(id: $id, version: 1, reason: "late") { errors { code } } }"""
    assert payload(await ask(lose, {"id": made["id"]}))["errors"] == [{"code": "stale"}]


async def test_a_hidden_record_is_answered_as_one_that_does_not_exist(
    ask: Ask, rep: Caller
) -> None:
    made = await deal(ask, "Hidden", await party(ask, "Hidden Ltd"))
    documents = (
        "query ($id: ID!) { crmDeal(id: $id) { title } }",
        'mutation ($id: ID!) { crmDealUpdate(id: $id, version: 1, input: {title: "x"})'
        " { record { id } errors { code path message params } } }",
        "mutation ($id: ID!) { crmDealWin(id: $id)"
        " { record { id } errors { code path message } } }",
        "query ($id: ID!) { crmDeals(where: {id: {eq: $id}}) { nodes { id } totalCount } }",
        "query ($id: ID!) { crmActivities(where: {deal: {id: {eq: $id}}}) { nodes { id } } }",
    )
    missing = str(uuid4())
    for document in documents:
        hidden = await ask(document, {"id": made["id"]}, caller=rep)
        absent = await ask(document, {"id": missing}, caller=rep)
        assert str(hidden).replace(made["id"], missing) == str(absent), document


async def test_several_mutations_are_each_their_own_transaction(ask: Ask) -> None:
    answer = await ask(
        """mutation {
          a: contactsTagCreate(input: {name: "Gold"}) { record { name } errors { code path } }
          b: contactsTagCreate(input: {name: "Gold"}) { record { name } errors { code path } }
          c: contactsTagCreate(input: {name: "Silver"}) { record { name } errors { code path } }
        }"""
    )
    assert answer["data"]["a"]["record"] == {"name": "Gold"}
    assert answer["data"]["b"]["errors"] == [{"code": "duplicate", "path": ["input", "name"]}]
    assert answer["data"]["c"]["record"] == {"name": "Silver"}


async def test_without_a_grant_a_list_is_denied(ask: Ask, stranger: Caller) -> None:
    answer = await ask("{ crmDeals { nodes { id } } }", caller=stranger)
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("denied", ["crmDeals"])


async def test_me_and_meta_tell_what_the_caller_may_see(
    ask: Ask, rep: Caller, stranger: Caller
) -> None:
    document = """{ me { id email roles timeZone } meta { hash plugins { name version }
      permissions entities { name typeName fields { name kind required readonly values target }
        relations { name target owned } actions { mutation } views { kind columns } } } }"""
    answer = (await ask(document, caller=rep))["data"]
    assert answer["me"]["id"] == str(rep.principal.user_id)
    assert answer["meta"]["hash"] == rep.shape.key
    found = {entity["name"]: entity for entity in answer["meta"]["entities"]}
    fields = {field["name"]: field for field in found["crm.deal"]["fields"]}
    assert fields["status"]["values"] == ["OPEN", "WON", "LOST"]
    assert fields["title"]["required"]
    assert fields["party"]["target"] == "contacts.party"
    assert {"mutation": "crmDealWin"} in found["crm.deal"]["actions"]
    assert {"mutation": "crmDealReopen"} not in found["crm.deal"]["actions"]
    less = (await ask(document, caller=stranger))["data"]["meta"]
    assert "crm.deal" not in {entity["name"] for entity in less["entities"]}


async def test_root_fields_share_one_snapshot_when_asked_together(
    ask: Ask, graphql: GraphQL, manager: Caller
) -> None:
    document = "{ a: crmDeals { totalCount } b: contactsParties { totalCount } me { name } }"
    answers = await asyncio.gather(*(ask(document) for _ in range(12)))
    assert all("errors" not in answer for answer in answers)


async def test_disabled_plugins_are_absent_from_a_tenants_schema(
    platform: Platform, graphql: GraphQL
) -> None:
    tenant: Tenant = await platform.tenant("contacts")
    caller = await platform.user(tenant, "contacts.manager")
    document = "{ crmDeals { nodes { id } } }"
    absent = await graphql.execute(caller, document)
    assert "data" not in absent
    await platform.enable(tenant, "crm")
    shape = await platform.runtime.shape_of(tenant)
    enabled = platform.runtime.caller(tenant, caller.principal, shape)
    assert "data" in await graphql.execute(enabled, document)
