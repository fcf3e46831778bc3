"""SQLAlchemy Core tables of the entities of a shape."""

from __future__ import annotations

from collections.abc import Mapping
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


def build_tables(entities: Mapping[str, EntityMeta]) -> tuple[sa.MetaData, dict[str, sa.Table]]:
    """Make one MetaData with a table per entity, in the tenant placeholder schema.

    Every table has a primary key, every foreign key an index (data.md).
    """
    metadata = sa.MetaData(schema=TENANT_SCHEMA)
    tables = {name: _table(metadata, meta, entities) for name, meta in entities.items()}
    return metadata, tables


def _table(metadata: sa.MetaData, meta: EntityMeta, entities: Mapping[str, EntityMeta]) -> sa.Table:
    parts: list[sa.schema.SchemaItem] = []
    for field in meta.stored:
        parts.extend(_columns(field, meta, entities))
    for names in meta.unique:
        columns = [meta.fields[name].column for name in names]
        parts.append(sa.UniqueConstraint(*columns, name=_name(meta.table, *columns, "key")))
    for names in meta.indexes:
        columns = [*(meta.fields[name].column for name in names), "id"]  # the last key of any order
        parts.append(sa.Index(_name(meta.table, *columns, "idx"), *columns))
    return sa.Table(meta.table, metadata, *parts)


def _columns(
    field: FieldMeta, meta: EntityMeta, entities: Mapping[str, EntityMeta]
) -> list[sa.schema.SchemaItem]:
    parts: list[sa.schema.SchemaItem] = []
    leads = any(names[0] == field.name for names in meta.indexes)  # such an index serves it too
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
    parts.append(column)
    if field.kind is Kind.QUANTITY:
        parts.append(sa.Column(unit_column(field), sa.Text, nullable=field.nullable))
    if field.unique:
        parts.append(sa.UniqueConstraint(field.column, name=_name(meta.table, field.column, "key")))
    elif (field.index or field.kind is Kind.REFERENCE) and not leads:
        parts.append(sa.Index(_name(meta.table, field.column, "idx"), field.column))
    if field.kind is Kind.REFERENCE and field.target in entities:
        parts.append(
            sa.ForeignKeyConstraint(
                [field.column],
                [f"{TENANT_SCHEMA}.{entities[field.target].table}.id"],
                name=_name(meta.table, field.column, "fkey"),
                ondelete=field.on_delete.replace("_", " ").upper(),
            )
        )
    return parts


def _name(*parts: str) -> str:
    """Name a constraint within PostgreSQL's 63 bytes, keeping the end that tells it apart."""
    return "_".join(parts)[-63:]
