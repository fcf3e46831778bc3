"""One statement of a plan: PostgreSQL writes the JSON of the answer, relation by relation.

Each record is one `json_build_object`, a reference a scalar subquery in it, a relation a page
aggregated in one. The number of statements does not depend on what is asked, nor on the rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import aggregate_order_by

from hansa_core.model.meta import EntityMeta, FieldMeta, Kind, ManyMeta
from hansa_core.model.paths import unknown_name
from hansa_core.query.conditions import unit_column
from hansa_core.query.connections import Connection
from hansa_core.query.groups import GroupRequest, Groups
from hansa_core.query.late import Late, Nonce
from hansa_core.query.lists import Listing
from hansa_core.query.pages import PAGE_DEFAULT, PAGE_NESTED_DEFAULT
from hansa_core.query.places import ComputedPlace, Opened, Site
from hansa_core.query.plan import (
    TYPENAME,
    FieldSelection,
    Item,
    ManySelection,
    PageRequest,
    PartsSelection,
    RefSelection,
    Selection,
)
from hansa_core.query.predicates import SqlCompiler
from hansa_core.query.spelling import spelt
from hansa_sdk import Invalid
from hansa_sdk.predicates import Everything

Column: TypeAlias = sa.ColumnElement[Any]  # a column of whatever SQL type

_KEYS_AT_ONCE: Final = 45
"""Entries of one json_build_object: a function takes 100 arguments."""
_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Composer:
    """Composes the statement of one plan.

    `sites` are the places Python fills in its answer, `cursors` those that pages start at.
    """

    def __init__(self, compiler: SqlCompiler) -> None:
        self.compiler = compiler
        self.sites: list[Site] = []
        self.cursors: list[Opened] = []
        self._nonce = sa.literal(Nonce(), sa.Text())

    def record(self, entity: str, id: UUID | Late, selection: Selection) -> Column:
        """Return the JSON of one record, null where there is none to see."""
        table = self.compiler.shape.table(entity).alias()
        query = sa.select(self.object(entity, table, selection)).where(
            table.c.id == sa.literal(id, sa.Uuid()), *self.compiler.seen(entity, table)
        )
        return query.scalar_subquery()

    def first(self, asked: Sequence[tuple[str, Selection]], id: UUID | Late) -> Column:
        """Return the JSON of the record among these entities, null where none is to see.

        The database looks into one entity after the other, and into none once it is found.
        """
        if not asked:
            return sa.null()
        return sa.func.coalesce(*(self.record(entity, id, what) for entity, what in asked))

    def records(self, entity: str, ids: list[UUID] | Late, selection: Selection) -> Column:
        """Return the JSON array of records in the order of their ids, null where none is to see."""
        table = self.compiler.shape.table(entity).alias()
        array = sa.literal(ids, postgresql.ARRAY(sa.Uuid()))
        numbered = sa.func.unnest(array).table_valued("id", with_ordinality="nth", name="given")
        given = numbered.render_derived()
        record = (
            sa.select(self.object(entity, table, selection))
            .where(table.c.id == given.c.id, *self.compiler.seen(entity, table))
            .correlate(given)
            .scalar_subquery()
        )
        ordered = aggregate_order_by(record, given.c.nth)
        listed = sa.func.coalesce(sa.func.json_agg(ordered), sa.literal_column("'[]'::json"))
        return sa.select(listed).select_from(given).scalar_subquery()

    def page(self, entity: str, request: PageRequest) -> Column:
        """Return the JSON of a page of an entity's records."""
        listing = Listing(self.compiler, entity, request, PAGE_DEFAULT)
        return Connection(self, entity, listing, request).json()

    def groups(self, entity: str, request: GroupRequest) -> Column:
        """Return the JSON of groups of an entity's records."""
        return Groups(self, entity, request).json()

    def mark(self, site: Site, *values: Column) -> Column:
        """Return the mark of a place that Python fills from `values`."""
        self.sites.append(site)
        number: Column = sa.literal_column(str(len(self.sites) - 1))
        return sa.func.json_build_object(self._nonce, json_array(number, *values))

    def entries(self, entries: Sequence[tuple[str, Column]]) -> Column:
        """Return a JSON object of named values."""
        return json_object(entries)

    def object(self, entity: str, table: sa.FromClause, selection: Selection) -> Column:
        """Return the JSON object of what is selected of the rows of `table`."""
        meta = self.compiler.shape.entities[entity]
        return json_object([(item.key, self._item(meta, table, item)) for item in selection.items])

    def _item(self, meta: EntityMeta, table: sa.FromClause, item: Item) -> Column:
        match item:
            case FieldSelection():
                return self._value(meta, table, item.name)
            case PartsSelection():
                return self._parts(meta, table, item)
            case RefSelection():
                return self._reference(meta, table, item)
            case ManySelection():
                return self._relation(meta, table, item)

    def _value(self, meta: EntityMeta, table: sa.FromClause, name: str) -> Column:
        if name == TYPENAME:
            return constant(meta.type_name)
        field = field_of(meta, name)
        if field.compute is not None:
            return self._computed(meta, table, field)
        if field.kind is Kind.QUANTITY:
            both = (("value", "value"), ("unit", "unit"))
            return self._parts(meta, table, PartsSelection(name, name, both))
        if field.kind is Kind.REFERENCE:
            return self.compiler.reference(meta.name, field, table)
        return spelt(field, self.compiler.column(meta.name, name, table))

    def _parts(self, meta: EntityMeta, table: sa.FromClause, item: PartsSelection) -> Column:
        field = field_of(meta, item.name)
        value = self.compiler.column(meta.name, field.name, table)
        unit = self.compiler.column(meta.name, unit_column(field), table)
        found = {"value": spelt(field, value), "unit": unit, TYPENAME: constant("Quantity")}
        parts = json_object([(key, found[name]) for key, name in item.parts])
        return sa.case((value.is_not(None), parts))

    def _computed(self, meta: EntityMeta, table: sa.FromClause, field: FieldMeta) -> Column:
        names: list[str] = []
        columns: list[Column] = []
        for stored in meta.stored:
            masked = self.compiler.hides(meta.name, stored.name)
            column = sa.null() if masked else self.compiler.column(meta.name, stored.name, table)
            names.append(stored.name)
            raw = stored.kind is Kind.ENUM or masked
            columns.append(column if raw else spelt(stored, column))
            if stored.kind is Kind.QUANTITY:
                unit = unit_column(stored)
                names.append(unit)
                columns.append(
                    sa.null() if masked else self.compiler.column(meta.name, unit, table)
                )
        marked = self.mark(
            ComputedPlace(meta, field, tuple(names), self.compiler.masks_any(meta.name)), *columns
        )
        condition = self.compiler.unmasked(meta.name, field.name, table)
        return marked if condition is None else sa.case((condition, marked))

    def _reference(self, meta: EntityMeta, table: sa.FromClause, item: RefSelection) -> Column:
        field = field_of(meta, item.name)
        if field.kind is not Kind.REFERENCE:
            raise _another_kind(meta, item.name)
        column = self.compiler.column(meta.name, field.name, table)
        return self.referred(field, column, table, item.selection)

    def referred(
        self, field: FieldMeta, column: Column, table: sa.FromClause, selection: Selection
    ) -> Column:
        """Return the JSON of the record that a column of `table` refers to, null for none."""
        target = self.compiler.shape.table(field.target).alias()
        if self._says_all(field.target, selection):
            keys = [(each.key, column) for each in selection.items]
            return sa.case((column.is_not(None), json_object(keys)))
        query = sa.select(self.object(field.target, target, selection)).where(
            target.c.id == column, *self.compiler.seen(field.target, target)
        )
        return query.correlate(table).scalar_subquery()

    def _says_all(self, entity: str, selection: Selection) -> bool:
        """Tell whether the reference itself answers: only ids of records that all may be seen."""
        items = selection.items
        ids = all(isinstance(item, FieldSelection) and item.name == "id" for item in items)
        visible = self.compiler.visible
        return ids and (visible is None or isinstance(visible(entity), Everything))

    def _relation(self, meta: EntityMeta, table: sa.FromClause, item: ManySelection) -> Column:
        relation = relation_of(meta, item.name)
        listing = Listing(self.compiler, relation.target, item.page, PAGE_NESTED_DEFAULT)
        shown = self.compiler.unmasked(relation.target, relation.inverse, listing.table)
        own = [listing.table.c[relation.inverse] == table.c.id]
        if shown is not None:
            own.append(shown)
        name = f"{meta.name}.{relation.name}"
        connection = Connection(self, relation.target, listing, item.page, name)
        return connection.json(table, own, (item.key,))


