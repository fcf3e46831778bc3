"""What one row of the file becomes: the record, its lines, the records referred to on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hansa_core.model.meta import EntityMeta, FieldMeta, Kind, ManyMeta
from hansa_core.model.shape import Shape
from hansa_core.transfer.columns import ColumnStyle
from hansa_core.transfer.mapping import ColumnMapping, MappedColumn
from hansa_core.transfer.source import BrokenRow, SourceRow
from hansa_core.transfer.targets import Fixed
from hansa_core.transfer.values import ValueReader
from hansa_sdk import Invalid

STYLED: frozenset[Kind] = frozenset(
    {Kind.INTEGER, Kind.DECIMAL, Kind.MONEY, Kind.QUANTITY, Kind.DATE, Kind.INSTANT}
)
"""Kinds whose cells are read by what the whole column shows."""

EXTERNAL_ID: Final = "external_id"
"""The field that holds a record's id in the system or file it came from."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A column that is a field of one record; `reader` turns its texts to values."""

    index: int
    column: str
    field: FieldMeta
    reader: ValueReader


@dataclass(frozen=True, slots=True)
class LookUpPlan:
    """A reference of the record found by a field of what it refers to: `party.external_id`."""

    reference: FieldMeta
    cell: Cell


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """A record a line refers to, made on the way. `shared` ones are found by a unique field."""

    reference: FieldMeta
    entity: EntityMeta
    fixed: Fixed
    cells: tuple[Cell, ...]

    @property
    def shared(self) -> Cell | None:
        """The cell that tells which existing record is meant, if a unique field is mapped."""
        return next((cell for cell in self.cells if cell.field.unique), None)


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One owned line of each record; `name` is unique: `phones`, `phones[kind=fax]`, `phones/2`."""

    name: str
    relation: ManyMeta
    entity: EntityMeta
    fixed: Fixed
    cells: tuple[Cell, ...]
    references: tuple[ReferencePlan, ...]


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All that the columns of a file say about one entity's record."""

    entity: EntityMeta
    cells: tuple[Cell, ...]
    look_ups: tuple[LookUpPlan, ...]
    lines: tuple[LinePlan, ...]
    constants: Mapping[str, object] = field(default_factory=dict[str, object])

    @property
    def key(self) -> str:
        """The field that tells records of one source apart, where a column says it; else ""."""
        unique = any({*names} == {"source", EXTERNAL_ID} for names in self.entity.unique)
        return EXTERNAL_ID if unique and column_of(self.cells, EXTERNAL_ID) else ""

    @property
    def missing(self) -> tuple[FieldMeta, ...]:
        """The fields every new record needs and no column or constant says."""
        said = {cell.field.name for cell in self.cells} | {*self.constants}
        said |= {plan.reference.name for plan in self.look_ups}
        return tuple(each for each in self.entity.stored if each.required and each.name not in said)

    @property
    def records_per_row(self) -> int:
        """How many records one row makes at the most."""
        return 1 + sum(1 + len(line.references) for line in self.lines)

    def column_of(self, name: str) -> str:
        """Return the column of a field of the record itself, "" when none is mapped."""
        return column_of(self.cells, name) or next(
            (plan.cell.column for plan in self.look_ups if plan.reference.name == name), ""
        )


def column_of(cells: Iterable[Cell], name: str) -> str:
    """Return the column mapped to a field, "" when none is."""
    return next((cell.column for cell in cells if cell.field.name == name), "")


def make_blueprint(
    shape: Shape,
    entity: EntityMeta,
    mapping: ColumnMapping,
    styles: Mapping[int, ColumnStyle],
    constants: Mapping[str, object],
) -> Blueprint:
    """Group mapped columns by the record they belong to. Raises Invalid for contradictions."""
    own: list[Cell] = []
    look_ups: list[LookUpPlan] = []
    groups: dict[tuple[str, Fixed, int], list[MappedColumn]] = {}
    for each in mapping.columns:
        target = each.target
        if target.relation is not None:
            key = (target.relation.name, target.relation_fixed, target.place)
            groups.setdefault(key, []).append(each)
        elif target.reference is not None:
            look_ups.append(LookUpPlan(target.reference, _cell(each, styles)))
        else:
            own.append(_cell(each, styles))
    twice = {plan.reference.name for plan in look_ups} & {cell.field.name for cell in own}
    if twice or len({plan.reference.name for plan in look_ups}) < len(look_ups):
        names = ", ".join(sorted(twice or {plan.reference.name for plan in look_ups}))
        raise Invalid(
            f"More than one column says what {names} of {entity.name} refers to.",
            next_step="Map one of them only.",
        )
    lines = tuple(_line(shape, key, columns, styles) for key, columns in groups.items())
    return Blueprint(entity, tuple(own), tuple(look_ups), lines, constants)


def see_styles(
    mapping: ColumnMapping, rows: Iterable[SourceRow | BrokenRow]
) -> tuple[int, dict[int, ColumnStyle]]:
    """Read the file once: return how many rows it has, and what its columns show."""
    styles = {
        each.index: ColumnStyle() for each in mapping.columns if each.target.field.kind in STYLED
    }
    count = 0
    for row in rows:
        count += 1
        if isinstance(row, SourceRow):
            for index, style in styles.items():
                style.see(row.cells[index])
    return count, styles


def _line(
    shape: Shape,
    key: tuple[str, Fixed, int],
    columns: Sequence[MappedColumn],
    styles: Mapping[int, ColumnStyle],
) -> LinePlan:
    relation = columns[0].target.relation
    assert relation is not None  # only columns of a relation are grouped
    direct = [each for each in columns if each.target.reference is None]
    beyond: dict[str, list[MappedColumn]] = {}
    for each in columns:
        if each.target.reference is not None:
            beyond.setdefault(each.target.reference.name, []).append(each)
    for each in direct:
        if each.target.field.name in beyond:
            raise Invalid(
                f"Columns {each.column!r} and {beyond[each.target.field.name][0].column!r} both "
                f"say what {relation.name}.{each.target.field.name} refers to.",
                next_step="Map one of them only.",
            )
    _, fixed, place = key
    inside = ",".join(f"{name}={value}" for name, value in fixed)
    return LinePlan(
        name=relation.name + (f"[{inside}]" if inside else "") + (f"/{place}" if place > 1 else ""),
        relation=relation,
        entity=shape.entity(relation.target),
        fixed=fixed,
        cells=tuple(_cell(each, styles) for each in direct),
        references=tuple(_reference(columns, styles) for columns in beyond.values()),
    )


def _reference(columns: Sequence[MappedColumn], styles: Mapping[int, ColumnStyle]) -> ReferencePlan:
    first = columns[0].target
    assert first.reference is not None  # only columns beyond a reference come here
    fixed: dict[str, object] = {}
    for each in columns:
        for name, value in each.target.reference_fixed:
            if fixed.setdefault(name, value) != value:
                raise Invalid(
                    f"Column {each.column!r} fixes {name} to {value}, another column of the same "
                    f"record to {fixed[name]}.",
                    next_step="Fix it once, or to the same value.",
                )
    cells = tuple(_cell(each, styles) for each in columns)
    return ReferencePlan(first.reference, first.holder, tuple(sorted(fixed.items())), cells)


def _cell(each: MappedColumn, styles: Mapping[int, ColumnStyle]) -> Cell:
    reader = ValueReader(each.target.field, styles.get(each.index))
    return Cell(each.index, each.column, each.target.field, reader)
