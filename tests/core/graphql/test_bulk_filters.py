"""Changes of all records that meet a filter, and statements that do not grow with records."""

from __future__ import annotations

from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.testing.platform import Platform
from tests.core.graphql.conftest import Ask
from tests.core.graphql.counting import Counting
from tests.core.graphql.test_bulk import name, statuses, tags
from tests.core.graphql.test_operations import deal, party, payload

SET_DEALS = """mutation ($where: CrmDealWhere!, $set: CrmDealSetInput!, $count: Int) {
  crmDealUpdateMany(where: $where, set: $set, expectedCount: $count) {
    count records { id title notes } errors { code path message params } } }"""
DELETE_DEALS = """mutation ($where: CrmDealWhere!, $count: Int) {
  crmDealDeleteMany(where: $where, expectedCount: $count) {
    count records { title } errors { code path message } } }"""


async def test_update_many_changes_what_meets_the_filter(ask: Ask) -> None:
    customer = await party(ask, name("Many"))
    titles = sorted([name("m1"), name("m2"), name("m3")])
    for title in titles:
        await deal(ask, title, customer)
    where = {"party": {"id": {"eq": customer["id"]}}}
    given = {"where": where, "set": {"notes": "all"}, "count": 3}
    found = payload(await ask(SET_DEALS, given))
    assert (found["count"], found["errors"]) == (3, [])
    assert sorted(each["title"] for each in found["records"]) == titles
    assert {each["notes"] for each in found["records"]} == {"all"}


async def test_another_count_than_expected_changes_nothing(ask: Ask) -> None:
    customer = await party(ask, name("Count"))
    await deal(ask, name("one"), customer)
    where = {"party": {"id": {"eq": customer["id"]}}}
    for document in (SET_DEALS, DELETE_DEALS):
        given = {"where": where, "set": {"notes": "all"}, "count": 5}
        found = payload(await ask(document, given))
        assert (found["count"], found["records"]) == (None, [])
        (error,) = found["errors"]
        assert (error["code"], error["path"]) == ("invalid", ["expectedCount"])
        assert error["message"].startswith("1 records meet the filter, not 5")
    found = await ask(
        "query ($w: CrmDealWhere!) { crmDeals(where: $w) { nodes { notes } } }", {"w": where}
    )
    assert payload(found)["nodes"] == [{"notes": None}]


async def test_a_refused_value_of_all_is_told_once(ask: Ask) -> None:
    customer = await party(ask, name("Refused"))
    for n in range(3):
        await deal(ask, f"d{n}", customer)
    where = {"party": {"id": {"eq": customer["id"]}}}
    found = payload(await ask(SET_DEALS, {"where": where, "set": {"amount": "1.00001"}}))
    assert (found["count"], found["records"]) == (None, [])
    (error,) = found["errors"]
    assert error["path"] == ["set", "amount"]


async def test_delete_many_answers_the_records_it_deleted(ask: Ask) -> None:
    customer = await party(ask, name("Delete"))
    await deal(ask, "d1", customer)
    await deal(ask, "d2", customer)
    where = {"party": {"id": {"eq": customer["id"]}}}
    found = payload(await ask(DELETE_DEALS, {"where": where, "count": 2}))
    assert (found["count"], found["errors"]) == (2, [])
    assert [each["title"] for each in found["records"]] == ["d1", "d2"]
    again = payload(await ask(DELETE_DEALS, {"where": where, "count": 2}))
    assert again["errors"][0]["message"].startswith("0 records meet the filter")


async def test_many_are_changed_only_where_the_row_rule_allows(ask: Ask, rep: Caller) -> None:
    customer = await party(ask, name("Rules"))
    mine = {"owner": {"connect": str(rep.principal.user_id)}}
    await deal(ask, "mine", customer, **mine)
    await deal(ask, "not mine", customer)
    where = {"party": {"id": {"eq": customer["id"]}}}
    found = payload(await ask(SET_DEALS, {"where": where, "set": {"notes": "x"}}, caller=rep))
    assert [each["title"] for each in found["records"]] == ["mine"]  # the other is not seen
    denied = payload(await ask(DELETE_DEALS, {"where": where}, caller=rep))
    assert (denied["errors"][0]["code"], denied["count"]) == ("denied", None)
    away = {"where": where, "set": {"owner": None}}
    lost = payload(await ask(SET_DEALS, away, caller=rep))
    assert [error["code"] for error in lost["errors"]] == ["denied"]


