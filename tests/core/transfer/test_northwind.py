"""Northwind's customers and suppliers, imported twice: nothing lost, nothing doubled."""

from __future__ import annotations

import csv
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

from tests.core.transfer.conftest import Importer, Rows

Reader = Callable[[str], Awaitable[Rows]]


async def test_customers_and_suppliers_arrive_whole_and_once(
    importer: Importer,
    records: Reader,
    event_count: Callable[[], Awaitable[int]],
    sample_data: Path,
) -> None:
    folder = sample_data / "northwind"
    files = (folder / "customers.csv", folder / "suppliers.csv")
    for file, rows in zip(files, (91, 29), strict=True):
        report = await importer(file, by="external_id")
        assert (report.problems, report.unmapped, report.ignored) == ((), (), ())
        assert (report.rows, report.tally.created, report.written) == (rows, rows, True)
    before = [await records(entity) for entity in _ENTITIES]
    assert await _as_files_say(records) == _expected(files)
    events = await event_count()

    for file, rows in zip(files, (91, 29), strict=True):
        report = await importer(file, by="external_id")
        assert (report.tally.created, report.tally.updated) == (0, 0)
        assert report.tally.unchanged == rows
    assert [await records(entity) for entity in _ENTITIES] == before
    assert await event_count() == events


async def test_changed_cells_change_exactly_what_they_say(
    importer: Importer, records: Reader, sample_data: Path
) -> None:
    text = (sample_data / "northwind" / "customers.csv").read_text(encoding="utf-8")
    await importer(text, name="customers.csv", by="external_id")
    before = {entity: {row["id"]: row for row in await records(entity)} for entity in _ENTITIES}
    edited = (
        text.replace("Obere Str. 57", "Obere Str. 58")
        .replace("030-0076545", "030-0076546")
        .replace("Thomas Hardy", "Thomas Hardy-Smith")
    )
    report = await importer(edited, name="customers.csv", by="external_id")
    assert (report.tally.created, report.tally.updated, report.tally.unchanged) == (0, 2, 89)
    after = {entity: {row["id"]: row for row in await records(entity)} for entity in _ENTITIES}
    changes = {
        (entity, name, str(before[entity][id][name]), str(value))
        for entity in _ENTITIES
        for id, row in after[entity].items()
        for name, value in row.items()
        if before[entity][id][name] != value and name not in ("version", "updated_at")
    }
    assert changes == {
        ("contacts.address", "street", "Obere Str. 57", "Obere Str. 58"),
        ("contacts.phone", "number", "030-0076545", "030-0076546"),
        ("contacts.party", "name", "Thomas Hardy", "Thomas Hardy-Smith"),
    }
    assert {entity: len(rows) for entity, rows in before.items()} == {
        entity: len(rows) for entity, rows in after.items()
    }


_ENTITIES = ("contacts.party", "contacts.affiliation", "contacts.address", "contacts.phone")
_ADDRESS = ("street", "city", "region", "postal_code", "country")


def _expected(files: tuple[Path, ...]) -> dict[tuple[str, str], dict[str, object]]:
    expected: dict[tuple[str, str], dict[str, object]] = {}
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                key = row.get("customer_id") or row["supplier_id"]
                address = ("address", "city", "region", "postal_code", "country")
                expected[(file.stem, key)] = {
                    "name": row["company_name"],
                    "website": row.get("homepage") or None,
                    "contact": (row["contact_name"], row["contact_title"]),
                    "address": tuple(row[name] or None for name in address),
                    "phones": {(kind, row[kind]) for kind in ("phone", "fax") if row[kind]},
                }
    return expected


async def _as_files_say(records: Reader) -> dict[tuple[object, object], dict[str, object]]:
    parties = {row["id"]: row for row in await records("contacts.party")}
    organisations = {id: row for id, row in parties.items() if row["kind"] == "organisation"}
    assert (len(organisations), len(parties)) == (120, 240)
    found: dict[tuple[object, object], dict[str, object]] = {
        (row["source"], row["external_id"]): {
            "name": row["name"],
            "website": row["website"],
            "phones": set[tuple[object, object]](),
        }
        for row in organisations.values()
    }

    def of(id: object) -> dict[str, object]:
        return found[organisations[id]["source"], organisations[id]["external_id"]]

    for row in await records("contacts.affiliation"):
        assert "contact" not in of(row["organisation"])
        person = parties.pop(row["person"])
        assert person["kind"] == "person"
        of(row["organisation"])["contact"] = (person["name"], row["title"])
    for row in await records("contacts.address"):
        assert "address" not in of(row["party"])
        of(row["party"])["address"] = tuple(row[name] for name in _ADDRESS)
    for row in await records("contacts.phone"):
        phones = cast("set[tuple[object, object]]", of(row["party"])["phones"])
        phones.add((row["kind"], row["number"]))
    return found