def json_object(entries: Sequence[tuple[str, Column]]) -> Column:
    """Return a JSON object; one with many keys is joined of several, as functions take 100
    arguments."""
    chunks = [
        _built(entries[start : start + _KEYS_AT_ONCE])
        for start in range(0, max(len(entries), 1), _KEYS_AT_ONCE)
    ]
    if len(chunks) == 1:
        return chunks[0]
    return _joined([sa.cast(chunk, sa.Text()) for chunk in chunks])


def json_array(*values: Column) -> Column:
    """Return a JSON array of at most a thousand values."""
    if len(values) <= 2 * _KEYS_AT_ONCE:
        return sa.func.json_build_array(*values, type_=sa.JSON())
    half = len(values) // 2
    parts = (json_array(*values[:half]), json_array(*values[half:]))
    return _joined([sa.cast(part, sa.Text()) for part in parts])


def _joined(texts: Sequence[Column]) -> Column:
    """Return objects, or arrays, as one: the brackets between them become commas."""
    less: Column = sa.literal_column("-1")
    joined: Column = sa.func.left(texts[0], less)
    for text in texts[1:-1]:
        inner: Column = sa.func.left(sa.func.right(text, less), less)
        joined = joined.op("||")(constant(", ")).op("||")(inner)
    last: Column = sa.func.right(texts[-1], less)
    return sa.cast(joined.op("||")(constant(", ")).op("||")(last), sa.JSON())


def constant(text: str) -> Column:
    """Return a text as part of the statement: a name of ours, never a value."""
    assert re.fullmatch(r"[A-Za-z0-9_ ,.]*", text), text
    return sa.literal_column(f"'{text}'", sa.Text())


def _built(entries: Sequence[tuple[str, Column]]) -> Column:
    arguments: list[Column] = []
    for key, column in entries:
        assert _KEY.fullmatch(key), key
        arguments += (constant(key), column)
    return sa.func.json_build_object(*arguments, type_=sa.JSON())


def field_of(meta: EntityMeta, name: str) -> FieldMeta:
    """Return a field by name; raises Invalid with near names."""
    found = meta.fields.get(name)
    if found is None:
        raise _another_kind(meta, name)
    return found


def relation_of(meta: EntityMeta, name: str) -> ManyMeta:
    """Return a relation by name; raises Invalid with near names."""
    found = meta.relations.get(name)
    if found is None:
        raise _another_kind(meta, name)
    return found


def _another_kind(meta: EntityMeta, name: str) -> Invalid:
    if name in meta.fields or name in meta.relations:
        return Invalid(
            f"{meta.name}.{name} is asked as another kind of field than it is.", path=(name,)
        )
    return unknown_name(meta, name)