async def test_more_than_a_thousand_are_refused_with_their_count(
    ask: Ask, platform: Platform, manager: Caller
) -> None:
    customer = await party(ask, name("Thousand"))
    base = {"party": {"connect": customer["id"]}, "currency": "EUR"}
    document = """mutation ($rows: [CrmDealUpsertInput!]!) { crmDealUpsertMany(rows: $rows) {
      results { status } } }"""
    counting = Counting(platform)
    engine = GraphQL(counting)
    where = {"party": {"id": {"eq": customer["id"]}}}
    less = SET_DEALS.replace("count records { id title notes }", "count")

    async def made(count: int) -> None:
        rows = [{**base, "title": f"{n}"} for n in range(count)]
        results = payload(await ask(document, {"rows": rows}))["results"]
        assert statuses(results) == ["CREATED"] * count

    async def changed(count: int) -> int:
        given = {"where": where, "set": {"notes": f"{count}"}, "count": count}
        found = payload(await engine.execute(manager, less, given))
        assert (found["count"], found["errors"]) == (count, [])
        return counting.counts[-1]

    await made(5)
    few = await changed(5)
    await made(995)
    assert await changed(1000) == few
    await made(1)
    for text in (less, DELETE_DEALS.replace("count records { title }", "count")):
        answer = await ask(text, {"where": where, "set": {"notes": "no"}, "count": 1001})
        (error,) = answer["errors"]
        assert (answer["data"], error["extensions"]["code"]) == (None, "limit")
        assert "1,001 records meet the filter" in error["message"]
        assert "jobs" in error["message"]
    left = {"where": {**where, "notes": {"eq": "1000"}}, "set": {"notes": "1000"}, "count": 1000}
    assert payload(await ask(less, left))["count"] == 1000
    gone = {"where": {**where, "notes": {"eq": "1000"}}, "count": 1000}
    without = DELETE_DEALS.replace("count records { title }", "count")
    assert payload(await engine.execute(manager, without, gone))["count"] == 1000
    assert counting.counts[-1] < 40


async def test_statements_of_a_delete_do_not_grow_with_its_rows(
    ask: Ask, platform: Platform, manager: Caller
) -> None:
    counting = Counting(platform)
    engine = GraphQL(counting)
    for count in (5, 100):
        prefix = name("del")
        await tags(ask, [{"name": f"{prefix} {n}"} for n in range(count)])
        answer = await engine.execute(
            manager,
            """mutation ($p: String!, $n: Int) { contactsTagDeleteMany(
              where: {name: {startsWith: $p}}, expectedCount: $n) { count records { name } } }""",
            {"p": prefix, "n": count},
        )
        assert len(payload(answer)["records"]) == count
    assert counting.counts[0] == counting.counts[1]


async def test_statements_of_owned_lines_do_not_grow_with_them(
    platform: Platform, manager: Caller
) -> None:
    counting = Counting(platform)
    engine = GraphQL(counting)
    create = """mutation ($lines: [ContactsPartyAddressesNewLine!]!) {
      contactsPartyCreate(input: {name: "Lines", addresses: {create: $lines}}) {
        record { id addresses(first: 200) { nodes { id } } } errors { path } } }"""
    change = """mutation ($id: ID!, $lines: ContactsPartyAddressesLines!) {
      contactsPartyUpdate(id: $id, version: 1, input: {addresses: $lines}) {
        record { addresses(first: 200) { nodes { city } } } errors { path message } } }"""
    for count in (4, 200):
        lines = [{"city": f"City {n}"} for n in range(count)]
        made = payload(await engine.execute(manager, create, {"lines": lines}))
        assert made["errors"] == []
        ids = [node["id"] for node in made["record"]["addresses"]["nodes"]]
        half = count // 2
        asked = {
            "create": [{"city": "New"}] * half,
            "update": [{"id": id, "version": 1, "input": {"city": "Old"}} for id in ids[:half]],
            "delete": [{"id": id, "version": 1} for id in ids[half:]],
        }
        given = {"id": made["record"]["id"], "lines": asked}
        changed = payload(await engine.execute(manager, change, given))
        assert changed["errors"] == []
        assert len(changed["record"]["addresses"]["nodes"]) == count
    assert counting.counts[:2] == counting.counts[2:]
