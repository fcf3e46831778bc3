"""Code in a README runs, so it cannot grow old.

A block fenced as ```` ```python run ```` is executed; the blocks of one file share their names, as
a reader goes through them from top to bottom. A block that cannot run here is fenced as
```` ```python sketch ````: it must at least be Python. A bare ```` ```python ```` is refused, so
that leaving a sample untested is a decision. Other languages are left alone.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from tests.docs.samples import Block, blocks_of

ROOT = Path(__file__).parents[2]
READMES: Sequence[str] = (
    "README.md",
    "core/README.md",
    "sdk/README.md",
    *(each.relative_to(ROOT).as_posix() for each in sorted(ROOT.glob("plugins/*/README.md"))),
)


@pytest.mark.parametrize("name", READMES)
def test_samples_run(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    blocks = [block for block in _python(name) if block.info == "python run"]
    monkeypatch.chdir(tmp_path)
    page = ModuleType("readme")
    monkeypatch.setitem(sys.modules, page.__name__, page)
    for block in blocks:
        tree = ast.parse(block.code, str(block.path))
        ast.increment_lineno(tree, block.line - 1)
        exec(compile(tree, str(block.path), "exec"), vars(page))  # noqa: S102  # our own samples are the input
    assert not blocks or any(not each.startswith("__") for each in vars(page))


@pytest.mark.parametrize("name", READMES)
def test_samples_say_whether_they_run(name: str) -> None:
    undecided = [
        f"{name}:{block.line}: fence it as 'python run' or 'python sketch', not '{block.info}'"
        for block in _python(name)
        if block.info not in ("python run", "python sketch")
    ]
    assert not undecided, "\n".join(undecided)


@pytest.mark.parametrize("name", READMES)
def test_sketches_are_python(name: str) -> None:
    for block in _python(name):
        assert ast.parse(block.code, f"{name}:{block.line}").body, f"{name}:{block.line} is empty"


def test_blocks_are_found_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# A page\n\n```python run\na = 1\nb = 2\n```\ntext\n\n````sh\n```\n````\n")

    first, second = blocks_of(path)

    assert (first.line, first.info, first.code) == (4, "python run", "a = 1\nb = 2\n")
    assert (second.language, second.code) == ("sh", "```\n")


def _python(name: str) -> list[Block]:
    return [block for block in blocks_of(ROOT / name) if block.language == "python"]
