"""Writing what can be written: rows that are refused are set apart, the others tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hansa_core.records.unit import UnitOfWork
from hansa_core.transfer.blueprint import Blueprint
from hansa_core.transfer.chunks import ChunkResult, Item, Refused, WriteFailed, write_chunk
from hansa_core.transfer.drafts import draft_row
from hansa_core.transfer.report import RowProblem
from hansa_core.transfer.source import SourceRow
from hansa_sdk import Denied, Duplicate, HansaError, Rejected

ATTEMPTS_MAX: Final = 8
"""How often a chunk is tried without its refused rows before it is halved."""


@dataclass(slots=True)
class Written:
    """What was written of some rows, and what is wrong with the others."""

    result: ChunkResult = field(default_factory=ChunkResult)
    problems: list[RowProblem] = field(default_factory=list[RowProblem])

    def add(self, other: Written) -> None:
        """Take in what became of other rows."""
        self.result.rows.update(other.result.rows)
        self.result.records += other.result.records
        self.problems += other.problems


async def write_rows(
    unit: UnitOfWork,
    blueprint: Blueprint,
    rows: Sequence[SourceRow],
    *,
    by: str | None,
    source: str,
) -> Written:
    """Write rows whose cells can be read, in savepoints.

    A refused row never keeps the others out: it is taken out and the rest tried again; where the
    refusal does not tell which row it means, halves are tried. Raises Denied where the caller may
    not write such records at all.
    """
    written = Written()
    remaining: list[SourceRow] = list(rows)
    for _ in range(ATTEMPTS_MAX):
        if not remaining:
            return written
        drafts = [draft_row(blueprint, row)[0] for row in remaining]
        try:
            async with unit.savepoint():
                result = await write_chunk(unit, blueprint, drafts, by=by, source=source)
            written.add(Written(result))
            return written
        except Refused as refused:
            problems = list(refused.problems)
        except WriteFailed as failed:
            problems = _located(failed)
            if not problems and len(remaining) == 1:
                problems = [RowProblem(remaining[0].number, "", "", str(failed.cause))]
            suspects = _suspects(failed, problems)
            if suspects and len(remaining) > 1:
                # In their order, each by itself: one that is written then was not the one.
                for row in [row for row in remaining if row.number in suspects]:
                    written.add(await write_rows(unit, blueprint, [row], by=by, source=source))
                remaining = [row for row in remaining if row.number not in suspects]
                continue
        if not problems:
            break
        written.problems += problems
        bad = {problem.row for problem in problems}
        remaining = [row for row in remaining if row.number not in bad]
    middle = (len(remaining) + 1) // 2
    for half in (remaining[:middle], remaining[middle:]):
        if half:
            written.add(await write_rows(unit, blueprint, half, by=by, source=source))
    return written


def _located(failed: WriteFailed) -> list[RowProblem]:
    """Return the problems of a refused write by row; none where a row is not certain."""
    problems: list[RowProblem] = []
    for error in _errors(failed):
        index = error.path[0] if error.path else None
        if not isinstance(index, int) or not 0 <= index < len(failed.items):
            if len(failed.items) > 1:
                if isinstance(error, Denied):
                    raise error
                return []
            index, names = 0, error.path
        else:
            names = error.path[1:]
        item = failed.items[index]
        problems.append(_problem(item, names, error))
    return problems


def _suspects(failed: WriteFailed, problems: Sequence[RowProblem]) -> set[int]:
    """Return the rows that may be at fault where a value was there already; none when certain.

    The database tells the value only, and rows of one file may bring it more than once.
    """
    duplicates = [error for error in _errors(failed) if isinstance(error, Duplicate)]
    if not duplicates or not problems:
        return set()
    suspects = {problem.row for problem in problems}
    for names in map(_unique_fields, duplicates):
        known = [item for item in failed.items if item.draft.number in suspects]
        values = [[item.values.get(name) for name in names] for item in known]
        suspects |= {
            item.draft.number
            for item in failed.items
            if names and [item.values.get(name) for name in names] in values
        }
    return suspects


def _errors(failed: WriteFailed) -> Sequence[HansaError]:
    cause = failed.cause
    return cause.errors if isinstance(cause, Rejected) else (cause,)


def _unique_fields(error: HansaError) -> list[str]:
    fields = error.params.get("fields")
    if not isinstance(fields, list):
        return []
    return [str(name) for name in fields]  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]  # plain data


def _problem(item: Item, names: Sequence[str | int], error: HansaError) -> RowProblem:
    """Say where it stands: the field's column; of fields unique together, one that has a column."""
    fields = [str(name) for name in names[:1]] + _unique_fields(error)
    name = next((name for name in fields if item.column_of(name)), fields[0] if fields else "")
    value = item.values.get(name)
    shown = "" if value is None else str(value)
    return RowProblem(item.draft.number, item.column_of(name), shown, str(error))
