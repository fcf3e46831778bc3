"""A check switched off says which one and why, in the same line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import Source, dotted, listed, parse, words_of

_ANY: Final = re.compile(r"#\s*(type:\s*ignore|noqa|pyright:\s*ignore|pragma:)")
_EXACT: Final = re.compile(
    r"#\s*(type:\s*ignore\[[\w\-, ]+\]|noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*"
    r"|pyright:\s*ignore\[[\w, ]+\]|pragma:\s*no cover)"
)
_WHOLE_FILE: Final = re.compile(
    r"#\s*(mypy:|pyright:\s*(basic|standard|strict|report|off)|ruff:\s*noqa|flake8:|fmt:\s*off|isort:)"
)
_MARKS: Final = re.compile(r"(^|\.)mark\.(skip|skipif|xfail)$")


def test_suppressions_carry_a_reason(sources: Sequence[Source]) -> None:
    complaints = [found for source in sources for found in _suppressions(source)]
    assert not complaints, listed(complaints)


def test_skipped_tests_carry_a_reason(sources: Sequence[Source]) -> None:
    complaints = [found for source in sources for found in _skips(source)]
    assert not complaints, listed(complaints)


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # type: ignore",
        "x = 1  # type: ignore[arg-type]",
        "x = 1  # noqa",
        "x = 1  # noqa: S311",
        "x = 1  # pyright: ignore  # the library is untyped",
        "# ruff: noqa",
        "# mypy: ignore-errors",
    ],
)
def test_rule_bites_when_a_reason_is_missing(line: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(f"{line}\n")
    assert list(_suppressions(parse(tmp_path / "wrong.py", tmp_path)))


@pytest.mark.parametrize(
    "line",
    [
        "x = 1  # noqa: S311  # jitter, not a secret",
        "x = 1  # type: ignore[arg-type]  # the library is untyped",
        "x = 1  # a comment",
    ],
)
def test_rule_does_not_bite_when_a_reason_is_given(line: str, tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(f"{line}\n")
    assert not list(_suppressions(parse(tmp_path / "right.py", tmp_path)))


def _suppressions(source: Source) -> Iterator[str]:
    for line, comment in source.comments():
        if _WHOLE_FILE.search(comment):
            yield source.at(line, f"{comment}: a check is never off for a whole file")
        elif len(_ANY.findall(comment)) != len(_EXACT.findall(comment)):
            yield source.at(line, f"{comment}: name the rule that is off")
        elif _ANY.search(comment) and words_of(comment, without=_EXACT) < 2:
            yield source.at(line, f"{comment}: say why, after a second #")


def _skips(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        decorators = getattr(node, "decorator_list", [])
        for decorator in decorators:
            call = decorator if isinstance(decorator, ast.Call) else None
            name = dotted(call.func if call else decorator)
            if _MARKS.search(name) and not (call and any(k.arg == "reason" for k in call.keywords)):
                yield source.at(decorator.lineno, f"{name} without a reason")
