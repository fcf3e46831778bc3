"""What a subscription tells, to whom, and that it goes on where it was left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest

from hansa_core.storage.transaction import Tenant
from hansa_core.system.accounts import assign_role
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Client, Json, WebServer
from tests.core.live.ledgers import cursor_now
from tests.core.live.sockets import Socket, socket

DEALS = """subscription ($where: CrmDealWhere, $since: String) {
  crmDealChanges(where: $where, since: $since) {
    cursor kind id version record { title notes status party { name addresses { totalCount } } }
  } }"""
ALL = "subscription ($since: String) { changes(since: $since) { cursor kind entity id version } }"
PLAIN = "subscription ($since: String) { crmDealChanges(since: $since) { kind id } }"
CREATE = """mutation ($input: CrmDealCreateInput!) {
  crmDealCreate(input: $input) { record { id version } errors { message } } }"""
UPDATE = """mutation ($id: ID!, $version: Int!, $input: CrmDealUpdateInput!) {
  crmDealUpdate(id: $id, version: $version, input: $input) {
    record { id version } errors { message } } }"""


@dataclass(frozen=True)
class Firm:
    """A company, its manager, and where he writes."""

    platform: Platform
    web: WebServer
    tenant: Tenant
    manager: Client
    manager_key: str
    party: str

    async def key(self, *roles: str) -> tuple[str, str]:
        """Return the key and id of a new user."""
        user = await self.platform.user(self.tenant, *roles)
        return await self.platform.key(user), str(user.principal.user_id)

    async def deal(self, title: str, **more: object) -> Json:
        given = {"title": title, "party": {"connect": self.party}, "currency": "EUR", **more}
        return await self.manager.change(CREATE, input=given)

    async def update(self, deal: Json, **change: object) -> Json:
        changed = {"id": deal["id"], "version": deal["version"], "input": change}
        return await self.manager.change(UPDATE, **changed)

    async def verb(self, deal: Json, verb: str) -> Json:
        document = f"""mutation ($id: ID!, $version: Int!) {{
          crmDeal{verb}(id: $id, version: $version) {{
            record {{ id version }} errors {{ message }} }} }}"""
        return await self.manager.change(document, id=deal["id"], version=deal["version"])

    async def cursor(self) -> str:
        """Return the cursor behind all that happened."""
        return await cursor_now(self.platform, self.tenant)


@pytest.fixture(scope="module")
async def firm(platform: Platform, web: WebServer) -> Firm:
    tenant = await platform.tenant("watch")
    roles = ("crm.sales_manager", "contacts.manager")
    key = await platform.key(await platform.user(tenant, *roles))
    manager = await web.client(tenant, key)
    party = await manager.change(
        """mutation { contactsPartyCreate(input: {name: "Known"}) {
            record { id } errors { message } } }"""
    )
    return Firm(platform, web, tenant, manager, key, party["id"])


async def heard(client: Socket, count: int) -> list[Json]:
    return [await client.change() for _ in range(count)]


def told(changes: Iterable[Json]) -> dict[str, list[str]]:
    """Return the kinds of changes by record: between records the ledger keeps no order."""
    found: dict[str, list[str]] = {}
    for change in changes:
        found.setdefault(change["id"], []).append(change["kind"])
    return found


def kinds(changes: Sequence[Json]) -> list[tuple[str, int]]:
    return [(change["kind"], change["version"]) for change in changes]


async def test_every_kind_of_change_is_told_in_order_with_the_record_as_it_is(firm: Firm) -> None:
    since = await firm.cursor()
    async with socket(firm.web, firm.tenant, firm.manager_key) as client:
        await client.subscribe("1", DEALS, since=since)
        deal = await firm.deal("Ship")
        (created,) = await heard(client, 1)
        assert (created["kind"], created["id"], created["version"]) == ("CREATED", deal["id"], 1)
        assert created["record"] == {
            "title": "Ship",
            "notes": None,
            "status": "OPEN",
            "party": {"name": "Known", "addresses": {"totalCount": 0}},
        }
        deal = await firm.update(deal, title="Bigger ship")
        (updated,) = await heard(client, 1)
        assert (updated["kind"], updated["record"]["title"]) == ("UPDATED", "Bigger ship")
        deal = await firm.verb(deal, "Archive")
        deal = await firm.verb(deal, "Restore")
        await firm.verb(deal, "Delete")
        rest = await heard(client, 3)
    assert kinds(rest) == [("ARCHIVED", 3), ("RESTORED", 4), ("DELETED", 5)]
    assert rest[-1]["record"] is None
    assert len({each["cursor"] for each in (created, updated, *rest)}) == 5


async def test_cursor_goes_on_behind_its_change_with_the_record_as_it_is_now(firm: Firm) -> None:
    since = await firm.cursor()
    deal = await firm.deal("One")
    deal = await firm.update(deal, title="Two")
    await firm.update(deal, title="Three")
    async with socket(firm.web, firm.tenant, firm.manager_key) as client:
        await client.subscribe("1", DEALS, since=since)
        first, second, third = await heard(client, 3)
        await client.subscribe("2", DEALS, since=first["cursor"])
        assert await heard(client, 2) == [second, third]
    assert kinds([first, second, third]) == [("CREATED", 1), ("UPDATED", 2), ("UPDATED", 3)]
    assert [each["record"]["title"] for each in (first, second, third)] == ["Three"] * 3


async def test_changes_of_a_record_that_is_no_more_are_still_told(firm: Firm) -> None:
    since = await firm.cursor()
    deal = await firm.deal("Short-lived")
    await firm.verb(await firm.update(deal, title="Gone"), "Delete")
    async with socket(firm.web, firm.tenant, firm.manager_key) as client:
        await client.subscribe("1", DEALS, since=since)
        changes = await heard(client, 3)
    assert kinds(changes) == [("CREATED", 1), ("UPDATED", 2), ("DELETED", 3)]
    assert [change["record"] for change in changes] == [None] * 3


async def test_where_is_asked_of_the_record_as_it_is_now_or_last_was(firm: Firm) -> None:
    since = await firm.cursor()
    wanted = await firm.deal("Wanted", probability=90)
    other = await firm.deal("Other", probability=10)
    await firm.verb(other, "Delete")
    left = await firm.deal("Left", probability=90)
    await firm.update(left, probability=5)
    await firm.verb(wanted, "Delete")
    last = await firm.deal("Last", probability=91)
    async with socket(firm.web, firm.tenant, firm.manager_key) as client:
        await client.subscribe("1", DEALS, since=since, where={"probability": {"gte": 50}})
        changes = await heard(client, 3)
    assert told(changes) == {wanted["id"]: ["CREATED", "DELETED"], last["id"]: ["CREATED"]}


async def test_records_of_others_never_show_neither_alive_nor_deleted(firm: Firm) -> None:
    key, user = await firm.key("crm.sales_rep")
    since = await firm.cursor()
    mine = await firm.deal("Mine", owner={"connect": user})
    others = await firm.deal("Not mine")
    await firm.verb(others, "Delete")
    given = await firm.deal("Given away", owner={"connect": user})
    await firm.update(given, owner=None)
    await firm.verb(mine, "Delete")
    last = await firm.deal("Last", owner={"connect": user})
    async with socket(firm.web, firm.tenant, key) as client:
        await client.subscribe("1", DEALS, since=since)
        changes = await heard(client, 3)
        await client.subscribe("2", ALL, since=since)
        everything = await heard(client, 3)
    expected = {mine["id"]: ["CREATED", "DELETED"], last["id"]: ["CREATED"]}
    assert told(changes) == expected
    assert told(each for each in everything if each["entity"] == "crm.deal") == expected


async def test_deletion_is_told_to_who_made_the_record_where_that_decides(firm: Firm) -> None:
    maker = await firm.platform.user(firm.tenant, "watch.maker", "crm.sales_manager")
    key = await firm.platform.key(maker)
    narrow = await firm.platform.key(maker, "watch.maker")
    since = await firm.cursor()
    given = {"title": "Made", "party": {"connect": firm.party}, "currency": "EUR"}
    made = await (await firm.web.client(firm.tenant, key)).change(CREATE, input=given)
    await firm.verb(await firm.deal("Of another"), "Delete")
    await firm.verb(made, "Delete")
    async with socket(firm.web, firm.tenant, narrow) as client:
        await client.subscribe("1", PLAIN, since=since)
        changes = await heard(client, 2)
    assert told(changes) == {made["id"]: ["CREATED", "DELETED"]}


async def test_deletion_is_not_told_where_nobody_knows_who_could_see_the_record(
    firm: Firm,
) -> None:
    editor = await firm.platform.user(firm.tenant, "watch.editor", "crm.sales_manager")
    narrow = await firm.platform.key(editor, "watch.editor")
    client = await firm.web.client(firm.tenant, await firm.platform.key(editor))
    since = await firm.cursor()
    given = {"party": {"connect": firm.party}, "currency": "EUR"}
    made = await client.change(CREATE, input={"title": "Mine", **given})
    await firm.verb(made, "Delete")
    last = await client.change(CREATE, input={"title": "Last", **given})
    async with socket(firm.web, firm.tenant, narrow) as listener:
        await listener.subscribe("1", PLAIN, since=since)
        (change,) = await heard(listener, 1)
    assert (change["kind"], change["id"]) == ("CREATED", last["id"])


async def test_masked_field_is_null_on_the_rows_it_is_masked_on(firm: Firm) -> None:
    key, user = await firm.key("watch.shy")
    since = await firm.cursor()
    await firm.deal("Mine", owner={"connect": user}, notes="open")
    await firm.deal("Theirs", notes="secret")
    document = """subscription ($since: String, $where: CrmDealWhere) {
      crmDealChanges(since: $since, where: $where) { record { title notes } } }"""
    async with socket(firm.web, firm.tenant, key) as client:
        await client.subscribe("1", document, since=since)
        records = [change["record"] for change in await heard(client, 2)]
        await firm.deal("Also theirs", notes="secret")
        await firm.deal("Also mine", owner={"connect": user}, notes="secret")
        await heard(client, 2)
        await client.subscribe("2", document, since=since, where={"notes": {"eq": "secret"}})
        (found,) = await heard(client, 1)
    assert sorted(records, key=lambda each: each["title"]) == [
        {"title": "Mine", "notes": "open"},
        {"title": "Theirs", "notes": None},
    ]
    assert found["record"]["title"] == "Also mine"


async def test_deletions_do_not_tell_of_masked_values_through_where(firm: Firm) -> None:
    key, user = await firm.key("watch.shy")
    since = await firm.cursor()
    await firm.verb(await firm.deal("Theirs", notes="secret"), "Delete")
    mine = await firm.deal("Mine", owner={"connect": user}, notes="secret")
    await firm.verb(mine, "Delete")
    document = """subscription ($since: String, $where: CrmDealWhere) {
      crmDealChanges(since: $since, where: $where) { kind id } }"""
    async with socket(firm.web, firm.tenant, key) as client:
        await client.subscribe("1", document, since=since, where={"notes": {"eq": "secret"}})
        changes = await heard(client, 2)
    assert [change["id"] for change in changes] == [mine["id"]] * 2


async def test_field_hidden_on_all_rows_is_unknown(firm: Firm) -> None:
    key, _ = await firm.key("watch.blind")
    async with socket(firm.web, firm.tenant, key) as client:
        for id, asked in enumerate(("notes", "nothing")):
            await client.subscribe(
                str(id), f"subscription {{ crmDealChanges {{ record {{ {asked} }} }} }}"
            )
        answers = [(await client.receive())["payload"] for _ in range(2)]
    texts = [str(answer).replace("nothing", "notes") for answer in answers]
    assert texts[0] == texts[1]


async def test_cursor_of_another_company_or_of_a_list_is_refused(firm: Firm) -> None:
    other = await firm.platform.tenant("crm")
    stranger = await firm.platform.key(await firm.platform.user(other, "crm.sales_manager"))
    await firm.deal("Listed")
    listed = await firm.manager.ask("{ crmDeals(first: 1) { pageInfo { endCursor } } }")
    async with socket(firm.web, firm.tenant, firm.manager_key) as client:
        await client.subscribe("1", ALL, since=listed["pageInfo"]["endCursor"])
        refused = await client.receive()
    since = await firm.cursor()
    async with socket(firm.web, other, stranger) as client:
        await client.subscribe("1", ALL, since=since)
        foreign = await client.receive()
    for answer in (refused, foreign):
        assert answer["type"] == "error"
        assert answer["payload"][0]["extensions"] == {"code": "invalid", "argument": ["since"]}


async def test_newly_granted_roles_count_for_the_next_change(firm: Firm) -> None:
    rep = await firm.platform.user(firm.tenant, "crm.sales_rep")
    key = await firm.platform.key(rep)
    since = await firm.cursor()
    async with socket(firm.web, firm.tenant, key) as client:
        await client.subscribe("1", DEALS, since=since)
        await firm.deal("Unseen")
        system = await firm.platform.system(firm.tenant)
        assert rep.principal.user_id is not None
        user_id = rep.principal.user_id
        await firm.platform.runtime.write(
            system, lambda unit: assign_role(unit, user_id, "crm.sales_manager")
        )
        await firm.deal("Seen")
        while (change := await client.change())["record"]["title"] != "Seen":
            assert change["record"]["title"] == "Unseen"  # told after the role was given
