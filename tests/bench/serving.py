"""Our server for the benchmark kit: `load` makes its company, `serve` answers for it.

Both act on the database named in HANSA_DATABASE_URL (made anew by `load`) and keep the key that
the kit's requests carry in HANSA_HOME. The server is what `hansa serve` starts; only the plugin is
named here instead of being found among the installed ones.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from hansa_core.cli.running import run_forever
from hansa_core.listening import listen
from hansa_core.server import serve
from hansa_core.settings import Settings
from hansa_core.tenants.databases import drop_database, ensure_database
from hansa_core.testing.platform import installed_of, open_platform
from tests.bench.kit_data import load, make_people
from tests.bench.plugin import plugin

_MAKER: Final = "bench"
_SLUG: Final = "main"


def main() -> None:
    """Run `load KIT` or `serve --port N`."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("load").add_argument("kit", type=Path, help="the kit's folder")
    commands.add_parser("serve").add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    settings = Settings.read()
    url = settings.database_url
    assert url is not None, "set HANSA_DATABASE_URL"
    if options.command == "load":
        asyncio.run(make_company(url, settings.home, options.kit))
    else:
        gc.freeze()  # as the program does
        run_forever(answer(url, settings.home, options.port))


async def make_company(url: str, home: Path, kit: Path) -> None:
    """Make the database anew, with the company, its people, the kit's rows and the caller's key."""
    name = sa.make_url(url).database
    assert name is not None
    server = sa.make_url(url).set(database="postgres").render_as_string(hide_password=False)
    drop_database(server, name, made_by=_MAKER)
    ensure_database(server, name, made_by=_MAKER)
    async with open_platform(url, home, installed_of([plugin])) as platform:
        tenant = await platform.tenant("bench", slug=_SLUG)
        caller = await make_people(platform, tenant)
        await asyncio.to_thread(load, url, tenant, generated(kit))
        (home / "caller.json").write_text(
            json.dumps({"user": str(caller.user_id), "key": caller.key}), encoding="ascii"
        )


def generated(kit: Path) -> list[str]:
    """Return the lines of the kit's COPY script."""
    command = [sys.executable, str(kit / "data" / "gen.py")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines(keepends=True)


async def answer(url: str, home: Path, port: int) -> None:
    """Serve the company on a loopback port until told to stop."""
    installed = installed_of([plugin])
    with closing(listen("127.0.0.1", port)) as listening:
        async with open_platform(url, home, installed) as platform:
            await serve(platform.runtime, listening)


if __name__ == "__main__":
    main()
