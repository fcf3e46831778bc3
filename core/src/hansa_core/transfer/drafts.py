"""Rows of the file as records to be: checked values, nothing looked up yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hansa_core.model.instances import put_plain
from hansa_core.model.meta import FieldMeta, Kind
from hansa_core.records.values import check_value
from hansa_core.transfer.blueprint import Blueprint, Cell, LinePlan, ReferencePlan
from hansa_core.transfer.report import RowProblem
from hansa_core.transfer.source import SourceRow
from hansa_core.transfer.values import CellError, ReferenceText
from hansa_sdk import HansaError

Values = dict[str, object]
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """A reference not yet looked up: the record of `entity` whose `field` is `value`.

    With `field` empty the value is an id or whatever else names a record of the entity.
    """

    entity: str
    field: str
    value: object
    column: str
    text: str


@dataclass(slots=True)
class ReferenceDraft:
    """A record a line refers to; `existing` is what the database has of it.

    `key` is equal for two drafts that mean one record; a `shared` one is used as it is.
    """

    plan: ReferencePlan
    values: Values
    key: tuple[object, ...] | None = None
    shared: bool = False
    existing: Row | None = None


@dataclass(slots=True)
class LineDraft:
    """An owned line; a line of empty cells says nothing and is not drafted."""

    plan: LinePlan
    values: Values
    references: list[ReferenceDraft]
    existing: Row | None = None


@dataclass(slots=True)
class Draft:
    """One row of the file."""

    row: SourceRow
    values: Values
    lines: list[LineDraft] = field(default_factory=list[LineDraft])
    existing: Row | None = None

    @property
    def number(self) -> int:
        """The row's number."""
        return self.row.number


def draft_row(blueprint: Blueprint, row: SourceRow) -> tuple[Draft, list[RowProblem]]:
    """Read every mapped cell of a row; all that is wrong with them is returned beside."""
    problems: list[RowProblem] = []
    values = _values(blueprint.cells, row, problems)
    for look_up in blueprint.look_ups:
        cell, reference = look_up.cell, look_up.reference
        value = _values((cell,), row, problems).get(cell.field.name)
        if value is not None:
            text = row.cells[cell.index]
            value = Asked(reference.target, cell.field.name, value, cell.column, text)
        values[reference.name] = value
    draft = Draft(row, {**blueprint.constants, **values})
    for plan in blueprint.lines:
        references = [
            _reference(each, row, problems)
            for each in plan.references
            if _says_something(each.cells, row)
        ]
        if references or _says_something(plan.cells, row):
            line = {**dict(plan.fixed), **_values(plan.cells, row, problems)}
            draft.lines.append(LineDraft(plan, line, references))
    return draft, problems


def drafted_records(blueprint: Blueprint, row: SourceRow) -> int:
    """Return how many records `draft_row` makes of a row, without reading its values."""
    count = 1
    for plan in blueprint.lines:
        references = sum(_says_something(each.cells, row) for each in plan.references)
        if references or _says_something(plan.cells, row):
            count += 1 + references
    return count


def _reference(plan: ReferencePlan, row: SourceRow, problems: list[RowProblem]) -> ReferenceDraft:
    draft = ReferenceDraft(plan, {**dict(plan.fixed), **_values(plan.cells, row, problems)})
    shared = plan.shared
    if shared is not None and draft.values.get(shared.field.name) is not None:
        draft.shared = True
        draft.key = (shared.field.name, draft.values[shared.field.name])
    return draft


def _says_something(cells: Iterable[Cell], row: SourceRow) -> bool:
    return any(row.cells[cell.index] != "" for cell in cells)


def _values(cells: Sequence[Cell], row: SourceRow, problems: list[RowProblem]) -> Values:
    values: Values = {}
    for cell in cells:
        text = row.cells[cell.index]
        try:
            value = cell.reader.read(text)
            if isinstance(value, ReferenceText):
                values[cell.field.name] = Asked(cell.field.target, "", value, cell.column, text)
            else:
                put_checked(cell.field, value, values)
        except CellError as error:
            problems.append(RowProblem(row.number, cell.column, text, f"{error}."))
        except HansaError as error:
            problems.append(RowProblem(row.number, cell.column, text, str(error)))
    return values


def put_checked(meta: FieldMeta, value: object, values: Values) -> None:
    """Put a value as the API would: checked, an empty one as the field's default.

    Raises Invalid for one the field does not take.
    """
    if value is None and not meta.nullable and meta.has_default:
        put_plain(meta, meta.default, values)
    elif meta.kind is Kind.QUANTITY and isinstance(value, tuple):
        amount, unit = value  # pyright: ignore[reportUnknownVariableType]  # ValueReader's pair
        values[meta.name] = check_value(meta, amount)  # pyright: ignore[reportUnknownArgumentType]  # as above
        values[f"{meta.name}_unit"] = str(unit)  # pyright: ignore[reportUnknownArgumentType]  # as above
    else:
        values[meta.name] = check_value(meta, value)
