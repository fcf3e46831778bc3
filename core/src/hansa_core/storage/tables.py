"""SQLAlchemy Core tables of the entities of a shape."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.model.instances import put_plain
from hansa_core.model.meta import EntityMeta, FieldMeta, Kind
from hansa_core.storage.statements import TENANT_SCHEMA

_TYPES: Final[Mapping[Kind, type[sa.types.TypeEngine[Any]] | sa.types.TypeEngine[Any]]] = {
    Kind.TEXT: sa.Text,
    Kind.EMAIL: sa.Text,
    Kind.PHONE: sa.Text,
    Kind.URL: sa.Text,
    Kind.CURRENCY: sa.Text,
    Kind.ENUM: sa.Text,
    Kind.TRANSLATED: postgresql.JSONB,
    Kind.JSON: postgresql.JSONB,
    Kind.TEXT_LIST: postgresql.ARRAY(sa.Text),
    Kind.INTEGER: sa.BigInteger,
    Kind.BOOLEAN: sa.Boolean,
    Kind.DECIMAL: sa.Numeric(20, 6),
    Kind.QUANTITY: sa.Numeric(20, 6),
    Kind.MONEY: sa.Numeric(20, 4),
    Kind.DATE: sa.Date,
    Kind.INSTANT: sa.DateTime(timezone=True),
    Kind.DURATION: sa.Interval,
    Kind.UUID: sa.Uuid,
    Kind.REFERENCE: sa.Uuid,
}


def unit_column(meta: FieldMeta) -> str:
    """Return the column that holds a quantity's unit."""
    return f"{meta.column}_unit"


class Tables(Mapping[str, sa.Table]):
    """The tables statements are made of, by entity: columns alone, in the tenant placeholder.

    Each is made when it is first asked for; most of a shape's are never. The same one is given
    every time, in all threads.
    """

    def __init__(self, entities: Mapping[str, EntityMeta]) -> None:
        self._entities = entities
        self._made: dict[str, sa.Table] = {}
        # Each table is in metadata of its own, as two threads may make it at once and one of theirs
        # stays; what is kept for all tables (storage/kept.py) they share.
        self._info: dict[Any, Any] = {"kept": OrderedDict[object, object]()}

    def __getitem__(self, name: str) -> sa.Table:
        known = self._made.get(name)
        if known is not None:
            return known
        meta = self._entities[name]
        columns = [column for field in meta.stored for column in _columns(field)]
        made = sa.Table(meta.table, sa.MetaData(schema=TENANT_SCHEMA, info=self._info), *columns)
        return self._made.setdefault(name, made)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entities)

    def __len__(self) -> int:
        return len(self._entities)


def build_metadata(entities: Mapping[str, EntityMeta]) -> sa.MetaData:
    """Make the tables of all entities with their keys and indexes, in the tenant placeholder.

    Every table has a primary key, every foreign key an index (data.md). It is for migrations;
    statements are made of `Tables`.
    """
    metadata = sa.MetaData(schema=TENANT_SCHEMA)
    for meta in entities.values():
        parts: list[sa.schema.SchemaItem] = []
        for field in meta.stored:
            parts += [*_columns(field), *_constraints(field, meta, entities)]
        for names in meta.unique:
            columns = [meta.fields[name].column for name in names]
            parts.append(sa.UniqueConstraint(*columns, name=_name(meta.table, *columns, "key")))
        for names in meta.indexes:
            columns = _index_columns(meta, names)
            parts.append(sa.Index(_name(meta.table, *columns, "idx"), *columns))
        sa.Table(meta.table, metadata, *parts)
    return metadata


def column_names(meta: EntityMeta) -> Iterator[str]:
    """Yield the names of a table's columns."""
    for field in meta.stored:
        yield field.column
        if field.kind is Kind.QUANTITY:
            yield unit_column(field)


def constraint_names(meta: EntityMeta, entities: Mapping[str, EntityMeta]) -> Iterator[str]:
    """Yield the names of a table's constraints and indexes, but the primary key's."""
    for field in meta.stored:
        if field.unique:
            yield _name(meta.table, field.column, "key")
        elif _is_indexed(field, meta):
            yield _name(meta.table, field.column, "idx")
        if _refers(field, entities):
            yield _name(meta.table, field.column, "fkey")
    for names in meta.unique:
        yield _name(meta.table, *(meta.fields[name].column for name in names), "key")
    for names in meta.indexes:
        yield _name(meta.table, *_index_columns(meta, names), "idx")


def _columns(field: FieldMeta) -> list[sa.Column[Any]]:
    column: sa.Column[Any] = sa.Column(
        field.column,
        _TYPES[field.kind],
        primary_key=field.name == "id",
        nullable=field.nullable,
    )
    if field.has_default and field.default is not None:
        filled: dict[str, object] = {}
        put_plain(field, field.default, filled)
        column.info["hansa_default"] = filled[field.name]
    if field.kind is not Kind.QUANTITY:
        return [column]
    return [column, sa.Column(unit_column(field), sa.Text, nullable=field.nullable)]


def _constraints(
    field: FieldMeta, meta: EntityMeta, entities: Mapping[str, EntityMeta]
) -> list[sa.schema.SchemaItem]:
    parts: list[sa.schema.SchemaItem] = []
    if field.unique:
        parts.append(sa.UniqueConstraint(field.column, name=_name(meta.table, field.column, "key")))
    elif _is_indexed(field, meta):
        parts.append(sa.Index(_name(meta.table, field.column, "idx"), field.column))
    if _refers(field, entities):
        parts.append(
            sa.ForeignKeyConstraint(
                [field.column],
                [f"{TENANT_SCHEMA}.{entities[field.target].table}.id"],
                name=_name(meta.table, field.column, "fkey"),
                ondelete=field.on_delete.replace("_", " ").upper(),
            )
        )
    return parts


def _is_indexed(field: FieldMeta, meta: EntityMeta) -> bool:
    leads = any(names[0] == field.name for names in meta.indexes)  # such an index serves it too
    return (field.index or field.kind is Kind.REFERENCE) and not leads


def _index_columns(meta: EntityMeta, names: Sequence[str]) -> list[str]:
    return [*(meta.fields[name].column for name in names), "id"]  # the last key of any order


def _refers(field: FieldMeta, entities: Mapping[str, EntityMeta]) -> bool:
    return field.kind is Kind.REFERENCE and field.target in entities


def _name(*parts: str) -> str:
    """Name a constraint within PostgreSQL's 63 bytes, keeping the end that tells it apart."""
    return "_".join(parts)[-63:]
