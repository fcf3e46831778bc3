"""CSV files as other programs write them: encoding, delimiter, header, rows as they stand."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hansa_sdk import Invalid

FILE_BYTES_MAX: Final = 512 * 1024 * 1024
ROWS_MAX: Final = 200_000
COLUMNS_MAX: Final = 500

_DELIMITERS: Final = (",", ";", "\t", "|")
_DELIMITER_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE_CHARACTERS: Final = 64 * 1024
_SAMPLE_ROWS: Final = 50
_BLOCK_BYTES: Final = 1024 * 1024
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: it begins with the same two bytes
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CSV_NEXT_STEP: Final = "Save it as CSV in UTF-8 and import that."


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One data row; `number` counts rows as a spreadsheet does, the header being row 1."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is no row: the wrong number of cells."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A CSV file that was looked at; `notes` say what was assumed about it."""

    path: Path
    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    header_row: int
    notes: tuple[str, ...] = ()

    def rows(self) -> Iterator[SourceRow | BrokenRow]:
        """Read the data rows one after the other; empty lines are passed over.

        Raises Invalid where quotes do not match or there are too many rows.
        """
        width = len(self.headers)
        with _opened(self.path, self.encoding) as file:
            for number, cells in _records(file, self.delimiter, self.path):
                if number <= self.header_row or not cells:
                    continue
                if number > ROWS_MAX:
                    raise Invalid(
                        f"{self.path.name} has more than {ROWS_MAX:,} rows.",
                        next_step="Split it into several files.",
                    )
                if len(cells) != width:
                    yield BrokenRow(number, f"has {len(cells)} cells, the header has {width}")
                else:
                    yield SourceRow(number, tuple(cells))


def read_source(path: Path) -> CsvSource:
    """Look at a CSV file: find its encoding and delimiter, check its header.

    UTF-8, UTF-16 and UTF-32 (by their byte order mark) are known for certain; anything else is
    taken as Windows-1252, with a note. Raises Invalid with a sentence for a file that cannot be
    read, is too large, or has no usable header.
    """
    encoding, notes = _encoding(path)
    with _opened(path, encoding) as file:
        sample = file.read(_SAMPLE_CHARACTERS)
    first, _, rest = sample.partition("\n")
    declared = _declared_delimiter(first)
    header_row = 2 if declared else 1
    delimiter = declared or _sniffed(sample, whole=len(sample) < _SAMPLE_CHARACTERS)
    if not (rest if declared else sample).strip():
        raise Invalid(f"{path.name} is empty.", next_step="It needs a header and data rows.")
    with _opened(path, encoding) as file:
        records = _records(file, delimiter, path)
        headers = next((cells for number, cells in records if number == header_row), list[str]())
    return CsvSource(
        path, encoding, delimiter, _checked_headers(headers, path, delimiter), header_row, notes
    )


def _encoding(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the encoding the whole file can be read in, and a note where it was assumed."""
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            raise Invalid(
                f"{path.name} has {size // 1024 // 1024:,} MB, "
                f"at most {FILE_BYTES_MAX // 1024 // 1024} can be imported at once.",
                next_step="Split it into several files.",
            )
        with path.open("rb") as file:
            head = file.read(_BLOCK_BYTES)
        for mark, encoding in _BYTE_ORDER_MARKS:
            if head.startswith(mark):
                return encoding, ()
        if b"\0" in head or head.startswith(b"PK\x03\x04"):
            raise Invalid(f"{path.name} is not a text file.", next_step=_CSV_NEXT_STEP)
        wrong_byte = _undecodable(path, "utf-8")
        if wrong_byte is None:
            return "utf-8", ()
        if _undecodable(path, "cp1252") is not None:
            raise Invalid(
                f"{path.name} is text in neither UTF-8 nor Windows-1252.", next_step=_CSV_NEXT_STEP
            )
    except OSError as error:
        raise Invalid(
            f"{path} cannot be read: {error.strerror}.", next_step="Check the file's name."
        ) from error
    note = f"{path.name} is not UTF-8 (byte {wrong_byte:,}): read as Windows-1252."
    return "cp1252", (f"{note} Check its accents and umlauts.",)


def _undecodable(path: Path, encoding: str) -> int | None:
    """Return about where the file stops being text in `encoding`, None when it never does."""
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK_BYTES)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return position + error.start
            if not block:
                return None
            position += len(block)


def _opened(path: Path, encoding: str) -> io.TextIOWrapper:
    # newline="": the csv module keeps line breaks inside quotes as they are
    return path.open(encoding=encoding, newline="")


def _records(file: io.TextIOBase, delimiter: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        for number, cells in enumerate(csv.reader(file, delimiter=delimiter, strict=True), 1):
            yield number, cells
    except csv.Error as error:
        raise Invalid(
            f"Row {number + 1} of {path.name} is no row of a CSV file: {error}.",
            next_step='Put cells with quotes or line breaks in quotes, and write " as "".',
        ) from error
    except UnicodeError as error:
        raise Invalid(
            f"{path.name} breaks off or changes its encoding after row {number}: {error}.",
            next_step=_CSV_NEXT_STEP,
        ) from error


def _declared_delimiter(first: str) -> str | None:
    """Return the delimiter of the line `sep=;` that Excel writes and reads."""
    text = first.rstrip("\r")
    return text[4] if len(text) == 5 and text[:4].lower() == "sep=" else None


def _sniffed(sample: str, *, whole: bool) -> str:
    """Return the delimiter that cuts the sample's rows into most cells of equal number."""
    best, best_score = ",", (0, 1)
    for delimiter in _DELIMITERS:
        widths = _widths(sample, delimiter, whole=whole)
        if not widths or widths[0] < 2:
            continue
        alike = sum(width == widths[0] for width in widths)
        if (alike, widths[0]) > best_score:
            best, best_score = delimiter, (alike, widths[0])
    return best


def _widths(sample: str, delimiter: str, *, whole: bool) -> list[int]:
    widths: list[int] = []
    try:
        for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if cells:
                widths.append(len(cells))
            if len(widths) > _SAMPLE_ROWS:
                return widths[:-1]
    except csv.Error:
        return widths
    return widths if whole or len(widths) < 2 else widths[:-1]


def _checked_headers(headers: Sequence[str], path: Path, delimiter: str) -> tuple[str, ...]:
    names = tuple(header.strip() for header in headers)
    if len(names) > COLUMNS_MAX:
        raise Invalid(
            f"{path.name} has {len(names)} columns, at most {COLUMNS_MAX} can be imported.",
            next_step=f"Is its delimiter really a {_DELIMITER_NAMES.get(delimiter, delimiter)}?",
        )
    empty = [str(place) for place, name in enumerate(names, 1) if not name]
    if empty:
        raise Invalid(
            f"{path.name}: column {', '.join(empty)} has no name in the header.",
            next_step="Name every column, or remove it.",
        )
    folded = [name.casefold() for name in names]
    twice = [name for place, name in enumerate(names) if folded.index(name.casefold()) != place]
    if twice:
        raise Invalid(
            f"{path.name}: more than one column is named {', '.join(map(repr, twice))}.",
            next_step="Give every column a name of its own.",
        )
    return names
