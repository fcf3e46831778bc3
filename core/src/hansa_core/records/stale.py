"""The answer to a write on an old version: who changed what since."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.model.meta import EntityMeta
from hansa_core.storage.statements import TENANT_SCHEMA
from hansa_core.storage.transaction import Row, Session
from hansa_sdk import Stale

_EVENTS = sa.table(
    "system_event",
    sa.column("entity"),
    sa.column("record_id", sa.Uuid),
    sa.column("record_version", sa.Integer),
    sa.column("actor_id", sa.Uuid),
    sa.column("body"),
    schema=TENANT_SCHEMA,
)
_USERS = sa.table("system_user", sa.column("id", sa.Uuid), sa.column("name"), schema=TENANT_SCHEMA)
_EVENTS_MAX = 50


async def stale_error(session: Session, meta: EntityMeta, row: Row, version: int) -> Stale:
    """Build the error from the record's newer events: names of people and fields, no values."""
    return (await stale_errors(session, meta, [(row, version)]))[0]


async def stale_errors(
    session: Session, meta: EntityMeta, stale: Sequence[tuple[Row, int]]
) -> list[Stale]:
    """Build the errors of records with the versions given for them, by one statement for all."""
    old = {
        cast(UUID, row["id"]): version
        for row, version in stale
        if version <= cast(int, row["version"])
    }
    events = await _events_since(session, meta, old) if old else {}
    return [
        _changed(meta, row, version, events.get(cast(UUID, row["id"]), []))
        if row["id"] in old
        else _yet_to_come(meta, row, version)
        for row, version in stale
    ]


async def _events_since(
    session: Session, meta: EntityMeta, versions: Mapping[UUID, int]
) -> dict[UUID, list[Row]]:
    """Return who changed what of each record since its version, at most 50 changes of each."""
    ids = sa.literal(list(versions), postgresql.ARRAY(sa.Uuid))
    numbers = sa.literal(list(versions.values()), postgresql.ARRAY(sa.Integer))
    given = (
        sa.func.unnest(ids, numbers)
        .table_valued(sa.column("id", sa.Uuid), sa.column("version", sa.Integer), name="given")
        .render_derived()
    )
    since = (
        sa.select(_EVENTS.c.record_version, _EVENTS.c.actor_id, _EVENTS.c.body)
        .where(
            _EVENTS.c.entity == meta.name,
            _EVENTS.c.record_id == given.c.id,
            _EVENTS.c.record_version > given.c.version,
        )
        .order_by(_EVENTS.c.record_version)
        .limit(sa.literal_column(str(_EVENTS_MAX), sa.Integer))
        .lateral("since")
    )
    rows = await session.fetch(
        sa.select(given.c.id, _USERS.c.name, since.c.body)
        .select_from(
            given.join(since, sa.true()).outerjoin(_USERS, _USERS.c.id == since.c.actor_id)
        )
        .order_by(given.c.id, since.c.record_version)
    )
    found: dict[UUID, list[Row]] = {}
    for row in rows:
        found.setdefault(cast(UUID, row["id"]), []).append(row)
    return found


def _yet_to_come(meta: EntityMeta, row: Row, version: int) -> Stale:
    return Stale(
        f"This {meta.label.lower()} has version {row['version']}; {version} is yet to come.",
        next_step="Read it again and give the version you read.",
        path=("version",),
        params={"version": row["version"], "given": version},
    )


def _changed(meta: EntityMeta, row: Row, version: int, events: Sequence[Row]) -> Stale:
    people = sorted({str(event["name"] or "the system") for event in events})
    fields: set[str] = set()
    for event in events:
        fields.update(json.loads(cast(bytes, event["body"])).get("after", {}))
    known = sorted(name for name in fields if name in meta.fields)
    who = f" by {', '.join(people)}" if people else ""
    labels = ", ".join(meta.fields[name].label.lower() for name in known)
    what = f": {labels}" if labels else ""
    return Stale(
        f"This {meta.label.lower()} was changed{who} since you read it{what}.",
        next_step="Read it again and repeat your change on the new version.",
        path=("version",),
        params={"version": row["version"], "given": version, "by": people, "fields": known},
    )
