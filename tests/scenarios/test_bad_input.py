"""Bad input is told clearly, with a code and a place, and nothing is written."""

from __future__ import annotations

import json
from typing import Final
from uuid import uuid4

import httpx
import pytest

from hansa_core.records.unit import UnitOfWork
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Json, WebServer
from tests.scenarios.conftest import CREATE_PARTY, CREATE_TAG, Desk, Ledger

pytestmark = pytest.mark.usefixtures("nothing_is_written")

UPDATE_PARTY = """mutation ($id: ID!, $version: Int!, $input: ContactsPartyUpdateInput!) {
  contactsPartyUpdate(id: $id, version: $version, input: $input) {
    record { id version } errors { code path message params } } }"""
NOBODY: Final = "0190a6b2-5c3e-7000-8000-000000000000"
CREATE_DEAL = """mutation ($input: CrmDealCreateInput!) {
  crmDealCreate(input: $input) { record { id } errors { code path message params } } }"""


@pytest.mark.parametrize(
    ("document", "code", "said"),
    [
        ("{ me { name }", "syntax", "Expected Name, found <EOF>"),
        ("", "syntax", "Unexpected <EOF>"),
        ("query A { me { name } } query B { me { id } }", "invalid_query", "A, B"),
        ("{ contactsParties { nodes { nmae } } }", "invalid_query", "Cannot query field 'nmae'"),
        ("{ contactsPartys { nodes { id } } }", "invalid_query", "'contactsPartys'"),
        ("{ contactsParty(id: 7.5) { id } }", "invalid_query", "ID cannot represent"),
        ("{ contactsParties(first: true) { totalCount } }", "invalid_query", "Int"),
        ('{ contactsParty(id: "x") { id } }', "invalid", "UUID"),
        ("{ contactsParties(where: {name: {like: 1}}) { totalCount } }", "invalid_query", "like"),
        ("{ contactsParties(where: {name: {eq: 1}}) { totalCount } }", "invalid_query", "String"),
        ("{ contactsParties(orderBy: [{field: nope}]) { totalCount } }", "invalid_query", "nope"),
        ("{ contactsParties(first: 201) { nodes { id } } }", "limit", "200"),
        ("{ contactsParties(last: 201) { nodes { id } } }", "limit", "200"),
        ("{ contactsParties(first: -1) { nodes { id } } }", "invalid", "-1"),
        ('{ contactsParties(after: "x") { nodes { id } } }', "invalid", "cursor"),
        ("subscription { me { name } }", "invalid_query", "Subscription"),
        (
            "mutation { contactsPartyCreate(input: {}) { errors { code } } }",
            "invalid_query",
            "name",
        ),
    ],
)
async def test_wrong_document_is_refused_with_a_code_and_a_place(
    desk: Desk, document: str, code: str, said: str
) -> None:
    answer = await desk.client.answer(document)
    error = answer["errors"][0]
    assert error["extensions"]["code"] == code, error
    assert said in error["message"], error
    assert error.get("locations") or error.get("path") or "operation" in error["message"], error
    data: Json = answer.get("data") or {}
    assert [data[name] for name in data if data[name] is not None] == []
    assert "Did you mean" not in error["message"]


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ('{ contactsParties(search: "a\\u0000b") { totalCount } }', None),
        ("query ($value: String!) { contactsParties(search: $value) { totalCount } }", "a\x00b"),
        ("query ($value: String!) { contactsParties(search: $value) { totalCount } }", "a\ud800"),
        (
            "query ($value: String!) { contactsTags(where: {name: {eq: $value}}) { totalCount } }",
            "\x00",
        ),
    ],
)
async def test_text_that_no_field_stores_is_refused(
    desk: Desk, document: str, value: str | None
) -> None:
    response = await sent(desk, {"query": document, "variables": {"value": value}})
    error = response.json()["errors"][0]
    assert error["extensions"]["code"] == "invalid"
    assert "NUL" in error["message"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("amount", "-5", "Deal: the amount must be zero or more."),
        ("probability", 101, "Deal: probability must be between 0 and 100."),
    ],
)
async def test_broken_rule_of_a_record_is_told_at_its_field(
    desk: Desk, field: str, value: object, said: str
) -> None:
    error = await desk.client.refusal(
        CREATE_DEAL,
        input={"title": "x", "party": {"connect": desk.party}, "currency": "EUR", field: value},
    )
    assert (error["code"], error["message"]) == ("invalid", said)
    assert (error["path"], error["params"]) == (["input", field], {"fields": [field]})


