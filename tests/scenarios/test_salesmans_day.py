"""A salesman's day on real customers: what he finds, opens, wins, and is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from hansa_core.auth.passwords import Passwords
from hansa_core.storage.transaction import Tenant
from hansa_core.system.accounts import set_password
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Client, Json, WebServer
from hansa_core.transfer import ImportOptions, plan_import, run_import
from tests.scenarios.conftest import Ledger

PASSWORD = "the quay at six in the morning"

OPEN_DEAL = """mutation ($input: CrmDealCreateInput!) { crmDealCreate(input: $input) {
  record { id version status amount currency likelihood owner { name } stage { name } }
  errors { code path message } } }"""
CHANGE_DEAL = """mutation ($id: ID!, $version: Int!, $input: CrmDealUpdateInput!) {
  crmDealUpdate(id: $id, version: $version, input: $input) {
    record { id version amount } errors { code path message params } } }"""
WIN_DEAL = """mutation ($id: ID!) { crmDealWin(id: $id) {
  record { id version status likelihood closedAt } errors { code path message } } }"""
REOPEN_DEAL = """mutation ($id: ID!) { crmDealReopen(id: $id) {
  record { id status } errors { code path message } } }"""
DELETE_DEAL = """mutation ($id: ID!, $version: Int!) { crmDealDelete(id: $id, version: $version) {
  record { id } errors { code path message } } }"""
LOG_CALL = """mutation ($input: CrmActivityCreateInput!) { crmActivityCreate(input: $input) {
  record { id done assignee { name } party { name } } errors { code path message } } }"""
FIND_CUSTOMER = """query ($name: String!) {
  contactsParties(first: 10, where: {name: {contains: $name}, kind: {eq: ORGANISATION}}) {
    totalCount nodes { id name
      contacts { nodes { title person { id name } } }
      phones(orderBy: [{field: kind}]) { nodes { kind number } }
      addresses { nodes { street city country countryCode } } } } }"""
MY_DEALS = "{ crmDeals(orderBy: [{field: title}]) { nodes { id title owner { name } } } }"


@dataclass(frozen=True)
class Sales:
    """The tenant on which Northwind's companies were imported, and who sells to them."""

    tenant: Tenant
    anna: Client
    bert: Client
    manager: Client

    async def customer(self, name: str) -> Json:
        found = await self.anna.ask(FIND_CUSTOMER, name=name)
        assert found["totalCount"] == 1
        return found["nodes"][0]

    async def deal(self, who: Client, title: str, customer: str = "Alfreds") -> Json:
        """Open a deal of 1200 EUR with a customer."""
        party = (await self.customer(customer))["id"]
        values = {"title": title, "party": {"connect": party}, "amount": "1200", "currency": "EUR"}
        return await who.change(OPEN_DEAL, input=values)


@pytest.fixture(scope="module")
async def sales(platform: Platform, web: WebServer, sample_data: Path) -> Sales:
    tenant = await platform.tenant("crm", slug="northwind")
    for name in ("customers", "suppliers"):
        options = ImportOptions(by="external_id")
        caller = await platform.runtime.system_caller(tenant, f"import {name}.csv")
        file = sample_data / "northwind" / f"{name}.csv"
        plan = plan_import(caller.shape, file, "contacts.party", options)
        report = await run_import(platform.runtime, caller, plan, options)
        assert report.written, report.problems
    passwords = Passwords(memory_kib=64, passes=1)

    async def person(name: str, role: str) -> Client:
        hashed = await passwords.hash(PASSWORD)
        user = (await platform.user(tenant, role, email=f"{name}@demo.example")).principal.user_id
        assert user is not None
        system = await platform.system(tenant)
        await platform.runtime.write(system, lambda unit: set_password(unit, user, hashed))
        return await web.sign_in(tenant, f"{name}@demo.example", PASSWORD)

    return Sales(
        tenant,
        await person("anna", "crm.sales_rep"),
        await person("bert", "crm.sales_rep"),
        await person("marta", "crm.sales_manager"),
    )


async def test_all_of_northwind_is_there(sales: Sales) -> None:
    count = "query ($kind: ContactsPartyKind!) { contactsParties(where: {kind: {eq: $kind}}) %s }"
    total = count % "{ totalCount }"
    assert (await sales.anna.ask(total, kind="ORGANISATION"))["totalCount"] == 91 + 29
    assert (await sales.anna.ask(total, kind="PERSON"))["totalCount"] == 120


