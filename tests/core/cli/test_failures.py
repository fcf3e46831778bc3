"""What happens to errors: sentences, codes, and a file for what nobody expected."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from hansa_core.cli.failures import HansaGroup
from hansa_sdk import Busy


def program(error: BaseException) -> typer.Typer:
    app = typer.Typer(cls=HansaGroup, pretty_exceptions_enable=False, rich_markup_mode=None)

    def fail() -> None:
        raise error

    app.callback()(lambda: None)
    app.command("fail")(fail)
    return app


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Busy("It is busy.", next_step="Wait."), 2, "It is busy.\nWait.\n"),
        (KeyboardInterrupt(), 130, ""),
        (typer.Abort(), 130, ""),
        (typer.Exit(1), 1, ""),
    ],
)
def test_error_ends_with_its_code(error: BaseException, code: int, said: str) -> None:
    result = CliRunner().invoke(program(error), ["fail"])
    assert (result.exit_code, result.stderr) == (code, said)


def test_unexpected_error_goes_to_a_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    result = CliRunner().invoke(
        program(RuntimeError("a mistake")), ["fail"], env={"HANSA_HOME": str(home)}
    )
    (log,) = (home / "logs").iterdir()
    assert result.exit_code == 1
    assert str(log) in result.stderr
    assert "Traceback" not in result.stderr
    assert "RuntimeError: a mistake" in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o077 == 0


def test_unexpected_error_is_shown_when_asked_for(tmp_path: Path) -> None:
    variables = {"HANSA_HOME": str(tmp_path / "home"), "HANSA_DEBUG": "1"}
    result = CliRunner().invoke(program(RuntimeError("a mistake")), ["fail"], env=variables)
    assert (result.exit_code, "Traceback" in result.stderr) == (1, True)
    assert not (tmp_path / "home").exists()
