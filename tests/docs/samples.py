"""The samples of the documentation: fenced blocks of Markdown, examples in docstrings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FENCE: Final = re.compile(
    r"^(?P<ticks>```+)(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=ticks)\s*$", re.M | re.S
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `line` is its first line of code, `info` what stands after the ticks."""

    path: Path
    line: int
    info: str
    code: str

    @property
    def language(self) -> str:
        """The first word of `info`."""
        return self.info.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Documented:
    """A name a module defines at its top, with the docstring it has there (or an empty one)."""

    name: str
    path: Path
    line: int
    docstring: str
    constant: bool = False


def blocks_of(path: Path) -> Sequence[Block]:
    """Return every fenced block of a Markdown file."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(path, text.count("\n", 0, found.start()) + 2, found["info"].strip(), found["code"])
        for found in _FENCE.finditer(text)
    ]


def documented_in(path: Path) -> Iterator[Documented]:
    """Yield the top-level names of a module; a constant's docstring is the string after it."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield Documented(node.name, path, node.lineno, ast.get_docstring(node) or "")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield Documented(target.id, path, node.lineno, _string(following), True)


def _string(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value if isinstance(node.value.value, str) else ""
    return ""
