"""A kernel with the probe plugin, and short ways to write with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast
from uuid import UUID

import sqlalchemy as sa

from hansa_core.caller import Caller
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.platform import Platform
from hansa_core.testing.waiting import eventually

Row = Mapping[str, object]
_WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def create(kernel: Platform, caller: Caller, entity: str, *rows: Row) -> list[Row]:
    async def work(unit: UnitOfWork) -> list[Row]:
        return [*await unit.create_rows(entity, rows)]

    return await kernel.runtime.write(caller, work)


async def update(kernel: Platform, caller: Caller, entity: str, *changes: RowUpdate) -> list[Row]:
    async def work(unit: UnitOfWork) -> list[Row]:
        return [*await unit.update_rows(entity, changes)]

    return await kernel.runtime.write(caller, work)


async def delete(kernel: Platform, caller: Caller, entity: str, *ids: UUID) -> None:
    async def work(unit: UnitOfWork) -> None:
        await unit.delete_rows(entity, [(id, None) for id in ids])

    await kernel.runtime.write(caller, work)


async def events(kernel: Platform, caller: Caller) -> list[dict[str, object]]:
    table = kernel.runtime.events.event
    async with kernel.runtime.database.transaction(caller.tenant, read_only=True) as session:
        rows = await session.fetch(sa.select(table.c.body).order_by(table.c.id))
    return [json.loads(cast(bytes, row["body"])) for row in rows]


async def events_since(
    kernel: Platform, caller: Caller, before: int
) -> list[tuple[object, dict[str, object]]]:
    found = (await events(kernel, caller))[before:]
    return [(event["type"], cast("dict[str, object]", event.get("after", {}))) for event in found]


def id_of(row: Row) -> UUID:
    return cast(UUID, row["id"])


async def until_somebody_waits(kernel: Platform) -> None:
    """Wait until a backend of this database waits for a lock."""
    with owner_engine(kernel.owner_url) as engine:

        async def waiting() -> int:
            with engine.connect() as connection:
                return int(connection.scalar(_WAITING) or 0)

        await eventually(waiting, what="a wait for a lock")
