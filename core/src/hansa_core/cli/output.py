"""What commands print: sentences and tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDTH_WITHOUT_TERMINAL: Final = 200


def say(text: str = "", *, style: str = "") -> None:
    """Print a line, never wrapped: keys and paths are copied from it."""
    _console().print(Text(text, style=style), soft_wrap=True)


def note(text: str) -> None:
    """Print a remark beside the result, where it disturbs no program."""
    _console(stderr=True).print(Text(text, style="dim"), soft_wrap=True)


def complain(message: str, next_step: str = "") -> None:
    """Print what went wrong, and what to do now."""
    console = _console(stderr=True)
    console.print(Text(message, style="bold red"), soft_wrap=True)
    if next_step:
        console.print(Text(next_step), soft_wrap=True)


def say_json(value: object) -> None:
    """Print a value as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n")


def say_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their names."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    _console().print(table)


def say_rows(rows: Sequence[Mapping[str, object]], *, as_json: bool, none: str) -> None:
    """Print a list: JSON, a table, or the sentence `none` when there is nothing in it."""
    if as_json:
        say_json(rows)
    elif rows:
        names = list(rows[0])
        say_table(
            [name.replace("_", " ").capitalize() for name in names],
            [[_cell(row[name]) for name in names] for row in rows],
        )
    else:
        say(none)


def on_terminal() -> bool:
    """Tell whether a person watches."""
    return sys.stderr.isatty()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(part) for part in value)  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType]  # any plain value prints
    return value


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
