"""From errors to sentences and exit codes: 0 done, 1 the work failed, 2 a mistake, 130 Ctrl-C."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Final

import typer
import typer.core

from hansa_core.cli.output import complain
from hansa_core.clock import SystemClock
from hansa_core.settings import Settings, make_home
from hansa_sdk import HansaError

WORK_FAILED: Final = 1
MISTAKE: Final = 2
INTERRUPTED: Final = 130


class HansaGroup(typer.core.TyperGroup):
    """Runs a command so that a person's mistake is a sentence and never a traceback."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own context, by its public name
        """Run the chosen command; raises typer.Exit with the right code."""
        try:
            return super().invoke(ctx)
        except HansaError as error:
            complain(error.message, error.next_step)
            raise typer.Exit(MISTAKE) from None
        except (KeyboardInterrupt, typer.Abort):
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.BadParameter):
            raise
        except BrokenPipeError:  # `hansa ... | head`
            raise typer.Exit(WORK_FAILED) from None
        except Exception as error:
            if type(error).__module__.startswith("typer."):  # a wrong option: typer tells it
                raise
            _unexpected(error)
            raise typer.Exit(WORK_FAILED) from None


def _unexpected(error: Exception) -> None:
    """Tell of a mistake in Hansa itself, with the place of its traceback."""
    settings = Settings.read()
    if settings.debug:
        traceback.print_exc()
        return
    text = "".join(traceback.format_exception(error))
    message = f"Hansa itself failed: {type(error).__name__}: {error}".rstrip(".") + "."
    try:
        path = _written(settings.home, text)
    except (OSError, HansaError):
        complain(message, "Set HANSA_DEBUG=1 and try again to see where.")
        return
    complain(message, f"The details are in {path}; HANSA_DEBUG=1 shows them here.")


def _written(home: Path, text: str) -> Path:
    folder = home / "logs"
    make_home(home)
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"failure-{SystemClock().now():%Y%m%dT%H%M%S%f}.log"
    path.write_text(f"{' '.join(sys.argv[:2])}\n{text}", encoding="utf-8")
    path.chmod(0o600)
    return path
