"""CSV files as other programs write them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.transfer.source import BrokenRow, SourceRow, read_source
from hansa_sdk import Invalid

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


def written(folder: Path, content: bytes, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encoding_is_known_without_a_note(encoding: str, tmp_path: Path) -> None:
    source = read_source(written(tmp_path, "name;ort\nBjörn;Zürich\n".encode(encoding)))
    assert source.notes == ()
    assert source.headers == ("name", "ort")
    assert list(source.rows()) == [SourceRow(2, ("Björn", "Zürich"))]


def test_windows_1252_is_read_with_a_note(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, "name,price\nCafé,€ 5\n".encode("cp1252")))
    assert list(source.rows()) == [SourceRow(2, ("Café", "€ 5"))]
    assert "Windows-1252" in source.notes[0]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(delimiter: str, tmp_path: Path) -> None:
    lines = [["name", "text"], ["Pavlova, Ltd.", "a;b|c"], ["Bon app'", "d"]]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(lines)
    source = read_source(written(tmp_path, text.getvalue().encode()))
    assert source.delimiter == delimiter
    assert [row.cells for row in source.rows() if isinstance(row, SourceRow)] == [
        tuple(line) for line in lines[1:]
    ]


def test_line_that_names_the_delimiter_is_followed(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, b"sep=|\r\nname,x|y\r\na,b|c\r\n"))
    assert source.headers == ("name,x", "y")
    assert list(source.rows()) == [SourceRow(3, ("a,b", "c"))]


def test_line_breaks_inside_quotes_are_kept(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, b'name,street\r\nA,"1\r\n2\n3"\r\n\r\nB,4\r\n'))
    assert list(source.rows()) == [SourceRow(2, ("A", "1\r\n2\n3")), SourceRow(4, ("B", "4"))]


def test_row_with_other_number_of_cells_is_told_by_its_number(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, b"a,b\n1,2\n3\n4,5,6\n"))
    assert list(source.rows()) == [
        SourceRow(2, ("1", "2")),
        BrokenRow(3, "has 1 cells, the header has 2"),
        BrokenRow(4, "has 3 cells, the header has 2"),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a,,b\n1,2,3\n", "column 2 has no name"),
        (b"name,city,Name\n1,2,3\n", "more than one column is named 'Name'"),
        (b"PK\x03\x04rest of a spreadsheet", "is not a text file"),
        (b"a\x00b", "is not a text file"),
        (b"name\n\x81\xff\n", "neither UTF-8 nor Windows-1252"),
    ],
)
def test_unusable_file_is_refused_with_a_sentence(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(Invalid, match=sentence):
        read_source(written(tmp_path, content))


def test_missing_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read: No such file"):
        read_source(tmp_path / "nothing.csv")


def test_quote_that_never_ends_is_told_by_its_row(tmp_path: Path) -> None:
    source = read_source(written(tmp_path, b'a,b\n1,2\n3,"4\n'))
    with pytest.raises(Invalid, match=r"Row 3 of file\.csv"):
        list(source.rows())


@given(
    rows=st.lists(
        st.tuples(_texts, _texts),
        min_size=1,
    )
)
def test_no_character_is_lost_whatever_the_cells_hold(
    rows: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("first", "second"), *rows])
    folder = tmp_path_factory.mktemp("source")
    source = read_source(written(folder, text.getvalue().encode("utf-8-sig")))
    assert [row.cells for row in source.rows() if isinstance(row, SourceRow)] == rows
