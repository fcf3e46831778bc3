"""What an import did, as a value: counts, problems, and how the columns were understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

PROBLEMS_MAX: Final = 1_000
"""Problems collected before an import gives up."""

_VALUE_CHARACTERS_MAX: Final = 200
_ALIKE_MIN: Final = 4
_ROWS_SHOWN: Final = 5


class Outcome(StrEnum):
    """What became of a row or a record."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row cannot be imported. `row` counts as a spreadsheet does: the header is row 1."""

    row: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        where = f"Row {self.row}"
        if self.column:
            where += f", column {self.column}"
        if self.value:
            where += f", value {self.shown_value!r}"
        return f"{where}: {self.reason}"

    @property
    def shown_value(self) -> str:
        """The value, cut where it is long."""
        if len(self.value) <= _VALUE_CHARACTERS_MAX:
            return self.value
        return f"{self.value[:_VALUE_CHARACTERS_MAX]}..."


def told(problems: Sequence[RowProblem]) -> list[str]:
    """Return the problems as sentences: first one for many rows that have the same, then others."""
    alike: dict[tuple[str, str], list[RowProblem]] = {}
    for problem in problems:
        alike.setdefault((problem.column, problem.reason), []).append(problem)
    sentences: list[str] = []
    for same in alike.values():
        if len(same) < _ALIKE_MIN:
            continue
        first = same[0]
        rows = ", ".join(str(problem.row) for problem in same[:_ROWS_SHOWN])
        more = len(same) - _ROWS_SHOWN
        where = f"Rows {rows}" + (f" and {more:,} more" if more > 0 else "")
        if first.column:
            where += f", column {first.column}"
        if first.value:
            where += f", values like {first.shown_value!r}"
        sentences.append(f"{where}: {first.reason}")
    return sentences + [
        str(problem)
        for problem in problems
        if len(alike[problem.column, problem.reason]) < _ALIKE_MIN
    ]


@dataclass(slots=True)
class Tally:
    """How many records of one kind were created, updated, or already as the file says."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        if outcome is Outcome.CREATED:
            self.created += 1
        elif outcome is Outcome.UPDATED:
            self.updated += 1
        else:
            self.unchanged += 1


@dataclass(frozen=True, slots=True)
class MappingLine:
    """How one column was understood; `origin` says by whom (given, plugin, name)."""

    column: str
    path: str
    origin: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of an import.

    `rows` are the file's; each is created, updated or unchanged (with all it brings along), or
    failed. `records` counts the records by entity. `written` is false when nothing was kept: a dry
    run, or a problem without --skip-errors. `gave_up` says that reading stopped after too many
    problems. `hints` say what looks as if it was not meant so.
    """

    entity: str
    file: str
    source: str
    rows: int
    tally: Tally
    records: Mapping[str, Tally]
    problems: tuple[RowProblem, ...]
    written: bool
    dry_run: bool
    gave_up: bool = False
    mapping: tuple[MappingLine, ...] = ()
    ignored: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """How many rows have a problem."""
        return len({problem.row for problem in self.problems})

    def as_json(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "entity": self.entity,
            "file": self.file,
            "source": self.source,
            "rows": self.rows,
            **asdict(self.tally),
            "failed": self.failed,
            "written": self.written,
            "dry_run": self.dry_run,
            "gave_up": self.gave_up,
            "records": {name: asdict(tally) for name, tally in self.records.items()},
            "mapping": [asdict(line) for line in self.mapping],
            "ignored": list(self.ignored),
            "unmapped": list(self.unmapped),
            "notes": list(self.notes),
            "hints": list(self.hints),
            "problems": [asdict(problem) for problem in self.problems],
        }
