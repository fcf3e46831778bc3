"""What the declared tables need and a tenant's schema lacks: tables and columns by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from hansa_core.model.shape import Shape
from hansa_core.storage.tables import build_metadata, column_names
from hansa_core.system.tables import kernel_tables
from hansa_sdk.errors import Misconfigured

_COLUMNS: Final = sa.text(
    "SELECT relname, attname FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace"
    " JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped"
    " WHERE n.nspname = :schema AND relkind IN ('r', 'p')"
)
_NAMES_SHOWN_MAX: Final = 10


def missing_columns(
    connection: sa.Connection, schema: str, shape: Shape
) -> dict[str, tuple[str, ...]]:
    """Return by plugin what `schema` lacks of a shape: whole tables, or columns (table.column)."""
    there: dict[str, set[str]] = defaultdict(set)
    for table, column in connection.execute(_COLUMNS, {"schema": schema}):
        there[str(table)].add(str(column))
    missing: dict[str, list[str]] = defaultdict(list)
    for plugin, table, columns in _declared(shape):
        if table not in there:
            missing[plugin].append(table)
            continue
        lacking = [name for name in columns if name not in there[table]]
        missing[plugin].extend(f"{table}.{name}" for name in lacking)
    return {plugin: tuple(names) for plugin, names in missing.items() if names}


def lacks(missing: Mapping[str, Sequence[str]]) -> Misconfigured:
    """Return the error for what `missing_columns` found; it is not raised here."""
    parts = [f"{', '.join(_some(names))} (plugin {plugin})" for plugin, names in missing.items()]
    commands = [f"`hansa plugin makemigrations {plugin}`" for plugin in missing]
    return Misconfigured(
        f"The migrations do not make what the declarations need: {'; '.join(parts)}.",
        next_step=f"Run {', '.join(commands)} where the plugin is developed, then `hansa migrate`.",
    )


def _some(names: Sequence[str]) -> list[str]:
    shown = list(names[:_NAMES_SHOWN_MAX])
    return shown if len(names) <= len(shown) else [*shown, f"{len(names) - len(shown)} more"]


def declared_tables(shape: Shape) -> sa.MetaData:
    """Return the shape's tables and the kernel's own, in metadata of this call only."""
    metadata = build_metadata(shape.entities)
    kernel_tables(metadata)
    return metadata


def _declared(shape: Shape) -> Iterator[tuple[str, str, list[str]]]:
    """Yield each table that is declared: its plugin, its name and those of its columns."""
    for meta in shape.entities.values():
        yield meta.plugin, meta.table, list(column_names(meta))
    own = sa.MetaData()
    kernel_tables(own)
    for table in own.tables.values():
        yield "system", table.name, list(table.columns.keys())
