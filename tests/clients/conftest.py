"""A company behind a real web server, and the programs of others that are held against it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from hansa_core.plugins.discovery import installed_plugins
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.directory import DEFAULT_SLUG
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import Platform, open_platform
from hansa_core.testing.server import open_server

HERE: Final = Path(__file__).parent
_INSTALL_SECONDS: Final = 300
_UNREACHABLE: Final = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH")


@dataclass(frozen=True)
class Office:
    """A company that is reached at `url` with `key`, whose owner may do everything."""

    platform: Platform
    tenant: Tenant
    url: str
    key: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What a program is told of it."""
        return {"HANSA_URL": self.url, "HANSA_KEY": self.key}


@pytest.fixture(scope="session")
async def office(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """The company of this folder's tests: the one that every name of the machine means."""
    with fresh_database(postgres_url) as database:
        home = tmp_path_factory.mktemp("home")
        async with open_platform(database, home, installed_plugins()) as platform:
            tenant = await platform.tenant("crm", slug=DEFAULT_SLUG)
            key = await platform.key(await platform.user(tenant, "system.administrator"))
            async with open_server(platform.runtime) as server:
                url = f"http://127.0.0.1:{server.port}/graphql"
                yield Office(platform, tenant, url, key)


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with our programs for Node and all they stand on, as package-lock.json says."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("clients") / "clients"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"]
    installed = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
    )
    if any(code in installed.stderr for code in _UNREACHABLE):
        pytest.skip(f"npm does not reach its registry: {installed.stderr[-500:]}")
    assert installed.returncode == 0, installed.stderr
    return folder


async def ran(folder: Path, *command: str, environment: Mapping[str, str] | None = None) -> str:
    """Return what a program prints; raises AssertionError with all of it where it fails."""
    own = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_COLOR": "1", **(environment or {})}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=own,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = await process.communicate()
    output = printed.decode()
    assert process.returncode == 0, f"{command}: {output}{complaints.decode()}"
    return output
