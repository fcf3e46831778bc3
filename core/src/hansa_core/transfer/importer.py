"""Importing a CSV file: from the file to records, all or nothing, the same result each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from hansa_core.caller import Caller
from hansa_core.events.record import CHANGES_MAX
from hansa_core.model.meta import EntityMeta, Kind
from hansa_core.model.shape import Shape
from hansa_core.records.unit import UnitOfWork
from hansa_core.runtime import Runtime
from hansa_core.storage.database import Database
from hansa_core.transfer.attempts import write_rows
from hansa_core.transfer.blueprint import Blueprint, make_blueprint, see_styles
from hansa_core.transfer.columns import ColumnStyle
from hansa_core.transfer.constants import constant_values
from hansa_core.transfer.drafts import Draft, draft_row, drafted_records
from hansa_core.transfer.hints import count_from, made_again, same_ids_elsewhere
from hansa_core.transfer.lookups import has_source
from hansa_core.transfer.manners import give_way
from hansa_core.transfer.mapping import ColumnMapping, map_columns
from hansa_core.transfer.report import (
    PROBLEMS_MAX,
    ImportReport,
    MappingLine,
    Outcome,
    RowProblem,
    Tally,
)
from hansa_core.transfer.source import BrokenRow, CsvSource, SourceRow, read_source
from hansa_core.transfer.targets import did_you_mean, settable
from hansa_sdk import Invalid

CHUNK_ROWS: Final = 500
TIMEOUT_SECONDS: Final = 900.0

Progress = Callable[[int, int], None]
"""Told how many rows are done, and of how many."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import: `mapping` and `constants` are what --map and --set say.

    `source` is noted on records that have a field for it and defaults to the file's stem. With
    `by`, records whose field has the row's value are updated instead of created again.
    """

    mapping: Mapping[str, str] = field(default_factory=dict[str, str])
    constants: Mapping[str, str] = field(default_factory=dict[str, str])
    source: str | None = None
    by: str | None = None
    dry_run: bool = False
    skip_errors: bool = False


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """A file that was read once and understood; `run_import` does the rest.

    With `sourced`, all records are noted as from `source_name`; else a column says it, or nothing.
    """

    source: CsvSource
    entity: EntityMeta
    columns: ColumnMapping
    blueprint: Blueprint
    rows: int
    source_name: str
    sourced: bool
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[MappingLine, ...]:
        """How each mapped column was understood."""
        return tuple(
            MappingLine(each.column, str(each.target.path), each.origin.value)
            for each in self.columns.columns
        )


def plan_import(shape: Shape, file: Path, entity: str, options: ImportOptions) -> ImportPlan:
    """Read a file's header and columns and map them to the entity.

    Raises Invalid for a file, entity, column, path or value that makes no sense.
    """
    meta = shape.entities.get(entity)
    if meta is None:
        raise Invalid(
            f"There is no entity {entity!r} here.",
            next_step=did_you_mean(entity, shape.entities),
            path=("entity",),
        )
    source = read_source(file)
    columns = map_columns(shape, meta, source.headers, options.mapping)
    if not columns.columns:
        raise Invalid(
            f"No column of {file.name} could be mapped to {entity}.",
            next_step="Say where the columns go, like --map 'COLUMN=name'.",
        )
    rows, styles = see_styles(columns, source.rows())
    name = options.source or file.stem
    constants = constant_values(meta, options.constants)
    mapped = {each.target.field.name for each in columns.columns if each.target.holder is meta}
    sourced = has_source(meta) and "source" not in mapped
    if sourced and "source" not in constants:
        constants.update(constant_values(meta, {"source": name}, said_by="--source"))
    name = str(constants.get("source") or name)
    blueprint = make_blueprint(shape, meta, columns, styles, constants)
    _check_constants(blueprint, options.constants)
    _check_by(meta, blueprint, options.by)
    notes = [
        *source.notes,
        *_zone_notes(columns, styles),
        *_check_missing(blueprint, columns, options),
    ]
    _check_size(source, blueprint, rows)
    return ImportPlan(source, meta, columns, blueprint, rows, name, sourced, tuple(notes))


async def run_import(
    runtime: Runtime,
    caller: Caller,
    plan: ImportPlan,
    options: ImportOptions,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a planned file in one transaction.

    Every row is validated by the rules of the API and all problems are collected, up to
    `PROBLEMS_MAX`. With any problem nothing is written, unless `skip_errors`.
    """

    async def work(unit: UnitOfWork) -> ImportReport:
        report = await _Run(unit, plan, options, progress, runtime.database).run()
        if not report.written:
            raise _RolledBack(report)
        return report

    try:
        return await runtime.write(caller, work, timeout_seconds=TIMEOUT_SECONDS)
    except _RolledBack as stopped:
        return stopped.report


