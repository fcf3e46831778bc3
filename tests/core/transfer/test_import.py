"""Imports into a real database: what is matched, made, refused and kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

import hansa_core.transfer.importer
from hansa_core.records.unit import UnitOfWork
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.counting import Count
from hansa_core.testing.platform import Platform
from hansa_core.transfer import ImportOptions, plan_import
from hansa_core.transfer.attempts import write_rows
from hansa_core.transfer.source import SourceRow
from hansa_sdk import Busy, Invalid
from tests.core.transfer.conftest import Importer, Rows

Reader = Callable[[str], Awaitable[Rows]]


def picked(rows: Rows, *names: str) -> set[tuple[object, ...]]:
    return {tuple(row[name] for name in names) for row in rows}


async def test_every_problem_of_every_row_is_told(importer: Importer, records: Reader) -> None:
    report = await importer(
        "name,email,plz,kind\n"
        "Good,good@test.example,1,person\n"
        ",x@test.example,2,person\n"
        f"Bad,no address,{'9' * 40},robot\n"
        "Short\n"
        "Blank,blank@test.example,,person\n"
    )
    assert sorted((each.row, each.column, each.value[:10]) for each in report.problems) == [
        (3, "name", ""),
        (4, "email", "no address"),
        (4, "kind", "robot"),
        (4, "plz", "9999999999"),
        (5, "", ""),
    ]
    assert (report.written, report.failed, report.rows) == (False, 3, 5)
    assert await records("contacts.party") == []


async def test_good_rows_stay_when_errors_are_skipped(
    importer: Importer, records: Reader, event_count: Callable[[], Awaitable[int]]
) -> None:
    before = await event_count()
    report = await importer("name,plz\nA,1\nB," + "9" * 40 + "\nC,3\n", skip_errors=True)
    assert (report.written, report.tally.created, report.failed) == (True, 2, 1)
    assert picked(await records("contacts.party"), "name") == {("A",), ("C",)}
    assert await event_count() == before + 2


async def test_rows_the_database_refuses_are_found_among_the_others(
    importer: Importer, records: Reader, event_count: Callable[[], Awaitable[int]]
) -> None:
    text = "name\n" + "".join(f"k{number}\n" for number in range(40))
    await importer(text, "contacts.tag")
    before = await event_count()
    report = await importer("name\nnew1\nk7\nnew2\nk31\n", "contacts.tag", skip_errors=True)
    assert [(each.row, each.column, each.value) for each in report.problems] == [
        (3, "name", "k7"),
        (5, "name", "k31"),
    ]
    assert report.tally.created == 2
    assert len(await records("contacts.tag")) == 42
    assert await event_count() == before + 2


async def test_record_another_transaction_holds_is_no_fault_of_a_row(
    platform: Platform, tenant: Tenant, importer: Importer
) -> None:
    await importer("external_id,name\na,Old\nb,Other\n")
    async with platform.runtime.database.transaction(tenant, timeout_seconds=60) as holder:
        await holder.execute(sa.text('SELECT FROM "__tenant__".contacts_party FOR UPDATE'))
        with pytest.raises(Busy):
            await importer("external_id,name\na,New\nb,N\n", by="external_id", skip_errors=True)


async def test_innocent_row_stays_when_its_value_is_part_of_anothers(
    importer: Importer, records: Reader
) -> None:
    await importer('name\n"A, 1"\n', "contacts.tag")
    report = await importer('name\n1\n"A, 1"\n22\n', "contacts.tag", skip_errors=True)
    assert [(each.row, each.column, each.value) for each in report.problems] == [
        (3, "name", "A, 1")
    ]
    assert report.tally.created == 2
    assert picked(await records("contacts.tag"), "name") == {("A, 1",), ("1",), ("22",)}


async def test_the_first_of_equal_rows_stays_when_errors_are_skipped(
    importer: Importer, records: Reader
) -> None:
    text = "name,colour\none,#000001\ntwo,#000002\none,#000003\n"
    report = await importer(text, "contacts.tag", skip_errors=True)
    assert [(each.row, each.column) for each in report.problems] == [(4, "name")]
    tags = picked(await records("contacts.tag"), "name", "colour")
    assert tags == {("one", "#000001"), ("two", "#000002")}


@pytest.mark.parametrize(
    "cell",
    ["[" * 40 + "]" * 40, '"\\u0000"', '{"a": "\\ud800"}', '{"\\u0000": 1}'],
    ids=["deep", "nul", "half a pair", "key"],
)
async def test_json_that_cannot_be_stored_is_told_at_its_cell(
    importer: Importer, records: Reader, cell: str
) -> None:
    quoted = cell.replace('"', '""')
    text = f'key,value\ngood,1\nbad,"{quoted}"\nfine,2\n'
    report = await importer(text, "system.setting", skip_errors=True)
    assert [(each.row, each.column) for each in report.problems] == [(3, "value")]
    assert (report.written, report.tally.created) == (True, 2)
    assert {("good",), ("fine",)} <= picked(await records("system.setting"), "key")


async def test_deepest_json_a_field_takes_goes_in(importer: Importer, records: Reader) -> None:
    lines = [f"{depth},{'[' * depth}{']' * depth}" for depth in range(20, 40)]
    text = "key,value\n" + "\n".join(lines) + "\n"
    report = await importer(text, "system.setting", skip_errors=True)
    assert report.written
    assert report.tally.created + report.failed == len(lines)
    assert report.tally.created >= 10


async def test_times_without_a_zone_are_noted(importer: Importer) -> None:
    text = (
        "subject,kind,due_at\nA,task,2026-01-31 09:30\nB,task,2026-01-31 09:30+01:00\n"
        "C,task,2026-01-31T09:30:00Z\nD,task,2026-01-31 9:30:15\nE,task,2026-01-31\n"
    )
    report = await importer(text, "crm.activity", dry_run=True)
    assert report.problems == ()
    assert len(report.notes) == 1
    assert "'due_at': 2 times have no zone and are taken as UTC" in report.notes[0]
    zoned = await importer(
        "subject,kind,due_at\nB,task,2026-01-31 09:30 +0100\n", "crm.activity", dry_run=True
    )
    assert zoned.notes == ()


async def test_whole_record_rules_are_those_of_the_api(importer: Importer) -> None:
    report = await importer(
        "name,contact_name,contacts_since,contacts_until\nA,B,2026-02-01,2026-01-01\n",
        mapping={"contacts_since": "contacts.since", "contacts_until": "contacts.until"},
    )
    assert "the last day must not be before the first" in report.problems[0].reason


async def test_given_path_makes_persons_of_contact_names(
    importer: Importer, records: Reader
) -> None:
    """Plugins say that contacts are persons; a path given by hand need not repeat it."""
    report = await importer(
        "org,who\nAcme,Ada\nBeta,Ada\n",
        mapping={"org": "name", "who": "contacts.person.name"},
    )
    assert report.problems == ()
    parties = await records("contacts.party")
    assert sorted((str(row["name"]), row["kind"]) for row in parties) == [
        ("Acme", "organisation"),
        ("Ada", "person"),
        ("Ada", "person"),
        ("Beta", "organisation"),
    ]


async def test_persons_of_one_name_stay_two_when_run_again(
    importer: Importer, records: Reader
) -> None:
    text = "external_id,name,contact_name,contact_title\n1,Acme,Ada,Chief\n2,Beta,Ada,\n"
    await importer(text, by="external_id")
    again = await importer(text, by="external_id")
    assert (again.tally.unchanged, len(await records("contacts.party"))) == (2, 4)
    changed = await importer(text.replace("Chief", "Head"), by="external_id")
    assert (changed.tally.updated, changed.tally.unchanged) == (1, 1)
    assert picked(await records("contacts.affiliation"), "title") == {("Head",), (None,)}


async def test_lines_people_added_are_left_alone(importer: Importer, records: Reader) -> None:
    text = "external_id,name,phone,fax\n1,Acme,111,222\n"
    await importer(text, by="external_id")
    await importer("external_id,mobile\n1,333\n", by="external_id", source="file")
    report = await importer(
        "external_id,name,phone,fax\n1,Acme,111,\n", by="external_id", name="file.csv"
    )
    assert report.tally.unchanged == 1
    await importer(text.replace("222", "444"), by="external_id")
    assert picked(await records("contacts.phone"), "kind", "number") == {
        ("phone", "111"),
        ("fax", "444"),
        ("mobile", "333"),
    }


async def test_emptied_cell_empties_the_field(importer: Importer, records: Reader) -> None:
    text = "external_id,name,city,plz\n1,Acme,Bonn,53111\n"
    await importer(text, by="external_id")
    report = await importer(text.replace("Bonn", ""), by="external_id")
    assert report.tally.updated == 1
    assert picked(await records("contacts.address"), "city", "postal_code") == {(None, "53111")}


async def test_same_path_twice_makes_two_lines(importer: Importer, records: Reader) -> None:
    mapping = {"tel1": "phones.number", "tel2": "phones.number", "kind2": "phones.kind"}
    text = "external_id,name,tel1,tel2,kind2\n1,Acme,111,222,mobile\n"
    await importer(text, mapping=mapping, by="external_id")
    report = await importer(text, mapping=mapping, by="external_id")
    assert len(await records("contacts.phone")) == 2
    assert report.tally.unchanged == 1


async def test_shared_record_is_made_once_and_found_again(
    importer: Importer, records: Reader
) -> None:
    mapping = {"group": "tags.tag.name"}
    text = "external_id,name,group\n1,A,vip\n2,B,vip\n3,C,new\n"
    assert (await importer(text, mapping=mapping, by="external_id")).problems == ()
    again = await importer(text, mapping=mapping, by="external_id")
    assert (again.problems, again.tally.unchanged) == ((), 3)
    assert picked(await records("contacts.tag"), "name") == {("vip",), ("new",)}
    assert len(await records("contacts.party_tag")) == 3


async def test_reference_is_found_by_key_id_or_field(importer: Importer, records: Reader) -> None:
    await importer("external_id,name\nc1,Acme\nc2,Beta\n", source="shop")
    ids = {row["external_id"]: row["id"] for row in await records("contacts.party")}
    text = f"name,currency,party\nA,EUR,c1\nB,EUR,{ids['c2']}\nC,EUR,\nD,EUR,c3\n"
    report = await importer(text, "contacts.legal_entity")
    assert [(each.row, each.column, each.value) for each in report.problems] == [(5, "party", "c3")]
    assert "there is no party with that external_id" in report.problems[0].reason
    report = await importer(
        "name,currency,customer\nA,EUR,c1\n",
        "contacts.legal_entity",
        mapping={"customer": "party.external_id"},
    )
    assert report.problems == ()
    assert picked(await records("contacts.legal_entity"), "name", "party") == {("A", ids["c1"])}


async def test_rows_without_or_with_a_doubled_key_are_refused(importer: Importer) -> None:
    report = await importer("external_id,name\n1,A\n,B\n1,C\n", by="external_id")
    assert [(each.row, each.column) for each in report.problems] == [
        (3, "external_id"),
        (4, "external_id"),
    ]
    assert "stands in row 2 too" in report.problems[1].reason


async def test_sources_keep_equal_keys_apart(importer: Importer, records: Reader) -> None:
    await importer("external_id,name\n1,A\n", by="external_id", name="customers.csv")
    await importer("external_id,name\n1,B\n", by="external_id", name="suppliers.csv")
    assert picked(await records("contacts.party"), "source", "external_id", "name") == {
        ("customers", "1", "A"),
        ("suppliers", "1", "B"),
    }


async def test_text_is_kept_to_the_last_character(importer: Importer, records: Reader) -> None:
    name, notes = "  Ünïcode\u00a0\u200b‮ 😀 ", "line 1\r\n\tline 2\n ~ "
    await importer(f'name,notes\n{name},"{notes}"\n')
    assert picked(await records("contacts.party"), "name", "notes") == {(name, notes)}


async def test_dry_run_tells_what_a_run_would_do(importer: Importer, records: Reader) -> None:
    text = "external_id,name,phone\n1,A,123\n"
    tried = await importer(text, by="external_id", dry_run=True)
    assert (tried.written, tried.tally.created) == (False, 1)
    assert await records("contacts.party") == []
    done = await importer(text, by="external_id")
    assert (done.written, done.tally, done.records) == (True, tried.tally, tried.records)


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ({"a": "phones"}, "is a list of lines"),
        ({"a": "id"}, "is set by Hansa itself"),
        ({"a": "phones.party"}, "is set by Hansa itself"),
        ({"a": "name.first"}, "is a plain value"),
        ({"a": "phones[kind=fux].number"}, "expected one of phone, mobile, fax, other"),
        ({"a": "phones[knd=fax].number"}, "Did you mean kind"),
        ({"a": "adresses.city"}, "Did you mean addresses"),
        ({"a": "contacts.person.addresses"}, "is a list of lines"),
        ({"a": "name", "b": "name"}, "Two columns are mapped to name"),
    ],
)
async def test_path_that_leads_nowhere_is_refused(
    importer: Importer, mapping: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await importer("a,b\n1,2\n", mapping=mapping)
    assert sentence in str(caught.value)


def large(rows: int) -> str:
    lines = [f"{n},Party {n},Person {n},Street {n},Town,{n},{n}" for n in range(rows)]
    return "\n".join(("external_id,name,contact_name,address,city,phone,fax", *lines)) + "\n"


async def test_number_of_statements_does_not_grow_with_the_rows(
    platform: Platform, tenant: Tenant, tmp_path: Path
) -> None:
    path = tmp_path / "file.csv"
    path.write_text(large(210))
    caller = await platform.runtime.system_caller(tenant, "test")
    plan = plan_import(caller.shape, path, "contacts.party", ImportOptions(by="external_id"))
    rows = [row for row in plan.source.rows() if isinstance(row, SourceRow)]

    async def statements(some: list[SourceRow]) -> int:
        async def work(unit: UnitOfWork) -> int:
            await write_rows(unit, plan.blueprint, some, by="external_id", source="file")
            return unit.session.statement_count

        return await platform.runtime.write(caller, work)

    assert await statements(rows[:10]) == await statements(rows[10:])  # both create
    assert await statements(rows[:10]) == await statements(rows[10:])  # both compare


async def test_file_of_more_records_than_one_transaction_writes_is_refused_at_once(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, event_count: Callable[[], Awaitable[int]]
) -> None:
    monkeypatch.setattr(hansa_core.transfer.importer, "CHANGES_MAX", 10)
    before = await event_count()
    with pytest.raises(Invalid) as caught:
        await importer("name,phone\n" + "A,1\n" * 5 + "B,\n")
    assert "The 6 rows of file.csv make 11 records; one import writes at most 10" in str(
        caught.value
    )
    assert await event_count() == before
    assert (await importer("name,phone\n" + "A,1\n" * 4 + "B,\n" * 2)).tally.created == 6


async def test_large_import_arrives_whole(
    importer: Importer, records: Reader, count: Count
) -> None:
    rows = count.asked("import_rows")
    report = await importer(large(rows), by="external_id")
    assert (report.tally.created, report.failed) == (rows, 0)
    assert len(await records("contacts.affiliation")) == rows
    count.ran(rows)
