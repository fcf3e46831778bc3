"""Tests that can be trusted: flat, awake, able to fail."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import Source, dotted, listed, parse

_SLEEPS: Final = frozenset({"time.sleep", "asyncio.sleep", "anyio.sleep", "sleep"})
_PROOFS: Final = re.compile(
    r"(^|_)(assert|assertion|check|eventually|expect|fnmatch|raise|refuse|verify|wait_until|warn)(s|_|$)"
)


def test_tests_never_sleep(sources: Sequence[Source]) -> None:
    complaints = [found for source in _tests(sources) for found in _sleeps(source)]
    assert not complaints, listed(complaints)


def test_tests_can_fail(sources: Sequence[Source]) -> None:
    complaints = [found for source in _tests(sources) for found in _toothless(source)]
    assert not complaints, listed(complaints)


def test_tests_are_flat_functions(sources: Sequence[Source]) -> None:
    complaints = [
        source.at(node.lineno, f"{node.name}: write functions, share with fixtures")
        for source in _tests(sources)
        for node in source.tree.body
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test")
    ]
    assert not complaints, listed(complaints)


def test_tests_lie_where_pytest_finds_them(sources: Sequence[Source]) -> None:
    complaints = [
        source.at(node.lineno, f"{node.name} is never collected: name the file test_*.py")
        for source in sources
        if source.path.startswith("tests/") and not _name(source).startswith("test_")
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    ]
    assert not complaints, listed(complaints)


@pytest.mark.parametrize(
    "text",
    [
        "def test_a():\n    time.sleep(1)\n    assert a",
        "async def test_a():\n    await asyncio.sleep(0.1)\n    assert a",
        "def test_a():\n    run()",
    ],
)
def test_rule_bites_when_broken(text: str, tmp_path: Path) -> None:
    (tmp_path / "test_wrong.py").write_text(f"{text}\n")
    source = parse(tmp_path / "test_wrong.py", tmp_path)
    assert [*_sleeps(source), *_toothless(source)]


def _tests(sources: Sequence[Source]) -> list[Source]:
    """Return the tests; what a `bench` module measures it may also pace and only print."""
    tests = [source for source in sources if source.path.startswith("tests/")]
    return [source for source in tests if "pytestmark = pytest.mark.bench" not in source.text]


def _name(source: Source) -> str:
    return source.path.rpartition("/")[2]


def _sleeps(source: Source) -> Iterator[str]:
    for call, name in source.calls():
        if name in _SLEEPS and not _is_zero(call.args):
            yield source.at(
                call.lineno, f"{name}(): wait for a condition (hansa_core.testing.waiting)"
            )


def _is_zero(arguments: Sequence[ast.expr]) -> bool:
    """Return whether a sleep only lets other tasks run."""
    return bool(arguments) and isinstance(arguments[0], ast.Constant) and arguments[0].value == 0


def _toothless(source: Source) -> Iterator[str]:
    """Yield the tests in which nothing asserts, neither there nor in this file's functions."""
    functions = [
        node
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    proving = {node.name for node in functions if _proves(node, set())}
    for node in functions:
        if node.name.startswith("test_") and not _proves(node, proving):
            yield source.at(node.lineno, f"{node.name} asserts nothing")


def _proves(function: ast.AST, proving: set[str]) -> bool:
    return any(_is_proof(node, proving) for node in ast.walk(function))


def _is_proof(node: ast.AST, proving: set[str]) -> bool:
    if isinstance(node, ast.Assert):
        return True
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else dotted(function)
    return name in proving or bool(_PROOFS.search(name))
