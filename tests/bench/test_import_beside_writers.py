"""What an import costs people who work meanwhile: `pytest -m bench -s tests/bench` prints it.

The import is `hansa import`, a process of its own; the writers are in the server's process, with
its sealer. Rounds without and with it alternate, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from pathlib import Path
from typing import Final

import pytest

from hansa_core.events.sealer import unsealed_age
from hansa_core.plugins.discovery import installed_plugins
from hansa_core.testing.commands import finished, start_hansa
from hansa_core.testing.counting import Count
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import Platform, open_platform
from hansa_core.testing.server import open_server
from hansa_core.testing.writers import Writers
from tests.bench.companies import write_companies

ROUNDS: Final = 3
RATIO_MIN: Final = 0.7
PEOPLE: Final = 8
ROWS: Final = 5000

pytestmark = pytest.mark.bench


@pytest.mark.timeout(900)
async def test_writers_keep_their_rate_beside_an_import(
    postgres_url: str, tmp_path: Path, count: Count
) -> None:
    seconds = count.asked("seconds_load")
    with fresh_database(postgres_url) as url:
        opened = open_platform(url, tmp_path / "home", installed_plugins())
        async with opened as platform, open_server(platform.runtime):
            tenant = await platform.tenant("contacts", slug="main")
            writers = Writers(
                platform.runtime,
                await platform.user(tenant, "contacts.editor"),
                "contacts.party",
                create={"name": "Walk-in customer"},
                change={"notes": "came back"},
            )
            ratios: list[float] = []
            async with writers.at_work(PEOPLE):
                await asyncio.sleep(1)  # everything compiled and cached
                before = await alone(writers, seconds)
                for number in range(ROUNDS):
                    file = write_companies(tmp_path / f"round{number}.csv", ROWS)
                    writers.longest_seconds = 0
                    async with writers.rate() as beside:
                        took = await import_file(platform, file)
                    slowest = writers.longest_seconds
                    after = await alone(writers, seconds)
                    ratios.append(beside[0] / statistics.mean((before, after)))
                    print(
                        f"\nround {number + 1}: {before:,.0f}/s before, {beside[0]:,.0f}/s beside,"
                        f" {after:,.0f}/s after ({ratios[-1]:.0%}); slowest {slowest:.2f} s;"
                        f" import {took}",
                        end="",
                    )
                    before = after
            async with platform.runtime.database.transaction(tenant) as session:
                waits = await unsealed_age(session, platform.runtime.events)
    count.ran(seconds)
    print(f"\nmedian {statistics.median(ratios):.0%} of the rate without; unsealed {waits:.2f} s")
    assert statistics.median(ratios) >= RATIO_MIN


async def alone(writers: Writers, seconds: float) -> float:
    """Return the rate with nothing beside them."""
    async with writers.rate() as rate:
        await asyncio.sleep(seconds)
    return rate[0]


async def import_file(platform: Platform, file: Path) -> str:
    """Import a file as `hansa import` does; say how long it ran and how long it computed."""
    before, started = (
        resource.getrusage(resource.RUSAGE_CHILDREN),
        asyncio.get_running_loop().time(),
    )
    words = ("--entity", "contacts.party", "--by", "external_id", "--json")
    done = await finished(await start_hansa(platform, "import", str(file), *words))
    assert done.code == 0, done.err
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = time.perf_counter() - started
    return f"{ran:.1f} s, its own processor time {after.ru_utime - before.ru_utime:.1f} s"
