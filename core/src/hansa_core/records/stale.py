"""The answer to a write on an old version: who changed what since."""

from __future__ import annotations

import json
from typing import cast

import sqlalchemy as sa

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
    if version > cast(int, row["version"]):
        return Stale(
            f"This {meta.label.lower()} has version {row['version']}; {version} is yet to come.",
            next_step="Read it again and give the version you read.",
            path=("version",),
            params={"version": row["version"], "given": version},
        )
    events = await session.fetch(
        sa.select(_USERS.c.name, _EVENTS.c.body)
        .select_from(_EVENTS.outerjoin(_USERS, _USERS.c.id == _EVENTS.c.actor_id))
        .where(
            _EVENTS.c.entity == meta.name,
            _EVENTS.c.record_id == row["id"],
            _EVENTS.c.record_version > version,
        )
        .order_by(_EVENTS.c.record_version)
        .limit(_EVENTS_MAX)
    )
    people = sorted({str(event["name"] or "the system") for event in events})
    fields: set[str] = set()
    for event in events:
        fields.update(json.loads(cast(bytes, event["body"])).get("after", {}))
    known = sorted(name for name in fields if name in meta.fields)
    who = f" by {', '.join(people)}" if people else ""
    what = f": {', '.join(known)}" if known else ""
    return Stale(
        f"This {meta.label.lower()} was changed{who} since you read it{what}.",
        next_step="Read it again and repeat your change on the new version.",
        path=("version",),
        params={"version": row["version"], "given": version, "by": people, "fields": known},
    )
