"""An import rests while others work on the database, and not when it is alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from hansa_core.storage.database import Database
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import installed_of, open_platform
from hansa_core.testing.waiting import eventually
from hansa_core.transfer.manners import REST_SECONDS_MAX, give_way


@asynccontextmanager
async def busy(database: Database) -> AsyncGenerator[None]:
    """Keep one other connection at work."""
    async with database.connection() as connection:
        working = asyncio.create_task(connection.fetch("SELECT pg_sleep(3)"))
        yield
        await working


async def test_import_rests_only_while_others_work(postgres_url: str, tmp_path: Path) -> None:
    with fresh_database(postgres_url) as url:
        async with open_platform(url, tmp_path, installed_of([])) as platform:
            database = platform.runtime.database
            assert await give_way(database, 1.0) == 0.0
            async with busy(database):

                async def rested() -> bool:
                    return await give_way(database, 0.2) == 0.2

                await eventually(rested, what="a rest")
                assert await give_way(database, 60.0) == REST_SECONDS_MAX
