"""A plugin author's typo is caught before the program runs, by mypy and by pyright.

`mistakes/` holds code that must be refused: a line with the comment `# reject: m1` is part of
mistake `m1` (several lines may share an id: one of them must be the error's). Each checker must
report every mistake, and nothing on any other line. `# reject: m1 [arg-type, reportCallIssue]`
also names the rules that may be the reason. `accepted/` holds code no checker may complain about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.typing.checkers import Rejection, mypy_rejections, pyright_rejections

_HERE: Final = Path(__file__).parent
_MARK: Final = re.compile(r"#\s*reject:\s*(?P<id>\w+)(?:\s*\[(?P<rules>[\w\-, ]+)\])?")

Rejections = Mapping[str, Sequence[Rejection]]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One planted mistake: the lines an error may be on, and the rules that may be its reason."""

    id: str
    path: Path
    lines: frozenset[int]
    rules: frozenset[str]

    def explains(self, rejection: Rejection) -> bool:
        """Return whether `rejection` is this mistake's."""
        there = rejection.path == self.path and rejection.line in self.lines
        return there and (not self.rules or rejection.rule in self.rules)


@pytest.fixture(scope="session")
def rejections() -> Rejections:
    """What each checker rejects in all files of both folders."""
    files = [*_files("mistakes"), *_files("accepted")]
    checkers: Sequence[Callable[[Sequence[Path]], Iterable[Rejection]]]
    checkers = (mypy_rejections, pyright_rejections)
    return {checker.__name__: list(checker(files)) for checker in checkers}


@pytest.mark.parametrize("checker", ["mypy_rejections", "pyright_rejections"])
def test_checker_rejects_every_mistake(checker: str, rejections: Rejections) -> None:
    missed = [
        f"{mistake.path.name}: {mistake.id} (lines {sorted(mistake.lines)})"
        for mistake in _mistakes()
        if not any(mistake.explains(each) for each in rejections[checker])
    ]
    assert not missed, "\n".join(("not rejected:", *missed))


@pytest.mark.parametrize("checker", ["mypy_rejections", "pyright_rejections"])
def test_checker_rejects_nothing_else(checker: str, rejections: Rejections) -> None:
    mistakes = _mistakes()
    unexpected = [
        str(each)
        for each in rejections[checker]
        if not any(mistake.explains(each) for mistake in mistakes)
    ]
    assert not unexpected, "\n".join(
        ("rejected without a mark, or for another reason:", *unexpected)
    )


def test_both_folders_hold_something() -> None:
    assert _mistakes()
    assert _files("accepted")


def _files(folder: str) -> list[Path]:
    return sorted((_HERE / folder).resolve().glob("*.py"))


def _mistakes() -> list[Mistake]:
    """Return the marked mistakes of all files."""
    found: list[Mistake] = []
    for path in _files("mistakes"):
        lines: dict[str, set[int]] = {}
        rules: dict[str, set[str]] = {}
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for mark in _MARK.finditer(text):
                lines.setdefault(mark["id"], set()).add(number)
                names = rules.setdefault(mark["id"], set())
                names.update(re.findall(r"[\w\-]+", mark["rules"] or ""))
        found += [
            Mistake(id, path, frozenset(where), frozenset(rules[id])) for id, where in lines.items()
        ]
    return found