async def test_salesman_finds_a_customer_with_its_people_and_phones(sales: Sales) -> None:
    customer = await sales.customer("ana trujillo emp")
    assert customer["name"] == "Ana Trujillo Emparedados y helados"
    assert [(c["title"], c["person"]["name"]) for c in customer["contacts"]["nodes"]] == [
        ("Owner", "Ana Trujillo")
    ]
    assert customer["phones"]["nodes"] == [
        {"kind": "FAX", "number": "(5) 555-3745"},
        {"kind": "PHONE", "number": "(5) 555-4729"},
    ]
    assert customer["addresses"]["nodes"] == [
        {
            "street": "Avda. de la Constitución 2222",
            "city": "México D.F.",
            "country": "Mexico",
            "countryCode": "MX",
        }
    ]


async def test_salesman_works_on_a_deal_from_opening_to_winning(
    sales: Sales, ledger: Ledger
) -> None:
    anna = sales.anna
    customer = await sales.customer("Alfreds")
    contact = customer["contacts"]["nodes"][0]["person"]
    deal = await anna.change(
        OPEN_DEAL,
        input={
            "title": "Winter stock",
            "party": {"connect": customer["id"]},
            "contactPerson": {"connect": contact["id"]},
            "amount": "4200.50",
            "currency": "EUR",
        },
    )
    assert (deal["amount"], deal["status"], deal["version"]) == ("4200.50", "OPEN", 1)
    assert (deal["owner"]["name"], deal["stage"]["name"]) == ("anna@demo.example", "New")

    call = await anna.change(
        LOG_CALL,
        input={"kind": "CALL", "subject": "Asked for prices", "deal": {"connect": deal["id"]}},
    )
    assert call["assignee"]["name"] == "anna@demo.example"
    assert call["party"]["name"] == "Alfreds Futterkiste"
    seen = await anna.ask(
        "query ($deal: ID!) { crmActivities(where: {deal: {id: {eq: $deal}}})"
        " { nodes { kind subject done } } }",
        deal=deal["id"],
    )
    assert seen["nodes"] == [{"kind": "CALL", "subject": "Asked for prices", "done": False}]

    raised = await anna.change(CHANGE_DEAL, id=deal["id"], version=1, input={"amount": "4800"})
    assert (raised["amount"], raised["version"]) == ("4800.00", 2)
    won = await anna.change(WIN_DEAL, id=deal["id"])
    assert (won["status"], won["likelihood"], won["version"]) == ("WON", 100, 3)
    assert won["closedAt"].endswith("Z")

    again = await anna.refusal(WIN_DEAL, id=deal["id"])
    assert again["code"] == "invalid"
    assert again["path"] == ["status"]
    assert again["message"] == (
        "Deal 'Winter stock' is won; only an open deal can be won. "
        "Reopen it first to change how it ended."
    )
    told = await history(ledger, sales.tenant, deal["id"])
    assert [event["type"] for event in told] == [
        "crm.deal.created",
        "crm.deal.updated",
        "crm.deal.updated",
    ]
    assert told[0]["after"]["amount"] == "4200.5000"
    assert (told[1]["before"]["amount"], told[1]["after"]["amount"]) == ("4200.5000", "4800.0000")
    assert told[2]["after"]["status"] == "won"
    assert {event["name"] for event in told} == {"anna@demo.example"}
    assert all(event["session_id"] for event in told)
    await ledger.sealed(sales.tenant)


async def test_salesman_sees_his_own_deals_only(sales: Sales) -> None:
    own = await sales.deal(sales.anna, "Anna's deal")
    other = await sales.deal(sales.bert, "Bert's deal")
    for who, mine, foreign in ((sales.anna, own, other), (sales.bert, other, own)):
        ids = {deal["id"] for deal in (await who.ask(MY_DEALS))["nodes"]}
        assert mine["id"] in ids
        assert foreign["id"] not in ids
        assert (
            await who.ask("query ($id: ID!) { crmDeal(id: $id) { title } }", id=foreign["id"])
            is None
        )
        refused = await who.refusal(WIN_DEAL, id=foreign["id"])
        assert refused["code"] == "not_found"
    everything = {deal["id"] for deal in (await sales.manager.ask(MY_DEALS))["nodes"]}
    assert {own["id"], other["id"]} <= everything


