"""`hansa import`: what it prints, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hansa_core.cli import imports
from hansa_core.cli.options import OwnProcess
from hansa_core.cli.place import Place, open_place
from tests.core.cli.conftest import Hansa, run_in


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("name,plz,shoe size\nAda,12345,38\nBob,x" + "y" * 40 + ",44\n")
    return path


def test_mapping_is_printed_and_nothing_is_dropped_silently(hansa: Hansa, file: Path) -> None:
    done = hansa("import", str(file), "--entity", "contacts.party", "--dry-run")
    lines = [line.split() for line in done.out.splitlines()]
    assert ["name", "->", "name", "(guessed:", "plugin)"] in lines
    assert any(line[:4] == ["shoe", "size", "->", "NOT"] for line in lines)


def test_problem_names_row_column_value_and_reason(hansa: Hansa, file: Path) -> None:
    done = hansa("import", str(file), "--entity", "contacts.party", "--set", "kind=person")
    assert done.code == 1
    assert "Row 3, column plz, value 'xyyy" in done.err
    assert "at most 32 characters, got 41" in done.err
    assert "Nothing was imported: 1 of 2 rows with problems, 1 without." in done.err
    assert "created" not in done.out + done.err


def test_good_rows_go_in_when_errors_are_skipped(hansa: Hansa, file: Path) -> None:
    arguments = ("import", str(file), "--entity", "contacts.party", "--skip-errors", "--json")
    done = hansa(*arguments, "--map", "shoe size=")
    report = json.loads(done.out)
    assert (done.code, report["created"], report["failed"]) == (0, 1, 1)
    assert (report["ignored"], report["unmapped"]) == (["shoe size"], [])
    assert report["problems"][0]["row"] == 3
    assert "->" not in done.out


def test_dry_run_says_what_it_would_do_and_what_stands_against_it(hansa: Hansa, file: Path) -> None:
    done = hansa("import", str(file), "--entity", "contacts.party", "--dry-run")
    said = "2 rows: 1 to create, 0 to update, 0 unchanged, 1 with problems."
    assert f"Dry run, nothing was written. {said}" in done.out
    assert "With these problems nothing would be imported." in done.err
    skipped = hansa("import", str(file), "--entity", "contacts.party", "--dry-run", "--skip-errors")
    assert "nothing would be imported" not in skipped.err


def test_source_is_printed_and_the_same_ids_under_another_are_pointed_out(
    hansa: Hansa, tmp_path: Path
) -> None:
    first, second = tmp_path / "march.csv", tmp_path / "april.csv"
    first.write_text("external_id,name\nm1,Mona\nm2,Max\n")
    second.write_text("external_id,name\nm1,Mona\nm2,Max\n")
    arguments = ("--entity", "contacts.party", "--by", "external_id")
    done = hansa("import", str(first), *arguments)
    assert "Source: march  (the file's name; --source NAME says another)\n" in done.out
    tried = hansa("import", str(second), *arguments, "--dry-run")
    assert "2 of these external ids are there from source 'march' too." in tried.err
    assert "--source march --by external_id" in tried.err
    again = hansa("import", str(second), *arguments, "--source", "march")
    assert "Source: march\n" in again.out
    assert "2 rows: 0 created, 0 updated, 2 unchanged" in again.out
    assert "these external ids" not in again.err


def test_problem_of_many_rows_is_printed_once(hansa: Hansa, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("name,plz\n" + "".join(f"P{n},{'9' * 40}\n" for n in range(70)))
    done = hansa("import", str(path), "--entity", "contacts.party")
    assert done.err.count("at most 32 characters") == 1
    assert "Rows 2, 3, 4, 5, 6 and 65 more, column plz" in done.err
    assert "Nothing was imported: 70 of 70 rows with problems, 0 without." in done.err


def test_dry_run_writes_nothing(hansa: Hansa, tmp_path: Path) -> None:
    path = tmp_path / "dry.csv"
    path.write_text("external_id,name\nd1,Dry\n")
    arguments = ("import", str(path), "--entity", "contacts.party", "--by", "external_id", "--json")
    first = json.loads(hansa(*arguments, "--dry-run").out)
    assert (first["created"], first["written"]) == (1, False)
    assert json.loads(hansa(*arguments).out)["created"] == 1
    assert json.loads(hansa(*arguments).out)["unchanged"] == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--entity", "contacts.prty"), "Did you mean contacts.party?"),
        (("--entity", "contacts.party", "--map", "nam=name"), "Did you mean name?"),
        (("--entity", "contacts.party", "--map", "name=nmae"), "Did you mean name?"),
        (("--entity", "contacts.party", "--map", "name"), "--map takes COLUMN=PATH"),
        (("--entity", "contacts.party", "--set", "kind=robot"), "organisation, person"),
        (("--entity", "contacts.party", "--set", "knd=person"), "Did you mean kind?"),
        (("--entity", "contacts.party", "--by", "extrnal_id"), "Did you mean external_id?"),
        (("--entity", "contacts.party", "--by", "external_id"), "--map COLUMN=external_id"),
        (("--entity", "contacts.party", "--set", "name=X"), "by the column 'name'"),
    ],
)
def test_mistake_is_refused_with_the_right_name(
    hansa: Hansa, file: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = hansa("import", str(file), *arguments)
    assert (done.code, sentence in done.err) == (2, True), done.err


def test_import_gives_way_once_its_server_is_up(
    hansa: Hansa, own_database: str, home: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is started later would inherit the low priority."""
    order: list[str] = []

    @contextmanager
    def opened() -> Generator[Place]:
        with open_place() as place:
            order.append("server")
            yield place

    def nice(_: int) -> None:
        order.append("nice")

    monkeypatch.setattr(imports, "open_place", opened)
    monkeypatch.setattr("os.nice", nice)
    arguments = ("import", str(file), "--entity", "contacts.party", "--dry-run")
    run_in(home, own_database, *arguments, own=OwnProcess())
    assert order == ["server", "nice"]
    hansa(*arguments)
    assert order == ["server", "nice", "server"]
