"""What commands print: sentences and tables for people, JSON for programs."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH_WITHOUT_TERMINAL: Final = 200
_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
"""What moves the cursor, colours, retitles or turns the order around; texts come from strangers."""


def shown(text: str) -> str:
    """Return a text as it may go to a terminal: a mark in place of each control character.

    >>> shown("Ada\\x1b[31m")
    'Ada\ufffd[31m'
    """
    return _CONTROLS.sub("\ufffd", text)


def say(text: str = "", *, style: str = "") -> None:
    """Print a line, never wrapped: keys and paths are copied from it."""
    _print(text, style, sys.stdout)


def note(text: str) -> None:
    """Print a remark beside the result, where it disturbs no program."""
    _print(text, "dim", sys.stderr)


def complain(message: str, next_step: str = "") -> None:
    """Print what went wrong, and what to do now."""
    _print(message, "bold red", sys.stderr)
    if next_step:
        _print(next_step, "", sys.stderr)


def say_json(value: object) -> None:
    """Print a value as JSON."""
    text = json.dumps(value, indent=2, default=str, ensure_ascii=False)
    sys.stdout.write(_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def say_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under their names."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(shown(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else shown(str(cell))) for cell in row))
    _console(sys.stdout).print(table)


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


def _print(text: str, style: str, stream: TextIO) -> None:
    if not stream.isatty():  # no colours: rich, which takes long to import, has nothing to add
        print(shown(text), file=stream, flush=True)
        return
    from rich.text import Text

    _console(stream).print(Text(shown(text), style=style), soft_wrap=True)


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