async def test_stale_change_is_told_who_changed_what(sales: Sales) -> None:
    deal = await sales.deal(sales.anna, "Old news")
    await sales.manager.change(CHANGE_DEAL, id=deal["id"], version=1, input={"amount": "900"})
    late = await sales.anna.refusal(CHANGE_DEAL, id=deal["id"], version=1, input={"amount": "1"})
    assert (late["code"], late["path"]) == ("stale", ["version"])
    assert "marta@demo.example" in late["message"]
    assert "amount" in late["message"]
    assert late["params"]["version"] == 2
    now = await sales.anna.ask("query ($id: ID!) { crmDeal(id: $id) { amount } }", id=deal["id"])
    assert now["amount"] == "900.00"
    await sales.manager.change(WIN_DEAL, id=deal["id"])
    late = await sales.anna.refusal(CHANGE_DEAL, id=deal["id"], version=2, input={"amount": "1"})
    assert "closedAt" in late["params"]["fields"]
    assert "closed_at" not in str(late)


async def test_salesman_is_refused_what_his_role_does_not_grant(sales: Sales) -> None:
    anna = sales.anna
    deal = await sales.deal(anna, "Hands off")
    won = await anna.change(WIN_DEAL, id=deal["id"])
    party = (await sales.customer("Alfreds"))["id"]
    refusals = (
        await anna.refusal(DELETE_DEAL, id=deal["id"], version=won["version"]),
        await anna.refusal(REOPEN_DEAL, id=deal["id"]),
        await anna.refusal(
            'mutation ($id: ID!) { contactsPartyUpdate(id: $id, version: 1, input: {name: "x"})'
            " { errors { code path message } } }",
            id=party,
        ),
        await anna.refusal(
            'mutation { systemUserCreate(input: {email: "x@demo.example", name: "X"})'
            " { errors { code path message } } }"
        ),
        await anna.refusal("{ systemApiKeys { nodes { label } } }"),
        await anna.refusal("{ systemRoleAssignments { nodes { id } } }"),
    )
    assert [each["code"] for each in refusals] == ["denied"] * len(refusals)
    assert all("grant" in each["message"] for each in refusals)
    still = await anna.ask(
        "query ($id: ID!) { crmDeal(id: $id) { status version } }", id=deal["id"]
    )
    assert still == {"status": "WON", "version": won["version"]}

    reopened = await sales.manager.change(REOPEN_DEAL, id=deal["id"])
    assert reopened["status"] == "OPEN"


async def test_salesman_gives_a_deal_away_only_where_his_rows_end(sales: Sales) -> None:
    deal = await sales.deal(sales.anna, "Not to give away")
    me = await sales.bert.ask("{ me { id } }")
    refused = await sales.anna.refusal(
        CHANGE_DEAL, id=deal["id"], version=1, input={"owner": {"connect": me["id"]}}
    )
    assert refused["code"] == "denied"
    assert (await sales.anna.ask(OWNER, id=deal["id"]))["owner"]["name"] == "anna@demo.example"


OWNER = "query ($id: ID!) { crmDeal(id: $id) { owner { name } } }"


async def test_evening_comes_and_the_session_ends(
    sales: Sales, platform: Platform, web: WebServer, ledger: Ledger
) -> None:
    carl = await platform.user(sales.tenant, "crm.viewer", email="carl@demo.example")
    hashed = await Passwords(memory_kib=64, passes=1).hash(PASSWORD)
    user_id = carl.principal.user_id
    assert user_id is not None
    system = await platform.system(sales.tenant)
    await platform.runtime.write(system, lambda unit: set_password(unit, user_id, hashed))
    client = await web.sign_in(sales.tenant, "carl@demo.example", PASSWORD)
    assert (await client.ask("{ me { name } }"))["name"] == "carl@demo.example"
    cookies = dict(client.http.cookies)
    assert (await client.http.post("/auth/sign-out", json={})).status_code == 204
    client.http.cookies.update(cookies)
    after = await client.post("{ me { name } }")
    assert after.status_code == 401
    assert after.json()["errors"][0]["extensions"]["code"] == "unauthenticated"
    await ledger.sealed(sales.tenant)


async def history(ledger: Ledger, tenant: Tenant, record_id: str) -> list[Json]:
    """Return a record's events with their actors' names, from a connection of the owner."""
    rows = await ledger.rows(
        tenant,
        "SELECT e.type, e.session_id, u.name, e.body FROM system_event e"
        ' JOIN "system_user" u ON'
        " u.id = e.actor_id WHERE record_id = %s ORDER BY record_version",
        UUID(record_id),
    )
    return [{**row, **json.loads(bytes(row["body"])), "name": row["name"]} for row in rows]
