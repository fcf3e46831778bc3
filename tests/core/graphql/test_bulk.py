"""Many records in one mutation: a result per row, or changes of all that meet a filter."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform
from tests.core.graphql.conftest import Answer, Ask
from tests.core.graphql.counting import Counting
from tests.core.graphql.test_operations import deal, party, payload

RESULTS = (
    "results { status record { id version name } errors { code path message } } errors { code }"
)
TAGS = f"""mutation ($rows: [ContactsTagUpsertInput!]!, $by: ContactsTagKey,
  $onConflict: OnConflict! = UPDATE, $errorPolicy: ErrorPolicy! = REJECT_ALL,
  $dryRun: Boolean! = false) {{
  contactsTagUpsertMany(rows: $rows, by: $by, onConflict: $onConflict, errorPolicy: $errorPolicy,
    dryRun: $dryRun) {{ {RESULTS} }} }}"""
DEALS = """mutation ($rows: [CrmDealUpsertInput!]!, $by: CrmDealKey,
  $errorPolicy: ErrorPolicy! = REJECT_FAILED) {
  crmDealUpsertMany(rows: $rows, by: $by, errorPolicy: $errorPolicy) {
    results { status record { id title amount } errors { code path message } }
    errors { code } } }"""
Rows = Sequence[Mapping[str, object]]


async def tags(ask: Ask, rows: Rows, **more: object) -> list[Answer]:
    found = payload(await ask(TAGS, {"rows": rows, **more}))
    assert found["errors"] == []
    results: list[Answer] = found["results"]
    return results


def statuses(results: Sequence[Answer]) -> list[str]:
    return [each["status"] for each in results]


def name(text: str) -> str:
    """A name no other test has."""
    return f"{text} {uuid4().hex[:12]}"


async def count_of(ask: Ask, names: Sequence[str]) -> int:
    found = await ask(
        "query ($in: [String!]!) { contactsTags(where: {name: {in: $in}}) { totalCount } }",
        {"in": list(names)},
    )
    count: int = payload(found)["totalCount"]
    return count


async def test_rows_without_a_key_are_new_records_in_their_order(ask: Ask) -> None:
    names = [name(f"new {n}") for n in range(5)]
    made = await tags(ask, [{"name": each} for each in names])
    assert statuses(made) == ["CREATED"] * 5
    assert [each["record"]["name"] for each in made] == names


async def test_rows_meet_their_records_by_key_and_tell_what_became_of_them(ask: Ask) -> None:
    old, same, new = name("old"), name("same"), name("new")
    await tags(ask, [{"name": old}, {"name": same, "colour": "#111111"}])
    results = await tags(
        ask,
        [
            {"name": new},
            {"name": old, "colour": "#2f6f4f"},
            {"name": same, "colour": "#111111"},
        ],
        by="name",
    )
    assert statuses(results) == ["CREATED", "UPDATED", "UNCHANGED"]
    assert [each["record"]["version"] for each in results] == [1, 2, 1]
    assert [each["record"]["name"] for each in results] == [new, old, same]


async def test_conflicts_are_left_or_refused_as_asked(ask: Ask) -> None:
    old, new = name("old"), name("new")
    await tags(ask, [{"name": old}])
    rows = [{"name": old, "colour": "#000000"}, {"name": new}]
    skipped = await tags(ask, rows, by="name", onConflict="SKIP")
    assert statuses(skipped) == ["SKIPPED", "CREATED"]
    assert (skipped[0]["record"]["version"], skipped[0]["record"]["name"]) == (1, old)
    refused = await tags(
        ask,
        [rows[0], {"name": name("z")}],
        by="name",
        onConflict="FAIL",
        errorPolicy="REJECT_FAILED",
    )
    assert statuses(refused) == ["FAILED", "CREATED"]
    (error,) = refused[0]["errors"]
    assert (error["code"], error["path"]) == ("duplicate", ["rows", "0", "name"])
    assert refused[0]["record"] is None


async def test_one_refused_row_undoes_all_unless_asked_otherwise(ask: Ask) -> None:
    names = [name("a"), name("b"), name("c"), name("d")]
    taken = name("taken")
    await tags(ask, [{"name": taken}])
    rows: Rows = [
        {"name": names[0]},
        {"name": names[1], "colour": "green"},
        {"name": taken},
        {"name": None},
        {"name": names[2]},
        {"name": names[2]},
    ]
    all_or_none = await tags(ask, rows)
    assert statuses(all_or_none) == ["SKIPPED", "FAILED", "FAILED", "FAILED", "SKIPPED", "FAILED"]
    assert all(each["record"] is None for each in all_or_none)
    assert await count_of(ask, names) == 0

    some = await tags(ask, rows, errorPolicy="REJECT_FAILED")
    assert statuses(some) == ["CREATED", "FAILED", "FAILED", "FAILED", "CREATED", "FAILED"]
    told = [(error["code"], error["path"]) for each in some for error in each["errors"]]
    assert told == [
        ("invalid", ["rows", "1", "colour"]),
        ("duplicate", ["rows", "2", "name"]),
        ("invalid", ["rows", "3", "name"]),
        ("duplicate", ["rows", "5", "name"]),
    ]
    assert [e["errors"] for e in all_or_none] == [e["errors"] for e in some]
    assert await count_of(ask, names) == 2


async def test_refused_values_alone_are_left_out_when_asked(ask: Ask) -> None:
    one, two = name("one"), name("two")
    results = await tags(
        ask,
        [{"name": one, "colour": "no colour"}, {"name": "x" * 61}, {"name": two}],
        errorPolicy="IGNORE_FAILED",
    )
    assert statuses(results) == ["CREATED", "FAILED", "CREATED"]
    assert results[0]["record"]["name"] == one
    assert results[0]["errors"][0]["path"] == ["rows", "0", "colour"]
    assert results[2]["errors"] == []


async def test_a_dry_run_tells_and_writes_nothing(
    ask: Ask, platform: Platform, manager: Caller
) -> None:
    old, new = name("old"), name("new")
    await tags(ask, [{"name": old}])
    rows = [{"name": old, "colour": "#ffffff"}, {"name": new}]
    before = await events(platform, manager)
    tried = await tags(ask, rows, by="name", dryRun=True)
    assert statuses(tried) == ["UPDATED", "CREATED"]
    assert (await count_of(ask, [old, new]), await events(platform, manager)) == (1, before)
    done = await tags(ask, rows, by="name")
    assert statuses(done) == statuses(tried)


async def events(platform: Platform, caller: Caller) -> int:
    async with platform.runtime.read(caller) as unit:
        table = platform.runtime.events.event
        count = await unit.session.fetch_value(sa.select(sa.func.count()).select_from(table))
        assert isinstance(count, int)
        return count


async def test_rows_change_records_by_id_and_version(ask: Ask) -> None:
    made = await tags(ask, [{"name": name("a")}, {"name": name("b")}])
    ids = [each["record"]["id"] for each in made]
    missing, renamed = str(uuid4()), name("renamed")
    results = await tags(
        ask,
        [
            {"id": ids[0], "version": 1, "name": renamed},
            {"id": ids[1], "version": 7, "name": name("stale")},
            {"id": missing, "name": name("missing")},
            {"id": "no id", "name": name("x")},
            {"name": name("new")},
            {"id": ids[0], "colour": "#000000"},
        ],
        by="id",
        errorPolicy="REJECT_FAILED",
    )
    assert statuses(results) == ["UPDATED", "FAILED", "FAILED", "FAILED", "CREATED", "FAILED"]
    assert results[0]["record"]["name"] == renamed
    told = [(error["code"], error["path"]) for each in results for error in each["errors"]]
    assert told == [
        ("stale", ["rows", "1", "version"]),
        ("not_found", ["rows", "2"]),
        ("invalid", ["rows", "3", "id"]),
        ("invalid", ["rows", "5", "id"]),
    ]


async def test_statements_do_not_grow_with_rows_that_are_stale_or_missing(
    platform: Platform, manager: Caller
) -> None:
    counting = Counting(platform)
    engine = GraphQL(counting)
    for count in (6, 120):
        new = [{"name": name(f"s{n}")} for n in range(count)]
        made = payload(await engine.execute(manager, TAGS, {"rows": new}))["results"]
        rows = [
            {
                "id": each["record"]["id"] if n % 3 else str(uuid4()),
                "version": n % 3,
                "colour": None,
            }
            for n, each in enumerate(made)
        ]
        given = {"rows": rows, "by": "id", "errorPolicy": "REJECT_FAILED"}
        answer = payload(await engine.execute(manager, TAGS, given))
        assert statuses(answer["results"]) == ["FAILED", "UNCHANGED", "FAILED"] * (count // 3)
        codes = {each["errors"][0]["code"] for each in answer["results"] if each["errors"]}
        assert codes == {"not_found", "stale"}
    assert counting.counts[1] == counting.counts[3]


async def test_ids_are_refused_where_rows_are_not_matched_by_them(ask: Ask) -> None:
    (result,) = await tags(ask, [{"id": str(uuid4()), "name": name("x")}], by="name")
    assert result["errors"][0]["path"] == ["rows", "0", "id"]


async def test_keys_of_several_fields_match_and_are_asked_for(ask: Ask) -> None:
    document = """mutation ($rows: [ContactsPartyUpsertInput!]!) {
      contactsPartyUpsertMany(rows: $rows, by: source_externalId, errorPolicy: REJECT_FAILED) {
        results { status record { name emails { nodes { email } } } errors { path message } } } }"""
    source = uuid4().hex
    row = {"source": source, "externalId": "7", "name": "Before"}
    lines = {"emails": {"create": [{"email": "a@b.example"}]}}
    first = payload(await ask(document, {"rows": [{**row, **lines}]}))["results"]
    assert statuses(first) == ["CREATED"]
    assert first[0]["record"]["emails"]["nodes"] == [{"email": "a@b.example"}]
    again = payload(
        await ask(document, {"rows": [{**row, "name": "After"}, {"source": source, "name": "x"}]})
    )["results"]
    assert statuses(again) == ["UPDATED", "FAILED"]
    assert again[0]["record"]["name"] == "After"
    assert again[1]["errors"][0]["path"] == ["rows", "1", "externalId"]
    assert again[1]["errors"][0]["message"].startswith("External ID is needed")


async def test_a_refused_line_refuses_its_row_alone(ask: Ask) -> None:
    document = """mutation ($rows: [ContactsPartyUpsertInput!]!) {
      contactsPartyUpsertMany(rows: $rows, errorPolicy: REJECT_FAILED) {
        results { status record { name emails { nodes { email } } } errors { path } } } }"""
    rows = [
        {"name": "Good", "emails": {"create": [{"email": "good@b.example"}]}},
        {"name": "Bad", "emails": {"create": [{"email": "x@b.example"}, {"email": "bad"}]}},
        {"name": "None"},
    ]
    results = payload(await ask(document, {"rows": rows}))["results"]
    assert statuses(results) == ["CREATED", "FAILED", "CREATED"]
    assert results[0]["record"]["emails"]["nodes"] == [{"email": "good@b.example"}]
    assert results[1]["errors"] == [{"path": ["rows", "1", "emails", "create", "1", "email"]}]


async def test_row_rules_are_asked_of_each_row(ask: Ask, rep: Caller, manager: Caller) -> None:
    customer = await party(ask, name("Row rules"))
    mine = {"connect": str(rep.principal.user_id)}
    base = {"party": {"connect": customer["id"]}, "currency": "EUR"}
    foreign = await deal(ask, name("foreign"), customer)
    rows = [
        {**base, "title": "mine", "owner": mine},
        {**base, "title": "not mine", "owner": {"connect": str(manager.principal.user_id)}},
        {"id": foreign["id"], "title": "stolen"},
    ]
    answer = await ask(DEALS, {"rows": rows, "by": "id"}, caller=rep)
    results = payload(answer)["results"]
    assert statuses(results) == ["CREATED", "FAILED", "FAILED"]
    assert [each["errors"][0]["code"] for each in results[1:]] == ["denied", "not_found"]
    assert results[0]["record"]["title"] == "mine"
    missing = str(uuid4())
    gone = payload(await ask(DEALS, {"rows": [{"id": missing}], "by": "id"}, caller=rep))
    texts = [results[2]["errors"][0]["message"], gone["results"][0]["errors"][0]["message"]]
    assert texts[0].replace(foreign["id"], missing) == texts[1]


async def test_rows_are_denied_without_the_permission(
    platform: Platform, tenant: Tenant, ask: Ask, stranger: Caller
) -> None:
    editor = await platform.user(tenant, "contacts.editor")  # makes tags, and changes none
    old, new = name("old"), name("new")
    await tags(ask, [{"name": old}])
    rows = [{"name": old, "colour": "#000000"}, {"name": new}]
    given = {"rows": rows, "by": "name", "errorPolicy": "REJECT_FAILED"}
    results = payload(await ask(TAGS, given, caller=editor))["results"]
    assert statuses(results) == ["FAILED", "CREATED"]
    assert results[0]["errors"][0]["code"] == "denied"
    none = payload(await ask(TAGS, {"rows": [{"name": name("x")}]}, caller=stranger))["results"]
    assert (statuses(none), none[0]["errors"][0]["code"]) == (["FAILED"], "denied")


async def test_two_upserts_of_one_key_at_once_make_one_record(ask: Ask) -> None:
    shared = name("shared")
    rows = [{"name": shared, "colour": "#123456"}]
    all_results = await asyncio.gather(*(tags(ask, rows, by="name") for _ in range(8)))
    became = sorted(status for results in all_results for status in statuses(results))
    assert became == ["CREATED", *["UNCHANGED"] * 7]


@pytest.mark.parametrize("policy", ["REJECT_ALL", "REJECT_FAILED", "IGNORE_FAILED"])
async def test_statements_of_an_upsert_do_not_grow_with_its_rows(
    platform: Platform, manager: Caller, policy: str
) -> None:
    counting = Counting(platform)
    engine = GraphQL(counting)
    document = """mutation ($rows: [ContactsPartyUpsertInput!]!, $policy: ErrorPolicy!) {
      contactsPartyUpsertMany(rows: $rows, by: source_externalId, errorPolicy: $policy) {
        results { status record { id emails(first: 2) { nodes { email } } } errors { path } } } }"""

    async def run(count: int, *, bad: bool) -> list[str]:
        source = uuid4().hex
        rows = [
            {
                "source": source,
                "externalId": str(n),
                "name": " " if bad and n % 5 == 4 else f"Party {n}",
                "emails": {"create": [{"email": f"p{n}@{source}.example"}]},
            }
            for n in range(count)
        ]
        half = {"rows": rows[: count // 2], "policy": policy}
        assert "errors" not in await engine.execute(manager, document, half)
        found = payload(await engine.execute(manager, document, {"rows": rows, "policy": policy}))
        return statuses(found["results"])

    for bad in (False, True):
        counting.counts.clear()
        few = await run(10, bad=bad)
        some = list(counting.counts)
        many = await run(500, bad=bad)
        assert counting.counts[len(some) :] == some
        assert (len(few), len(many)) == (10, 500)
        assert max(some) <= (60 if bad else 20)
        assert (many.count("FAILED") > 0) == bad


async def test_a_hundred_creates_are_one_statement(platform: Platform, manager: Caller) -> None:
    counting = Counting(platform)
    rows = [{"name": name(f"t{n}")} for n in range(100)]
    answer = await GraphQL(counting).execute(manager, TAGS, {"rows": rows})
    assert statuses(payload(answer)["results"]) == ["CREATED"] * 100
    assert counting.counts == [1]


async def test_too_many_rows_are_refused_before_anything_is_written(ask: Ask) -> None:
    rows = [{"name": f"{uuid4()}"} for _ in range(1001)]
    document = """mutation ($rows: [ContactsTagUpsertInput!]!) {
      contactsTagUpsertMany(rows: $rows) { errors { code } } }"""
    answer = await ask(document, {"rows": rows})
    (error,) = answer["errors"]
    assert (answer["data"], error["extensions"]["code"]) == (None, "limit")
    assert "at most 1,000 rows" in error["message"]
    costly = await ask(
        "mutation ($rows: [ContactsTagUpsertInput!]!) { contactsTagUpsertMany(rows: $rows) {"
        " results { status record { a: id b: id c: id d: id e: id f: id g: id h: id i: id } } } }",
        {"rows": rows[:1000]},
    )
    assert "cost" in costly["errors"][0]["message"]
    assert await count_of(ask, [row["name"] for row in rows[:1000]]) == 0
