"""Imports that were not meant so: the same records again, or a column that is not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from hansa_core.transfer import RowProblem, told
from hansa_sdk import Invalid
from tests.core.transfer.conftest import Importer, Rows

Reader = Callable[[str], Awaitable[Rows]]
TEXT = "external_id,name\n1,Ada\n2,Bob\n3,Cy\n"


@pytest.mark.parametrize("by", [None, "external_id"])
async def test_same_file_under_another_name_is_told_before_it_is_done(
    importer: Importer, records: Reader, by: str | None
) -> None:
    await importer(TEXT, name="people.csv")
    copy = f"{TEXT}4,Dot\n"
    tried = await importer(copy, name="people (1).csv", by=by, dry_run=True)
    assert tried.tally.created == 4
    assert tried.hints == (
        "3 of these external ids are there from source 'people' too. If they are the same records,"
        " import them with --source people --by external_id.",
    )
    again = await importer(copy, name="people (1).csv", source="people", by="external_id")
    assert (again.tally.unchanged, again.tally.created, again.hints) == (3, 1, ())
    assert len(await records("contacts.party")) == 4


async def test_every_other_source_is_counted_for_itself(importer: Importer) -> None:
    await importer("external_id,name\n1,Ada\n2,Bob\n", source="old crm")
    await importer("external_id,name\n2,Bob\n", source="shop")
    report = await importer(TEXT, source="new", dry_run=True)
    assert [hint.partition(" too.")[0] for hint in report.hints] == [
        "2 of these external ids are there from source 'old crm'",
        "1 of these external ids are there from source 'shop'",
    ]
    assert "--source 'old crm' --by external_id" in report.hints[0]


async def test_second_run_without_by_says_how_to_update(
    importer: Importer, records: Reader
) -> None:
    await importer(TEXT, name="people.csv")
    report = await importer(f"{TEXT}4,Dot\n4,Eve\n", name="people.csv")
    assert [(each.row, each.column, each.value) for each in report.problems] == [
        (2, "external_id", "1"),
        (3, "external_id", "2"),
        (4, "external_id", "3"),
        (6, "external_id", "4"),
    ]
    said = "is there already from source 'people'; --by external_id updates it."
    assert [each.reason for each in report.problems[:3]] == [said] * 3
    assert report.problems[3].reason == "stands in row 5 too."
    assert (report.written, report.hints) == (False, ())
    assert len(await records("contacts.party")) == 3


async def test_rows_without_a_key_that_come_again_are_noticed(importer: Importer) -> None:
    first = await importer("name\nAda\nBob\n", name="names.csv")
    assert first.hints == ()
    second = await importer("name\nAda\nBob\n", name="names.csv", dry_run=True)
    assert second.hints == (
        "2 records from source 'names' were there already, and without --by every row makes a new "
        "one. Give --by FIELD, like name, to find them again.",
    )
    third = await importer("name\nAda\nBob\n", name="names.csv", by="name")
    assert (third.tally.unchanged, third.hints) == (2, ())


async def test_missing_required_column_is_told_once_for_the_file(
    importer: Importer, records: Reader
) -> None:
    with pytest.raises(Invalid) as caught:
        await importer("external_id,Firma X\n1,A\n2,B\n", dry_run=True)
    assert str(caught.value) == (
        "No column says name, which every record of contacts.party needs. Not mapped yet:"
        " 'Firma X'. Say which one does with --map COLUMN=name, or give all rows the same with"
        " --set name=VALUE."
    )
    report = await importer("external_id\n1\n2\n", constants={"name": "Same"})
    assert report.tally.created == 2
    assert len(await records("contacts.party")) == 2


async def test_missing_required_column_is_fine_for_records_that_are_there(
    importer: Importer,
) -> None:
    await importer(TEXT, name="people.csv")
    report = await importer(
        "external_id,website\n1,https://one.example\n9,https://nine.example\n",
        name="people.csv",
        by="external_id",
        skip_errors=True,
    )
    assert report.notes == (
        "No column says name: rows whose record is not there yet cannot be imported.",
    )
    assert (report.tally.updated, [each.row for each in report.problems]) == (1, [3])


def test_problems_many_rows_have_are_one_sentence() -> None:
    many = [RowProblem(row, "size", f"v{row}", "expected a number.") for row in range(2, 1502)]
    few = [RowProblem(row, "", "", "Name is required.") for row in (3, 4, 5)]
    assert told([*few, *many]) == [
        "Rows 2, 3, 4, 5, 6 and 1,495 more, column size, values like 'v2': expected a number.",
        "Row 3: Name is required.",
        "Row 4: Name is required.",
        "Row 5: Name is required.",
    ]