async def test_broken_rule_over_several_fields_names_them_as_the_api_does(desk: Desk) -> None:
    error = await desk.client.refusal(
        CREATE_PARTY,
        input={"name": "Nowhere", "addresses": {"create": [{"kind": "MAIN"}]}},
    )
    assert error["path"] == ["input", "addresses", "create", "0", "street"]
    assert error["params"]["fields"] == ["street", "city", "region", "postalCode", "country"]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            "{ crmDeals { nodes { "
            + "pipeline { stages { nodes { " * 4
            + "id"
            + " } } } " * 4
            + "} } }",
            "12 levels",
        ),
        ("{ " + " ".join(f"a{i}: me {{ name }}" for i in range(31)) + " }", "30 aliases"),
        ("{ me { " + "name " * 5000 + "} }", "tokens"),
        ("{ " + "me { " * 3000 + "name" + " }" * 3000 + " }", "nested too deeply"),
    ],
    ids=["depth", "aliases", "tokens", "nesting"],
)
async def test_document_beyond_a_limit_is_refused(desk: Desk, document: str, said: str) -> None:
    answer = await desk.client.answer(document)
    assert answer["errors"][0]["extensions"]["code"] in ("limit", "syntax"), answer
    assert said in answer["errors"][0]["message"]
    assert "data" not in answer


@pytest.mark.parametrize(
    ("field", "value", "code", "said"),
    [
        ("amount", 10.5, "invalid_query", "Write it in quotes"),
        ("amount", "ten", "invalid_query", "decimal"),
        ("amount", "1e3", "invalid_query", "decimal"),
        ("amount", "1" * 29, "invalid", ""),
        ("amount", "1.00001", "invalid", ""),
        ("currency", "EURO", "invalid", ""),
        ("currency", None, "invalid_query", ""),
        ("expectedClose", "2026-02-30", "invalid_query", "date"),
        ("probability", 2**53, "invalid_query", "whole number"),
        ("title", "  ", "invalid", "not empty"),
        ("title", "x" * 201, "invalid", "200"),
        ("title", "a\x00b", "invalid", "NUL"),
        ("title", "a\ud800b", "invalid", "surrogate"),
        ("title", 7, "invalid_query", "String"),
        ("status", "WON", "invalid_query", "status"),
        ("id", NOBODY, "invalid_query", "id"),
        ("party", {"connect": NOBODY}, "not_found", "there is no contacts.party"),
        ("party", {"connect": "nonsense"}, "invalid", "UUID"),
        ("owner", {"connect": None}, "invalid_query", "connect"),
    ],
)
async def test_wrong_value_is_refused_at_its_field(
    desk: Desk, field: str, value: object, code: str, said: str
) -> None:
    good: dict[str, object] = {
        "title": "Deal",
        "party": {"connect": desk.party},
        "currency": "EUR",
        "amount": "1",
    }
    variables = {"input": {**good, field: value}}
    response = await sent(desk, {"query": CREATE_DEAL, "variables": variables})
    assert response.status_code == 200
    answer = response.json()
    errors = answer.get("errors") or answer["data"]["crmDealCreate"]["errors"]
    error = {**errors[0].get("extensions", {}), **errors[0]}
    assert error["code"] == code, error
    assert said in error["message"], error
    if "NUL" not in error["message"]:  # a text nothing can store is refused with the request
        assert field in str(error.get("path") or error["message"])


