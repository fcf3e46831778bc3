"""A sales manager reviews the pipeline: by value, by what is left to do, by stage, by customer."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from hansa_core.auth.passwords import Passwords
from hansa_core.storage.transaction import Tenant
from hansa_core.system.accounts import set_password
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Client, Json, WebServer

PASSWORD = "the quay at six in the morning"

NEW_PARTY = """mutation ($name: String!) { contactsPartyCreate(input: {name: $name}) {
  record { id } errors { code path message } } }"""
OPEN_DEAL = """mutation ($input: CrmDealCreateInput!) { crmDealCreate(input: $input) {
  record { id version } errors { code path message } } }"""
NEW_TASK = """mutation ($input: CrmActivityCreateInput!) { crmActivityCreate(input: $input) {
  record { id version } errors { code path message } } }"""
DONE = """mutation ($id: ID!) { crmActivityComplete(id: $id) {
  record { id version } errors { code path message } } }"""
ARCHIVE = """mutation ($id: ID!, $version: Int!) { crmActivityArchive(id: $id, version: $version) {
  record { id } errors { code path message } } }"""
WIN = "mutation ($id: ID!) { crmDealWin(id: $id) { record { id } errors { code path message } } }"
BY_VALUE = """query ($least: Decimal!) { crmDeals(orderBy: [{field: weighted, direction: DESC}],
  where: {currency: {eq: "EUR"}, status: {eq: OPEN}, weighted: {gt: $least}}) {
  totalCount nodes { title weighted } } }"""
NO_NEXT_STEP = """{ crmDeals(where: {status: {eq: OPEN}, nextDue: {isNull: true}}
  orderBy: [{field: title}]) { nodes { title openActivities } } }"""
NEXT = """query ($first: Int!, $after: String) { crmDeals(first: $first, after: $after,
  orderBy: [{field: nextDue}, {field: openActivities, direction: DESC}, {field: title}]) {
  nodes { title nextDue openActivities } pageInfo { endCursor hasNextPage } } }"""
BUSY_STAGES = """{ crmStages(where: {openDeals: {gte: 1}}
  orderBy: [{field: openDeals, direction: DESC}]) { nodes { name openDeals } } }"""
CUSTOMERS = """query ($least: Decimal!) {
  crmDealsGroup(by: [{field: party}], where: {status: {eq: OPEN}, currency: {eq: "EUR"}}
    having: {sum: {amount: {gt: $least}}}, orderBy: [{field: sum_amount, direction: DESC}]) {
    keys { party { name } } count sum { amount weighted } } }"""


@dataclass(frozen=True)
class Review:
    """A tenant, who leads its sales, and two who sell."""

    tenant: Tenant
    manager: Client
    anna: Client

    async def deal(self, who: Client, title: str, party: str, **values: object) -> Json:
        """Open a deal in euros."""
        given = {"title": title, "party": {"connect": party}, "currency": "EUR", **values}
        return await who.change(OPEN_DEAL, input=given)

    async def task(self, who: Client, deal: str, due: str | None) -> Json:
        """Note what is to do for a deal."""
        given = {"kind": "TASK", "subject": "Call", "deal": {"connect": deal}, "dueAt": due}
        return await who.change(NEW_TASK, input=given)


@pytest.fixture(scope="module")
async def review(platform: Platform, web: WebServer) -> Review:
    tenant = await platform.tenant("crm", slug="review")
    passwords = Passwords(memory_kib=64, passes=1)

    async def person(name: str, *roles: str) -> Client:
        hashed = await passwords.hash(PASSWORD)
        user = (await platform.user(tenant, *roles, email=f"{name}@demo.example")).principal.user_id
        assert user is not None
        system = await platform.system(tenant)
        await platform.runtime.write(system, lambda unit: set_password(unit, user, hashed))
        return await web.sign_in(tenant, f"{name}@demo.example", PASSWORD)

    made = Review(
        tenant,
        await person("marta", "crm.sales_manager", "contacts.editor"),
        await person("anna", "crm.sales_rep"),
    )
    parties = [
        (await made.manager.change(NEW_PARTY, name=name))["id"]
        for name in ("Alster Boats", "Isar Lights", "Tulip")
    ]
    boats, lights, tulip = parties
    winches = await made.deal(made.anna, "Winches", boats, amount="48000", probability=50)
    oars = await made.deal(made.manager, "Oars", boats, amount="900", probability=90)
    lamps = await made.deal(made.manager, "Lamps", lights, amount="11000.50", probability=99)
    await made.deal(made.manager, "Crates", tulip, amount="7000", probability=100)
    await made.deal(made.manager, "Yen", tulip, amount="9000000", probability=100, currency="JPY")
    await made.deal(made.manager, "Talk", tulip)
    won = await made.deal(made.manager, "Sold", tulip, amount="500000")
    await made.manager.change(WIN, id=won["id"])
    await made.task(made.anna, winches["id"], "2026-12-02T09:00:00Z")
    await made.task(made.anna, winches["id"], "2026-12-01T09:00:00Z")
    await made.task(made.manager, winches["id"], None)
    done = await made.task(made.manager, oars["id"], "2026-11-25T09:00:00Z")
    await made.manager.change(DONE, id=done["id"])
    hidden = await made.task(made.manager, oars["id"], "2026-11-26T09:00:00Z")
    await made.manager.change(ARCHIVE, id=hidden["id"], version=hidden["version"])
    await made.task(made.manager, lamps["id"], "2026-12-02T09:00:00Z")
    return made


async def test_manager_lists_deals_by_what_they_are_worth(review: Review) -> None:
    found = await review.manager.ask(BY_VALUE, least="1000")
    assert [(deal["title"], deal["weighted"]) for deal in found["nodes"]] == [
        ("Winches", "24000.00"),
        ("Lamps", "10890.495"),
        ("Crates", "7000.00"),
    ]
    assert found["totalCount"] == 3
    assert (await review.manager.ask(BY_VALUE, least="10890.495"))["totalCount"] == 1


async def test_manager_is_told_that_values_in_several_currencies_do_not_compare(
    review: Review,
) -> None:
    open_currency = '{ crmDeals(where: {weighted: {gt: "1000"}}) { totalCount } }'
    refused = await review.manager.refusal(open_currency)
    assert refused["code"] == "currency_mismatch"


async def test_manager_finds_deals_nobody_has_a_next_step_for(review: Review) -> None:
    found = await review.manager.ask(NO_NEXT_STEP)
    assert [(deal["title"], deal["openActivities"]) for deal in found["nodes"]] == [
        ("Crates", 0),
        ("Oars", 0),  # its tasks are done, or archived
        ("Talk", 0),
        ("Yen", 0),
    ]


async def test_manager_pages_through_deals_by_what_is_due_next(review: Review) -> None:
    listed: list[tuple[str, str | None, int]] = []
    after, more = None, True
    while more:
        page = await review.manager.ask(NEXT, first=2, after=after)
        listed += [(d["title"], d["nextDue"], d["openActivities"]) for d in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert listed[:2] == [
        ("Winches", "2026-12-01T09:00:00.000000Z", 3),
        ("Lamps", "2026-12-02T09:00:00.000000Z", 1),
    ]
    assert [title for title, *_ in listed[2:]] == ["Crates", "Oars", "Sold", "Talk", "Yen"]


async def test_manager_sees_which_stages_are_busy(review: Review) -> None:
    stages = await review.manager.ask(BUSY_STAGES)
    assert [(s["name"], s["openDeals"]) for s in stages["nodes"]] == [("New", 6)]


async def test_manager_orders_customers_by_open_value_above_ten_thousand(review: Review) -> None:
    groups = await review.manager.ask(CUSTOMERS, least="10000")
    assert [
        (g["keys"]["party"]["name"], g["count"], g["sum"]["amount"], g["sum"]["weighted"])
        for g in groups
    ] == [
        ("Alster Boats", 2, "48900.00", "24810.00"),
        ("Isar Lights", 1, "11000.50", "10890.495"),
    ]


async def test_seller_counts_only_what_she_may_see(review: Review) -> None:
    stages = await review.anna.ask(BUSY_STAGES)
    assert [(s["name"], s["openDeals"]) for s in stages["nodes"]] == [("New", 1)]
    page = await review.anna.ask(NEXT, first=5, after=None)
    assert [(d["title"], d["openActivities"]) for d in page["nodes"]] == [("Winches", 3)]
