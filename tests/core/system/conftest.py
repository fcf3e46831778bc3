"""One database for all tests of this folder; each test adds people of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.core.auth.office import Office, open_office


@pytest.fixture(scope="session")
async def office(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    async with open_office(postgres_url, tmp_path_factory.mktemp("home")) as made:
        yield made
