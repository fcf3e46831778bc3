"""Unique keys of rows: which stored records have the keys of given rows, in one statement each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.caller import Caller
from hansa_core.model.meta import EntityMeta
from hansa_core.query.predicates import SqlCompiler
from hansa_core.records.database_errors import taken
from hansa_core.records.prepare import Row
from hansa_core.records.statements import kept_statement, row_from
from hansa_core.storage.statements import Statement
from hansa_core.storage.transaction import Session
from hansa_sdk import Duplicate

Key = tuple[str, ...]
"""The fields that together are unique; ("id",) for the record's own id."""

BY_ID: Final[Key] = ("id",)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def keys_of(meta: EntityMeta) -> tuple[Key, ...]:
    """Return an entity's unique keys beside its id."""
    single = tuple((field.name,) for field in meta.stored if field.unique and not field.system)
    return (*single, *(names for names in meta.unique if len(names) > 1 or names not in single))


def key_value(row: Mapping[str, object], key: Key) -> tuple[object, ...] | None:
    """Return a row's values of a key; None where one is missing, for then it meets no other."""
    values = tuple(row.get(name) for name in key)
    return None if None in values else values


@dataclass(frozen=True, slots=True)
class Keys:
    """Looks for an entity's records by their unique keys."""

    session: Session
    caller: Caller
    meta: EntityMeta

    async def matching(
        self, compiler: SqlCompiler, key: Key, rows: Mapping[int, Mapping[str, object]]
    ) -> dict[int, Row]:
        """Return the stored rows that have the keys of `rows`, by the same positions.

        What the caller (`compiler`'s) does not see, row or field, is not there. Raises HiddenField
        for a field he sees on no row.
        """
        given = {at: row for at, row in rows.items() if key_value(row, key) is not None}
        name, table = self.meta.name, self.caller.shape.table(self.meta.name)
        columns = [compiler.column(name, each, table) for each in key]
        if not given:
            return {}
        source = self._source(key)
        query = sa.select(source.c["__at"], table).where(
            *(column == source.c[each] for column, each in zip(columns, key, strict=True)),
            *compiler.seen(name, table),
        )
        found = await self.session.fetch(query, {"keys": _document(key, given)})
        return {cast(int, row["__at"]): row_from(self.meta, row) for row in found}

    async def taken(
        self, key: Key, rows: Mapping[int, Mapping[str, object]]
    ) -> dict[int, Duplicate]:
        """Return an error for each row whose key another record has, or an earlier row."""
        given = {at: row for at, row in rows.items() if key_value(row, key) is not None}
        if not given:
            return {}
        errors: dict[int, Duplicate] = {}
        first: dict[object, int] = {}
        for at, row in given.items():
            if first.setdefault(key_value(row, key), at) != at:
                errors[at] = self.duplicate(key, row)
        found = await self.session.fetch(self._taken(key), {"keys": _document(key, given)})
        for each in found:
            at = cast(int, each["at"])
            errors[at] = self.duplicate(key, given[at])
        return errors

    def _taken(self, key: Key) -> Statement:
        table = self.caller.shape.table(self.meta.name)

        def make() -> sa.Executable:
            source = self._source(key)
            return sa.select(source.c["__at"].label("at")).where(
                *(table.c[self.meta.fields[name].column] == source.c[name] for name in key),
                table.c.id.is_distinct_from(source.c["__id"]),
            )

        return kept_statement(table, ("taken", *key), make)

    def duplicate(self, key: Key, row: Mapping[str, object]) -> Duplicate:
        """Return the error for a key that is taken, in the words of `database_errors`."""
        value = ", ".join(str(row.get(name)) for name in key)
        return taken(self.caller, self.meta, key, value)

    def _source(self, key: Key) -> sa.TableValuedAlias:
        table = self.caller.shape.table(self.meta.name)
        own = [name for name in key if name != "id"]
        typed = [sa.column(name, table.c[self.meta.fields[name].column].type) for name in own]
        ids = [sa.column("id", sa.Uuid)] if "id" in key else []
        document = sa.cast(sa.bindparam("keys", type_=sa.Text), postgresql.JSONB)
        return (
            sa.func.jsonb_to_recordset(document)
            .table_valued(sa.column("__at", sa.Integer), sa.column("__id", sa.Uuid), *ids, *typed)
            .render_derived(name="source", with_types=True)
        )


def _document(key: Key, rows: Mapping[int, Mapping[str, object]]) -> str:
    plain = [
        {"__at": at, "__id": cast("UUID | None", row.get("id")), **{n: row[n] for n in key}}
        for at, row in rows.items()
    ]
    return _ENCODER.encode(plain).decode()
