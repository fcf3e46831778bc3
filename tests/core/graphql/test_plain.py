"""Creates that one statement does: what they answer and tell is what the long way does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, cast

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa_core.caller import Caller
from hansa_core.events.chain import verify_chain
from hansa_core.events.sealer import seal_once
from hansa_core.graphql.execute import GraphQL
from hansa_core.records.changes import loud
from hansa_core.records.statements import row_from
from hansa_core.testing.platform import Platform
from tests.core.graphql.conftest import Answer, Ask
from tests.core.graphql.counting import Counting
from tests.core.graphql.test_kinds import ALL
from tests.core.graphql.test_operations import payload

ERRORS: Final = "errors { code path message params }"
CREATE: Final = f"""mutation ($input: LabSampleCreateInput!) {{
  labSampleCreate(input: $input) {{ record {{ {ALL.replace(" shout", "")} }} {ERRORS} }} }}"""
MANY: Final = f"""mutation ($rows: [LabSampleUpsertInput!]!, $dryRun: Boolean! = false) {{
  labSampleUpsertMany(rows: $rows, dryRun: $dryRun) {{
    results {{ t: __typename status record {{ name weight price }} {ERRORS} }} {ERRORS} }} }}"""


def the_long_way(document: str) -> str:
    """A directive may leave something out: such documents take several statements."""
    return document.replace("record {", "record @include(if: true) {", 1)


VALUES: Final[Mapping[str, st.SearchStrategy[object]]] = {
    "name": st.text(st.characters(exclude_characters="\x00", codec="utf-8"), max_size=42),
    "colour": st.sampled_from(["RED", "DARK_BLUE", None]),
    "count": st.one_of(st.none(), st.integers(-(2**53) + 1, 2**53 - 1)),
    "pure": st.booleans(),
    "weight": st.decimals(-(10**13), 10**13, places=6).map(str),
    "currency": st.sampled_from(["EUR", "JPY", "CHF", "USD", "euro"]),
    "price": st.one_of(
        st.sampled_from(["-0", "-0.0000", "0", "1.00005"]),
        st.decimals(-(10**15), 10**15, places=4).map(str),
        st.integers(-(10**17), 10**17),
    ),
    "takenOn": st.dates(date(1, 1, 1), date(9999, 12, 31)).map(str),
    "seenAt": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    "lasts": st.sampled_from([None, None, None, None, "PT90S"]),
    "batch": st.uuids().map(str),
    "email": st.sampled_from(["ada@Example.ORG", "ä@example.org", None, None, "ada"]),
    "url": st.sampled_from(["https://example.org/ä", "http://a", None, None, "none"]),
    "marks": st.one_of(st.none(), st.lists(st.text(st.characters(codec="ascii"), max_size=3))),
    "more": st.sampled_from([None, None, None, {"b": [1, "2"], "a": "1.50"}]),
    "length": st.sampled_from([None, None, None, {"value": "1.5", "unit": "none"}]),
}
NEEDED: Final = ("name", "currency", "price")
INPUTS: Final = st.fixed_dictionaries(
    {name: VALUES[name] for name in NEEDED},
    optional={name: values for name, values in VALUES.items() if name not in NEEDED},
)


@pytest.fixture(scope="session")
async def shelf(graphql: GraphQL, keeper: Caller) -> str:
    made = await graphql.execute(
        keeper, 'mutation { labShelfCreate(input: {name: "Top"}) { record { id } } }'
    )
    return str(payload(made)["record"]["id"])


async def told(platform: Platform, caller: Caller, most: int) -> list[dict[str, Any]]:
    """The last events, oldest first, without what differs from one record to the next."""
    table = platform.runtime.events.event
    async with platform.runtime.database.transaction(caller.tenant, read_only=True) as session:
        last = sa.select(table.c.body, table.c.id).order_by(table.c.id.desc()).limit(most)
        rows = await session.fetch(last)
    bodies = [json.loads(cast(bytes, row["body"])) for row in reversed(rows)]
    return [
        {key: value for key, value in body.items() if key not in ("record_id", "at")}
        for body in bodies
    ]


def without_id(record: Mapping[str, object] | None) -> object:
    return record and {key: value for key, value in record.items() if key != "id"}


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is not a wrong answer
@given(values=INPUTS)
async def test_record_is_created_told_and_refused_as_the_long_way_does(
    platform: Platform, graphql: GraphQL, keeper: Caller, shelf: str, values: dict[str, object]
) -> None:
    variables = {"input": {**values, "shelf": {"connect": shelf}}}
    plain = await graphql.execute(keeper, CREATE, variables)
    long = await graphql.execute(keeper, the_long_way(CREATE), variables)
    if "data" not in long:
        assert plain == long
        return
    one, other = payload(plain), payload(long)
    assert one["errors"] == other["errors"]
    assert without_id(one["record"]) == without_id(other["record"])
    if one["record"] is not None:
        by_plain, by_long = await told(platform, keeper, 2)
        assert by_plain == by_long


async def test_ledger_tells_the_row_as_it_is_stored(
    platform: Platform, graphql: GraphQL, keeper: Caller, shelf: str
) -> None:
    given = {"name": "a\u2028ß", "currency": "EUR", "price": "-0", "weight": "1e0", "marks": [""]}
    answer = await graphql.execute(
        keeper, CREATE, {"input": {**given, "weight": "1", "shelf": {"connect": shelf}}}
    )
    assert payload(answer)["errors"] == []
    shape = keeper.shape
    table = shape.table("lab.sample")
    async with platform.runtime.database.transaction(keeper.tenant, read_only=True) as session:
        record = await session.fetch_one(sa.select(table).order_by(table.c.id.desc()).limit(1))
    assert record is not None
    row = loud(row_from(shape.entity("lab.sample"), record))
    (body,) = await told(platform, keeper, 1)
    assert body["after"].keys() == row.keys()
    assert (body["after"]["price"], body["after"]["weight"]) == ("0.0000", "1.000000")
    assert (row["price"], row["weight"]) == (Decimal("0.0000"), Decimal("1.000000"))
    assert body["after"]["name"] == row["name"] == "a\u2028ß"


async def test_plain_creates_are_one_statement_whatever_their_number(
    platform: Platform, keeper: Caller, shelf: str
) -> None:
    counting = Counting(platform)
    engine = GraphQL(counting)
    link = {"shelf": {"connect": shelf}, "currency": "EUR"}
    one = {"name": "One", "price": "1", **link}
    assert payload(await engine.execute(keeper, CREATE, {"input": one}))["errors"] == []
    rows = [{"name": f"Row {n}", "price": f"{n}.5", **link} for n in range(300)]
    results = payload(await engine.execute(keeper, MANY, {"rows": rows}))["results"]
    assert counting.counts == [1, 1]
    assert [each["record"]["name"] for each in results] == [row["name"] for row in rows]
    assert [each["record"]["price"] for each in results] == [f"{n}.50" for n in range(300)]
    assert {(each["t"], each["status"], *each["errors"]) for each in results} == {
        ("LabSampleRowResult", "CREATED")
    }


@pytest.mark.parametrize(
    ("document", "more"),
    [
        (the_long_way(CREATE), {}),
        (CREATE.replace(" shelf {", " shout shelf {"), {}),  # computed in Python
        (CREATE.replace("shelf { name }", "shelf { samples { totalCount } }"), {}),
        (CREATE, {"more": {"a": 1}}),  # the database may spell it in another way
        (CREATE, {"lasts": "PT90S"}),
    ],
)
async def test_what_takes_more_is_answered_by_several_statements(
    platform: Platform, keeper: Caller, shelf: str, document: str, more: Mapping[str, object]
) -> None:
    counting = Counting(platform)
    link = {"shelf": {"connect": shelf}, "currency": "EUR", "price": "1"}
    given = {"input": {"name": "More", **link, **more}}
    made = payload(await GraphQL(counting).execute(keeper, document, given))
    assert made["errors"] == []
    assert made["record"]["name"] == "More"
    assert counting.counts != [1]


async def test_answer_that_reads_the_written_table_sees_what_was_written(
    platform: Platform, keeper: Caller
) -> None:
    counting = Counting(platform)
    engine = GraphQL(counting)
    document = """mutation ($input: LabShelfCreateInput!) { labShelfCreate(input: $input) {
      record { id name above { id name } samples { totalCount } } errors { message } } }"""
    top = payload(await engine.execute(keeper, document, {"input": {"name": "Top"}}))["record"]
    below = {"name": "Below", "above": {"connect": top["id"]}}
    made = payload(await engine.execute(keeper, document, {"input": below}))
    assert made["record"]["above"] == {"id": top["id"], "name": "Top"}
    assert counting.counts != [1, 1]


async def test_refused_rows_leave_nothing_behind(
    platform: Platform, ask: Ask, keeper: Caller, shelf: str
) -> None:
    before = await counts(platform, keeper)
    link = {"currency": "EUR", "price": "1", "shelf": {"connect": shelf}}
    nowhere = {"connect": "0190c0de-0000-7000-8000-0000000000ff"}
    for bad in ({"shelf": nowhere}, {"name": " "}, {"email": "x"}):
        rows = [{"name": "Good", **link}, {"name": "Bad", **link, **bad}]
        results = payload(await ask(MANY, {"rows": rows}, caller=keeper))["results"]
        assert [each["status"] for each in results] == ["SKIPPED", "FAILED"]
        assert results[1]["errors"][0]["path"][:2] == ["rows", "1"]
    dry = {"rows": [{"name": "Good", **link}], "dryRun": True}
    assert payload(await ask(MANY, dry, caller=keeper))["results"][0]["status"] == "CREATED"
    assert await counts(platform, keeper) == before


async def counts(platform: Platform, caller: Caller) -> tuple[int, int]:
    """How many samples, and how many events there are."""
    database, event = platform.runtime.database, platform.runtime.events.event
    async with database.transaction(caller.tenant, read_only=True) as session:
        found = [
            await session.fetch_value(sa.select(sa.func.count()).select_from(table))
            for table in (caller.shape.table("lab.sample"), event)
        ]
    return cast(int, found[0]), cast(int, found[1])


async def test_events_of_plain_creates_are_sealed_into_the_chain(
    platform: Platform, graphql: GraphQL, keeper: Caller, shelf: str
) -> None:
    runtime = platform.runtime
    link = {"shelf": {"connect": shelf}, "currency": "EUR", "price": "1"}
    rows: list[Answer] = [{"name": f"Sealed {n}", **link} for n in range(20)]
    assert "errors" not in await graphql.execute(keeper, MANY, {"rows": rows})
    assert await seal_once(runtime.database, keeper.tenant, runtime.events) >= 20
    async with runtime.database.transaction(keeper.tenant, read_only=True) as session:
        report = await verify_chain(session, runtime.events)
    assert report.fault is None
