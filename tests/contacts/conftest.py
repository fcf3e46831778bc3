"""The company that tests of contacts act on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from hansa_core.clock import FixedClock
from tests.contacts.tenant import Company, open_company


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
async def company(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, now: datetime
) -> AsyncIterator[Company]:
    home = tmp_path_factory.mktemp("home")
    company = await open_company(database_url, home, FixedClock(now))
    yield company
    await company.runtime.close()
