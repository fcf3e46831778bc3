"""Giving way: an import rests between two chunks while others work on the same database."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from hansa_core.storage.database import Database

REST_SECONDS_MAX: Final = 2.0
_LOOKS: Final = 3
_LOOK_EVERY_SECONDS: Final = 0.005
_OTHERS_AT_WORK: Final = """
SELECT count(*) AS at_work FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user
  AND pid <> pg_backend_pid() AND state = 'active'
"""


async def give_way(database: Database, worked_seconds: float) -> float:
    """Rest as long as the last chunk took when others are at work; return the seconds rested.

    Alone on the database nobody is kept waiting, so the import does not wait either. It looks a
    few times, because a write of a few milliseconds is easily missed.
    """
    async with database.connection() as connection:
        for _ in range(_LOOKS):
            rows = await connection.fetch(_OTHERS_AT_WORK)
            if cast(int, rows[0]["at_work"]):
                break
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
        else:
            return 0.0
    rest = min(worked_seconds, REST_SECONDS_MAX)
    await asyncio.sleep(rest)
    return rest
