"""Projections: the columns a selection needs of one table, and the node made of each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias, cast
from uuid import UUID

import sqlalchemy as sa

from hansa_core.model.instances import to_record
from hansa_core.model.meta import EntityMeta, FieldMeta, Kind, ManyMeta
from hansa_core.model.paths import unknown_name
from hansa_core.query.conditions import unit_column
from hansa_core.query.plan import RefSelection, Selection
from hansa_core.query.predicates import SqlCompiler
from hansa_core.query.rollups import rollup_column
from hansa_sdk import Entity, Invalid, Link, Money, Quantity, Translated

Row: TypeAlias = Mapping[str, object]
Node: TypeAlias = dict[str, object]
Column: TypeAlias = sa.ColumnElement[Any]  # a column of whatever SQL type


class Projection:
    """Collects the columns of one statement under short names, each once."""

    def __init__(self, compiler: SqlCompiler, entity: str, table: sa.FromClause) -> None:
        self.compiler = compiler
        self.table = table
        self.meta: EntityMeta = compiler.shape.entities[entity]
        self._names: dict[str, str] = {}
        self.columns: list[sa.Label[Any]] = []  # of whatever SQL type
        self.id = self.take("id", table.c.id)

    def take(self, key: str, column: Column) -> str:
        """Add a column unless `key` is there, and return its name in the rows."""
        if key not in self._names:
            self._names[key] = f"c{len(self._names)}"
            self.columns.append(column.label(self._names[key]))
        return self._names[key]

    def stored(self, name: str) -> str:
        """Add a column of the table as it is stored."""
        return self.take(f"={name}", self.table.c[name])

    def row(self) -> Callable[[Row], dict[str, object]]:
        """Add every stored field; return what makes the record's row of plain values."""
        names: dict[str, str] = {}
        for field in self.meta.stored:
            names[field.name] = self.stored(field.column)
            if field.kind is Kind.QUANTITY:
                unit = unit_column(field)
                names[unit] = self.stored(unit)
        return lambda row: {name: row[label] for name, label in names.items()}

    def value(self, name: str) -> Callable[[Row], object]:
        """Add what one field needs; return what reads its value.

        Raises Invalid for a name that is no field, CurrencyMismatch for a roll-up of amounts.
        """
        field = self.meta.fields.get(name)
        if field is None:
            raise _no_field(self.meta, name)
        if field.compute is not None:
            return self._computed(field)
        if field.rollup is not None:
            figure = rollup_column(self.compiler, self.meta, field, self.table)
            label = self.take(name, figure)
        elif field.kind is Kind.REFERENCE:
            route = self.compiler.reference(self.meta.name, field, self.table)
            label = self.take(name, route)
        else:
            label = self.stored(field.column)
        if field.kind is Kind.QUANTITY and field.stored:
            unit = self.stored(unit_column(field))
            return lambda row: _quantity(row[label], row[unit])
        return lambda row: row[label]

    def _computed(self, field: FieldMeta) -> Callable[[Row], object]:
        whole, compute = self.row(), field.compute
        assert compute is not None
        return lambda row: _plain_result(compute(to_record(self.meta, whole(row))))


class NodeMaker:
    """Makes nodes of a selection from the rows of one statement; references are put in later."""

    def __init__(self, projection: Projection, selection: Selection) -> None:
        self.projection = projection
        self._fields = [(each.key, projection.value(each.name)) for each in selection.fields]
        self.references: list[tuple[RefSelection, FieldMeta, str]] = []
        for each in selection.references:
            field = projection.meta.fields.get(each.name)
            if field is None or field.kind is not Kind.REFERENCE:
                raise _no_field(projection.meta, each.name)
            self.references.append((each, field, projection.stored(field.column)))

    def make(self, row: Row) -> Node:
        """Make the node of one row, its references and relations still missing."""
        return {key: read(row) for key, read in self._fields}


def relation_of(meta: EntityMeta, name: str) -> ManyMeta:
    """Return a relation by name; raises Invalid with near names."""
    found = meta.relations.get(name)
    if found is None:
        raise _no_field(meta, name)
    return found


def ids_in(rows: Sequence[Row], label: str) -> list[UUID]:
    """Return the ids in one column, each once, in the rows' order."""
    return list(dict.fromkeys(cast(UUID, row[label]) for row in rows if row[label] is not None))


def _quantity(value: object, unit: object) -> Quantity | None:
    return None if value is None else Quantity(cast(Decimal, value), str(unit))


def _plain_result(value: object) -> object:
    """Return what a computed field answered as a plain value."""
    match value:
        case Money():
            return value.value
        case Enum():
            return cast(object, value.value)
        case Translated():
            return dict(value.texts)
        case Link():
            return cast("Link[object]", value).id
        case Entity():
            return value.id
        case _:
            return value


def _no_field(meta: EntityMeta, name: str) -> Invalid:
    if name in meta.fields or name in meta.relations:
        return Invalid(
            f"{meta.name}.{name} is asked as another kind of field than it is.", path=(name,)
        )
    return unknown_name(meta, name)