async def test_every_mistake_of_a_record_is_told_at_once(desk: Desk) -> None:
    payload = await desk.client.ask(
        CREATE_DEAL,
        input={
            "title": "x" * 201,
            "party": {"connect": desk.party},
            "currency": "EURO",
            "notes": "fine",
        },
    )
    assert payload["record"] is None
    assert {tuple(error["path"]) for error in payload["errors"]} == {
        ("input", "title"),
        ("input", "currency"),
    }


async def test_stale_version_is_refused(desk: Desk) -> None:
    error = await desk.client.refusal(UPDATE_PARTY, id=desk.party, version=7, input={"name": "x"})
    assert (error["code"], error["path"]) == ("stale", ["version"])


@pytest.mark.parametrize("version", [2**31, -1, "1", 1.5, None])
async def test_version_that_is_no_version_is_refused(desk: Desk, version: object) -> None:
    error = await desk.client.refusal(
        UPDATE_PARTY, id=desk.party, version=version, input={"name": "x"}
    )
    assert error["code"] in ("stale", "invalid_query"), error


async def test_duplicate_key_is_refused_at_its_field(desk: Desk) -> None:
    error = await desk.client.refusal(
        CREATE_PARTY, input={"name": "Again", "source": "test", "externalId": "1"}
    )
    assert (error["code"], error["path"][0]) == ("duplicate", "input")
    assert error["params"]["fields"] == ["source", "externalId"]
    tag = await desk.client.refusal(CREATE_TAG, name="taken")
    assert (tag["code"], tag["path"]) == ("duplicate", ["input", "name"])
    assert "taken" in tag["message"]


async def test_mistake_in_a_line_is_told_at_the_line_and_undoes_the_record(desk: Desk) -> None:
    error = await desk.client.refusal(
        CREATE_PARTY,
        input={
            "name": "Whole or not at all",
            "phones": {"create": [{"number": "1"}, {"number": "2" * 61}]},
        },
    )
    assert (error["code"], error["path"]) == (
        "invalid",
        ["input", "phones", "create", "1", "number"],
    )


async def test_invisible_row_is_answered_like_a_missing_one(
    desk: Desk, platform: Platform, web: WebServer, ledger: Ledger
) -> None:
    tenant = await platform.tenant("crm", demo=True)
    rep = await platform.user(tenant, "crm.sales_rep")
    client = await web.client(tenant, await platform.key(rep))
    rows = await ledger.rows(tenant, "SELECT id FROM crm_deal LIMIT 1")
    hidden, missing = str(rows[0]["id"]), str(uuid4())
    for document in (
        "query ($id: ID!) { crmDeal(id: $id) { title } }",
        "mutation ($id: ID!) { crmDealWin(id: $id) { errors { code path message params } } }",
        'mutation ($id: ID!) { crmDealUpdate(id: $id, version: 1, input: {title: "x"})'
        " { errors { code path message params } } }",
        'mutation ($id: ID!) { crmActivityCreate(input: {kind: CALL, subject: "x",'
        " deal: {connect: $id}}) { errors { code path message params } } }",
    ):
        answers = [
            (await client.post(document, id=id)).text.replace(id, "ID") for id in (hidden, missing)
        ]
        assert answers[0] == answers[1]
        assert "not_found" in answers[0] or '{"crmDeal":null}' in answers[0]


async def test_fault_of_ours_says_a_reference_and_nothing_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the secret is a mackerel")

    monkeypatch.setattr(UnitOfWork, "create_rows", broken)
    error = await desk.client.refusal(CREATE_PARTY, input={"name": "x"})
    assert error["code"] == "internal"
    assert error["reference"] in error["message"]
    assert "mackerel" not in str(error)
    assert "ZeroDivision" not in str(error)


async def sent(desk: Desk, request: Json) -> httpx.Response:
    """Post a request written with escapes, so that it may hold what UTF-8 may not."""
    return await desk.client.http.post(
        "/graphql", content=json.dumps(request), headers={"Content-Type": "application/json"}
    )
