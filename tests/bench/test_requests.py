"""What our server computes per request beside the same reads written by hand over asyncpg.

`uv run pytest -m bench -s tests/bench/test_requests.py` prints processor time per request and the
ratios. Both answer in this process on the same tables, a few hundred requests in turn, so whatever
else the machine does meets both. Ours is the whole application short of the HTTP parser, with
sign-in, policy, limits and cursors; by hand nothing is parsed but the body and nobody signs in.
Of writes it prints ours, that of the database's processes, and how often both talk to each other.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, cast

import asyncpg
import pytest

from tests.bench.company import BenchCompany, open_company
from tests.bench.handwritten import operation
from tests.bench.kit_requests import Json, comparable
from tests.bench.kit_sample import STAGES, sample

ROUNDS: Final = 7
REQUESTS: Final = 300
"""Of each side in a round."""

PARAMETERS: Final[dict[str, list[Sequence[Json]]]] = {
    "Q1": [[number * 157 % 10_000 + 1] for number in range(64)],
    "Q2": [[stage, f"{amount}.00"] for stage in STAGES for amount in (20_000, 50_000, 80_000)],
    "Q3": [[stage] for stage in STAGES],
    "Q5": [[8_950 + 3 * number] for number in range(32)],
}

_BACKENDS: Final = """SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend'"""

pytestmark = pytest.mark.bench


@pytest.fixture(scope="session")
async def full_company(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[BenchCompany]:
    """The company with as many records as the kit has."""
    script = sample(companies=2_000, contacts=10_000, deals=20_000, activities=60_000)
    home = tmp_path_factory.mktemp("home")
    async with open_company(postgres_url, home, script) as opened:
        await opened.learn_cursors(9_100)
        yield opened


@pytest.mark.timeout(600)
@pytest.mark.parametrize("workload", PARAMETERS)
async def test_processor_time_of_requests_beside_reads_by_hand(
    full_company: BenchCompany, workload: str
) -> None:
    given = PARAMETERS[workload]
    ours = [full_company.request(workload, values) for values in given]
    by_hand = [operation(workload, values) for values in given]
    answer = json.loads(await full_company.handwritten.answer(by_hand[0]))["data"]
    expected = comparable(workload, answer)
    assert comparable(workload, await full_company.ask(workload, given[0])) == expected
    await spent(full_company.post, ours)  # everything compiled, cached and prepared
    await spent(full_company.handwritten.answer, by_hand)
    gc.collect()
    microseconds: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        server = await spent(full_company.post, ours)
        hand = await spent(full_company.handwritten.answer, by_hand)
        microseconds.append((server, hand))
    ratio = statistics.median(server / hand for server, hand in microseconds)
    server, hand = (min(side) for side in zip(*microseconds, strict=True))
    print(f"\n{workload}: {server:.0f} us ours, {hand:.0f} us by hand, ratio {ratio:.1f}", end="")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("workload", "requests"), [("M1", 300), ("M2", 20)])
async def test_processor_time_of_writes(
    full_company: BenchCompany, workload: str, requests: int
) -> None:
    people = [contact(number) for number in range(100)]
    given = [[person] for person in people] if workload == "M1" else [[people]]
    ours = [full_company.request(workload, values) for values in given]
    sent: list[str] = []
    async with full_company.platform.runtime.database.connection() as connection:
        server = [int(str(row["pid"])) for row in await connection.fetch(_BACKENDS)]
        cast("asyncpg.Connection[asyncpg.Record]", connection).add_query_logger(
            lambda record: sent.append(record.query)
        )
    await spent(full_company.post, ours, requests)  # as above
    sent.clear()
    gc.collect()
    microseconds: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        before = processor_time_of(server)
        python = await spent(full_company.post, ours, requests)
        microseconds.append((python, (processor_time_of(server) - before) / requests))
    python, database = (min(side) for side in zip(*microseconds, strict=True))
    each = len(sent) / (ROUNDS * requests)
    print(
        f"\n{workload}: {python:.0f} us ours, {database:.0f} us PostgreSQL's, {each:.1f} exchanges",
        end="",
    )


def contact(number: int) -> Json:
    """Return a contact as the kit creates them."""
    return {
        "companyId": number % 2_000 + 1,
        "firstName": f"New{number}",
        "lastName": "Person",
        "name": f"New{number} Person",
        "email": f"new{number}@example.com",
        "phone": "+49 30 123456",
        "title": "Buyer",
    }


def processor_time_of(processes: Sequence[int]) -> float:
    """Return the microseconds that processes of Linux computed so far."""
    read = (Path(f"/proc/{process}/schedstat").read_text() for process in processes)
    return sum(int(text.split()[0]) for text in read) / 1000


async def spent(
    answer: Callable[[bytes], Awaitable[bytes]], bodies: Sequence[bytes], requests: int = REQUESTS
) -> float:
    """Return the processor time of a request in microseconds, of this process alone."""
    start = time.process_time()
    for number in range(requests):
        await answer(bodies[number % len(bodies)])
    return (time.process_time() - start) / requests * 1e6
