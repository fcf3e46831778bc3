"""Running `hansa` in this process (fast) or as a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hansa_core.cli.application import build
from hansa_core.cli.options import OwnProcess
from hansa_core.testing.databases import fresh_database


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


Hansa = Callable[..., Ran]


def environment(home: Path, database_url: str | None = None) -> dict[str, str]:
    """The variables of a command: this process's without any HANSA_ of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HANSA_")}
    given = {"HANSA_DATABASE_URL": database_url} if database_url else {}
    return {**kept, "HANSA_HOME": str(home), **given}


def run_in(
    home: Path,
    database_url: str | None,
    *arguments: str,
    typed: str = "",
    own: OwnProcess | None = None,
) -> Ran:
    """Run a command in this process."""
    variables: dict[str, str | None] = {name: None for name in os.environ if name[:6] == "HANSA_"}
    variables.update(environment(home, database_url))
    result = CliRunner().invoke(build(), arguments, input=typed, env=variables, obj=own)
    return Ran(result.exit_code, result.stdout, result.stderr)


def run_program(home: Path, *arguments: str, database_url: str | None = None) -> Ran:
    """Run a command as a program of its own."""
    program = Path(sys.executable).with_name("hansa")
    done = subprocess.run(
        [program, *arguments],
        env=environment(home, database_url),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def own_database(postgres_url: str) -> Iterator[str]:
    """The owner's address of a database that only the commands use."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli") / "home"


@pytest.fixture(scope="session")
def hansa(own_database: str, home: Path) -> Hansa:
    """Run commands on an installation that `hansa init` set up."""
    done = run_in(home, own_database, "init", "--json")
    assert done.code == 0, done.err

    def run(*arguments: str, typed: str = "") -> Ran:
        return run_in(home, own_database, *arguments, typed=typed)

    return run
