"""Writing a chunk of drafts: references, records, lines, each kind in one statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.transfer.blueprint import Blueprint, Cell, column_of
from hansa_core.transfer.drafts import Draft, LineDraft, ReferenceDraft, Row, Values
from hansa_core.transfer.lookups import settle_references
from hansa_core.transfer.matching import (
    derive_external_ids,
    find_keyed,
    find_known,
    find_lines,
    find_roots,
)
from hansa_core.transfer.report import Outcome, RowProblem
from hansa_sdk import Busy, HansaError, Unavailable

ColumnOf = Callable[[str], str]


@dataclass(slots=True)
class Item:
    """One record to write: what it is to be, what it is, and where its values stand."""

    draft: Draft
    values: Values
    existing: Row | None
    column_of: ColumnOf
    written: Callable[[Row], None]


class Refused(Exception):
    """Rows that cannot be written, found before anything was sent to the database."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        super().__init__(f"{len(problems)} rows cannot be written")
        self.problems = tuple(problems)


class WriteFailed(Exception):
    """A write was refused; `items` are what was being written, `cause` says why."""

    def __init__(self, items: Sequence[Item], cause: HansaError) -> None:
        super().__init__(str(cause))
        self.items = tuple(items)
        self.cause = cause


@dataclass(slots=True)
class ChunkResult:
    """What became of each draft, and of each record by entity."""

    rows: dict[int, Outcome] = field(default_factory=dict[int, Outcome])
    records: list[tuple[str, Outcome]] = field(default_factory=list[tuple[str, Outcome]])


async def write_chunk(
    unit: UnitOfWork, blueprint: Blueprint, drafts: Sequence[Draft], *, by: str | None, source: str
) -> ChunkResult:
    """Write drafts: create what is new, change what differs, leave the rest.

    The number of statements depends on the columns, not on the rows. Raises Refused or
    WriteFailed; what was written by then is the caller's to undo.
    """
    problems = await settle_references(unit, drafts, source)
    derive_external_ids(drafts)
    if by is not None:
        problems += await find_roots(unit, blueprint, drafts, by)
    else:
        problems += await find_known(unit, blueprint, drafts)
    if problems:
        raise Refused(problems)
    await find_keyed(unit, drafts)
    if by is not None:
        await find_lines(unit, blueprint, drafts)
    result = ChunkResult()
    for entity, items in _by_entity(_references(drafts)).items():
        await _write(unit, entity, items, result)
    roots = [
        Item(draft, draft.values, draft.existing, blueprint.column_of, _becomes(draft))
        for draft in drafts
    ]
    await _write(unit, blueprint.entity.name, roots, result)
    for entity, items in _by_entity(_lines(drafts)).items():
        await _write(unit, entity, items, result)
    for draft, root in zip(drafts, roots, strict=True):
        if root.existing is None:
            result.rows[draft.number] = Outcome.CREATED
        else:
            result.rows.setdefault(draft.number, Outcome.UNCHANGED)
    return result


def _references(drafts: Sequence[Draft]) -> Iterable[tuple[str, Item]]:
    """Yield the records lines refer to, those of one key once."""
    keyed: dict[object, tuple[Item, list[ReferenceDraft]]] = {}
    for draft in drafts:
        for line in draft.lines:
            for reference in line.references:
                entity = reference.plan.entity.name
                key = (entity, reference.key)
                if reference.key is not None and key in keyed:
                    item, same = keyed[key]
                    item.values.update(reference.values)
                    same.append(reference)
                    continue
                same = [reference]
                values = dict(reference.values)
                if reference.shared and reference.existing is not None:
                    values = {}  # it is used as it is
                item = Item(
                    draft,
                    values,
                    reference.existing,
                    _column_finder(reference.plan.cells),
                    _become(same),
                )
                keyed[key] = (item, same)
                yield entity, item


def _lines(drafts: Sequence[Draft]) -> Iterable[tuple[str, Item]]:
    for draft in drafts:
        for line in draft.lines:
            plan = line.plan
            assert draft.existing is not None  # the record itself is written first
            values: Values = {**line.values, plan.relation.inverse: draft.existing["id"]}
            columns = list(plan.cells)
            beyond: dict[str, str] = {}
            for reference in line.references:
                assert reference.existing is not None  # written before its line
                name = reference.plan.reference.name
                values[name] = reference.existing["id"]
                beyond[name] = reference.plan.cells[0].column
            for each in plan.references:
                beyond.setdefault(each.reference.name, each.cells[0].column)
            finder = _column_finder(columns, beyond)
            yield plan.entity.name, Item(draft, values, line.existing, finder, _becomes(line))


async def _write(unit: UnitOfWork, entity: str, items: Sequence[Item], result: ChunkResult) -> None:
    new = [item for item in items if item.existing is None]
    changed = [item for item in items if item.existing is not None and _changes(item)]
    if new:
        try:
            rows = await unit.create_rows(entity, [item.values for item in new])
        except (Busy, Unavailable):  # no row is at fault: fewer of them fare no better
            raise
        except HansaError as error:
            raise WriteFailed(new, error) from error
        for item, row in zip(new, rows, strict=True):
            item.written(row)
    if changed:
        updates = [
            RowUpdate(cast(UUID, cast(Row, item.existing)["id"]), None, _changes(item))
            for item in changed
        ]
        try:
            rows = await unit.update_rows(entity, updates)
        except (Busy, Unavailable):
            raise
        except HansaError as error:
            raise WriteFailed(changed, error) from error
        for item, row in zip(changed, rows, strict=True):
            item.written(row)
    for outcome, some in ((Outcome.CREATED, new), (Outcome.UPDATED, changed)):
        result.records.extend((entity, outcome) for _ in some)
        result.rows.update({item.draft.number: Outcome.UPDATED for item in some})
    same = len(items) - len(new) - len(changed)
    result.records.extend((entity, Outcome.UNCHANGED) for _ in range(same))


def _changes(item: Item) -> Values:
    """Return the values that differ from what is stored."""
    existing = item.existing or {}
    return {name: value for name, value in item.values.items() if existing.get(name) != value}


def _by_entity(items: Iterable[tuple[str, Item]]) -> Mapping[str, list[Item]]:
    grouped: dict[str, list[Item]] = {}
    for entity, item in items:
        grouped.setdefault(entity, []).append(item)
    return grouped


def _becomes(holder: Draft | LineDraft) -> Callable[[Row], None]:
    def note(row: Row) -> None:
        holder.existing = row

    return note


def _become(references: list[ReferenceDraft]) -> Callable[[Row], None]:
    """Later drafts of the same key join the list, so it is read when the row is there."""

    def note(row: Row) -> None:
        for reference in references:
            reference.existing = row

    return note


def _column_finder(cells: Sequence[Cell], beyond: Mapping[str, str] | None = None) -> ColumnOf:
    def find(name: str) -> str:
        return column_of(cells, name) or (beyond or {}).get(name, "")

    return find
