"""The repository's Python files, parsed once for the tests that police them."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DISTRIBUTIONS: Final = ("core", "sdk", "plugins/*")
_NOT_OURS: Final = frozenset({".venv", "__pycache__", "vendor", "node_modules"})
_WRONG_ON_PURPOSE: Final = "tests/typing/mistakes/"


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: `path` is relative to the root, `module` as it is imported."""

    path: str
    text: str = field(repr=False)
    tree: ast.Module = field(repr=False)

    @property
    def generated(self) -> bool:
        """Whether Alembic wrote it."""
        return "/migrations/versions/" in self.path

    @property
    def tested(self) -> bool:
        """Whether it belongs to a distribution (and not to the tests)."""
        return not self.path.startswith("tests/")

    @property
    def module(self) -> str:
        """The dotted name the file is imported as."""
        inside = self.path.partition("/src/")[2] or self.path
        parts = inside.removesuffix(".py").split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        """The distribution's import name, `tests` for a test."""
        return self.module.partition(".")[0]

    def imports(self) -> Iterator[tuple[int, str]]:
        """Yield the line and full dotted name of everything imported, typing-only too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node.lineno, alias.name
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    yield node.lineno, f"{node.module}.{alias.name}"

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Yield every call with the dotted name it is written with (`` where it has none)."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, dotted(node.func)

    def comments(self) -> Iterator[tuple[int, str]]:
        """Yield the line and text of every comment."""
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string

    def at(self, line: int, complaint: str) -> str:
        """Return a sentence that names the place."""
        return f"{self.path}:{line}: {complaint}"


def parse(path: Path, root: Path = ROOT) -> Source:
    """Return one file parsed."""
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(root).as_posix(), text, ast.parse(text, str(path)))


def distribution_folders(root: Path = ROOT) -> Sequence[Path]:
    """Return the folder of every workspace member."""
    found = [folder for pattern in DISTRIBUTIONS for folder in sorted(root.glob(pattern))]
    return [folder for folder in found if (folder / "pyproject.toml").is_file()]


def read_sources(root: Path = ROOT) -> Sequence[Source]:
    """Return every Python file of the distributions and of the tests."""
    folders = [folder / "src" for folder in distribution_folders(root)]
    files = [path for folder in (*folders, root / "tests") for path in sorted(folder.rglob("*.py"))]
    sources = [parse(path, root) for path in files if not _NOT_OURS & set(path.parts)]
    return [source for source in sources if not source.path.startswith(_WRONG_ON_PURPOSE)]


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for a chain of names, an empty string for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def listed(complaints: Sequence[str]) -> str:
    """Return complaints as one message, all of them at once."""
    return "\n".join(("", *complaints))


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Return whether `path` is one of `patterns`, or inside one that ends with `/`."""
    return any(path == each or (each.endswith("/") and path.startswith(each)) for each in patterns)


def words_of(comment: str, *, without: re.Pattern[str]) -> int:
    """Return how many words a comment has besides what `without` matches."""
    return len(re.findall(r"[A-Za-z]+", without.sub(" ", comment)))