class _RolledBack(Exception):
    """Carries the report out of a transaction that must not commit."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__("the import is rolled back")
        self.report = report


class _Run:
    """One pass over the file, in one transaction."""

    def __init__(
        self,
        unit: UnitOfWork,
        plan: ImportPlan,
        options: ImportOptions,
        progress: Progress | None,
        database: Database,
    ) -> None:
        self._unit = unit
        self._database = database
        self._plan = plan
        self._options = options
        self._progress = progress
        self._problems: list[RowProblem] = []
        self._outcomes = Tally()
        self._records: dict[str, Tally] = {}
        self._key = options.by or plan.blueprint.key
        self._seen: dict[tuple[object, object], int] = {}
        self._created: set[int] = set()

    async def run(self) -> ImportReport:
        plan = self._plan
        # Where nothing tells a row's record, those of an earlier run may be the same ones.
        blind = plan.sourced and not self._key
        before = await count_from(self._unit, plan.entity, plan.source_name) if blind else 0
        done, gave_up = await self._rows()
        hints: list[str] = []
        if before and self._created:
            field = next((cell.field.name for cell in plan.blueprint.cells), "name")
            hints.append(made_again(before, plan.source_name, field))
        if plan.sourced and plan.blueprint.key and self._key == plan.blueprint.key:
            ids = [key for (_, key), row in self._seen.items() if row in self._created]
            hints += await same_ids_elsewhere(self._unit, plan.entity, plan.source_name, ids)
        return self._report(done, gave_up, hints)

    async def _rows(self) -> tuple[int, bool]:
        """Import row after row; return how many were read, and whether it gave up on the others."""
        done = 0
        gave_up = False
        clock = asyncio.get_running_loop()
        rows = iter(self._plan.source.rows())
        while chunk := list(islice(rows, CHUNK_ROWS)):
            started = clock.time()
            good = self._readable(chunk)
            if good:
                await self._write(good)
            done += len(chunk)
            if self._progress is not None:
                self._progress(done, self._plan.rows)
            if len(self._problems) >= PROBLEMS_MAX:
                gave_up = done < self._plan.rows
                break
            if done < self._plan.rows:
                await give_way(self._database, clock.time() - started)
        return done, gave_up

    def _readable(self, chunk: Sequence[SourceRow | BrokenRow]) -> list[SourceRow]:
        """Return the rows whose cells can be read, noting what is wrong with the others."""
        good: list[SourceRow] = []
        for row in chunk:
            if isinstance(row, BrokenRow):
                self._problems.append(RowProblem(row.number, "", "", f"{row.reason}."))
                continue
            draft, problems = draft_row(self._plan.blueprint, row)
            problems += self._key_problems(draft)
            self._problems += problems
            if not problems:
                good.append(row)
        return good

    def _key_problems(self, draft: Draft) -> list[RowProblem]:
        """A key is of one row; with --by every row needs one."""
        by = self._key
        key = draft.values.get(by)
        if not by or (key is None and self._options.by is None):
            return []
        column = self._plan.blueprint.column_of(by)
        if key is None:
            reason = f"is empty; with --by {by} every row needs one."
            return [RowProblem(draft.number, column, "", reason)]
        first = self._seen.setdefault((draft.values.get("source"), key), draft.number)
        if first == draft.number:
            return []
        return [RowProblem(draft.number, column, str(key), f"stands in row {first} too.")]

    async def _write(self, rows: Sequence[SourceRow]) -> None:
        blueprint = self._plan.blueprint
        written = await write_rows(
            self._unit, blueprint, rows, by=self._options.by, source=self._plan.source_name
        )
        self._problems += written.problems
        for number, outcome in written.result.rows.items():
            self._outcomes.add(outcome)
            if outcome is Outcome.CREATED:
                self._created.add(number)
        self._count(written.result.records)

    def _count(self, records: Iterable[tuple[str, Outcome]]) -> None:
        for entity, outcome in records:
            self._records.setdefault(entity, Tally()).add(outcome)

    def _report(self, done: int, gave_up: bool, hints: Sequence[str]) -> ImportReport:
        plan, options = self._plan, self._options
        kept = not options.dry_run and not gave_up
        return ImportReport(
            entity=plan.entity.name,
            file=plan.source.path.name,
            source=plan.source_name,
            rows=done,
            tally=self._outcomes,
            records=self._records,
            problems=tuple(sorted(self._problems, key=lambda problem: problem.row)),
            written=kept and (options.skip_errors or not self._problems),
            dry_run=options.dry_run,
            gave_up=gave_up,
            mapping=plan.lines,
            ignored=plan.columns.ignored,
            unmapped=plan.columns.unmapped,
            notes=plan.notes,
            hints=tuple(hints),
        )


def _check_missing(
    blueprint: Blueprint, columns: ColumnMapping, options: ImportOptions
) -> Iterable[str]:
    """Refuse a file that says nothing of what every record needs; with --by, note it."""
    missing = [field.name for field in blueprint.missing]
    if not missing:
        return ()
    names = " and ".join(missing)
    if options.by is not None:
        return (f"No column says {names}: rows whose record is not there yet cannot be imported.",)
    unmapped = ", ".join(repr(column) for column in columns.unmapped)
    raise Invalid(
        f"No column says {names}, which every record of {blueprint.entity.name} needs."
        + (f" Not mapped yet: {unmapped}." if unmapped else ""),
        next_step=f"Say which one does with --map COLUMN={missing[0]}, or give all rows the same "
        f"with --set {missing[0]}=VALUE.",
        path=("map", missing[0]),
    )


def _check_size(source: CsvSource, blueprint: Blueprint, rows: int) -> None:
    """Refuse now what could not be written in one transaction."""
    if rows * blueprint.records_per_row <= CHANGES_MAX:
        return
    records = sum(
        drafted_records(blueprint, row) for row in source.rows() if isinstance(row, SourceRow)
    )
    if records > CHANGES_MAX:
        raise Invalid(
            f"The {rows:,} rows of {source.path.name} make {records:,} records; one import writes "
            f"at most {CHANGES_MAX:,}.",
            next_step="Split it into several files.",
        )


def _zone_notes(columns: ColumnMapping, styles: Mapping[int, ColumnStyle]) -> Iterable[str]:
    for each in columns.columns:
        style = styles.get(each.index)
        if each.target.field.kind is Kind.INSTANT and style is not None and style.zoneless:
            yield (
                f"Column {each.column!r}: {style.zoneless:,} times have no zone and are taken as "
                "UTC. Write them like 2026-01-31 09:30+01:00 if they are not."
            )


def _check_constants(blueprint: Blueprint, constants: Mapping[str, str]) -> None:
    for name in constants:
        column = blueprint.column_of(name)
        if column:
            raise Invalid(
                f"{name} is said by --set and by the column {column!r}.",
                next_step=f"Leave one out, for instance with --map '{column}='.",
                path=("set", name),
            )


def _check_by(entity: EntityMeta, blueprint: Blueprint, by: str | None) -> None:
    if by is None:
        return
    known = [each.name for each in settable(entity)]
    if by not in known:
        raise Invalid(
            f"{entity.name} has no field {by!r} to find records by.",
            next_step=did_you_mean(by, known),
            path=("by",),
        )
    if not any(cell.field.name == by for cell in blueprint.cells):
        raise Invalid(
            f"--by {by} needs a column mapped to {by}.",
            next_step=f"Say which, like --map COLUMN={by}.",
            path=("by",),
        )
