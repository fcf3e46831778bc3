"""A kernel behind a real web server, and clients that listen to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from hansa_core.plugins.discovery import installed_plugins
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import Platform, open_platform
from hansa_core.testing.server import WebServer, open_server
from tests.core.live.watch import PLUGIN


@pytest.fixture(scope="module")
async def platform(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Platform]:
    """A kernel on a database of this module's own, so that its sealer minds no other test."""
    with fresh_database(postgres_url) as url:
        home = tmp_path_factory.mktemp("home")
        async with open_platform(url, home, {**installed_plugins(), "watch": PLUGIN}) as opened:
            yield opened


@pytest.fixture(scope="module")
async def web(platform: Platform) -> AsyncGenerator[WebServer]:
    """The web server of that kernel, with its sealer."""
    async with open_server(platform.runtime) as server:
        yield server
