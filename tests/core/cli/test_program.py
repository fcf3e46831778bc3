"""The program before any command runs: its version and help, its interruption, its cache."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from hansa_core.cli.bytecode import is_private
from tests.core.cli.conftest import environment, run_program

PROGRAM = Path(sys.executable).with_name("hansa")


def test_version_is_told_without_a_command(tmp_path: Path) -> None:
    done = run_program(tmp_path, "--version")
    assert (done.code, done.out) == (0, f"hansa {version('hansa-core')}\n")


@pytest.mark.parametrize("arguments", [("-h",), ("plugin", "-h"), ("tenant", "create", "-h")])
def test_short_help_is_the_long_one(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    short = run_program(tmp_path, *arguments)
    long = run_program(tmp_path, *arguments[:-1], "--help")
    assert (short.code, short.out) == (0, long.out)
    assert short.out.startswith("Usage: hansa")


def test_interruption_while_modules_are_imported_is_no_traceback(tmp_path: Path) -> None:
    """A module that interrupts the program while it is imported, as Ctrl-C may at any moment."""
    (tmp_path / "typer.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nfor _ in range(10**9): pass\n"
    )
    process = subprocess.run(
        [PROGRAM, "doctor"],
        env={**environment(tmp_path), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (process.returncode, process.stderr) == (128 + signal.SIGINT, "")


def compiled(tmp_path: Path, **variables: str) -> list[Path]:
    """Run the program with a cache folder in `tmp_path`; return the bytecode it left there."""
    subprocess.run(
        [PROGRAM, "--version"],
        env={
            **environment(tmp_path),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
            "PYTHONDONTWRITEBYTECODE": "1",
            **variables,
        },
        check=True,
        capture_output=True,
        timeout=60,
    )
    return list((tmp_path / "cache").rglob("*.pyc"))


def test_bytecode_is_kept_where_python_was_told_to_leave_none(tmp_path: Path) -> None:
    first = compiled(tmp_path)
    assert any(path.name.startswith("application.") for path in first)
    before = {path: path.stat().st_mtime_ns for path in first}
    time_of = {path: path.stat().st_mtime_ns for path in compiled(tmp_path)}
    assert time_of == before
    assert (tmp_path / "cache" / "hansa").stat().st_mode & 0o077 == 0


def test_bytecode_goes_where_python_was_told_to_put_it(tmp_path: Path) -> None:
    assert compiled(tmp_path, PYTHONPYCACHEPREFIX=str(tmp_path / "other")) == []


def test_no_bytecode_is_kept_where_others_could_put_their_own(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    assert compiled(tmp_path) == []


@pytest.mark.parametrize(
    ("mode", "private"), [(0o700, True), (0o755, True), (0o775, False), (0o1777, False)]
)
def test_folder_is_private_when_nobody_else_may_write(
    tmp_path: Path, mode: int, private: bool
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(mode)
    assert is_private(folder) is private


def test_link_is_not_private(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert not is_private(tmp_path / "link")
