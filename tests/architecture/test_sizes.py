"""Files and functions stay small, carry a sentence on what they hold, and are named by a noun."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from tests.architecture.sources import Source, listed

_MODULE_LINES_MAX: Final = 400
_FUNCTION_LINES_MAX: Final = 60
_EMPTY_NAMES: Final = frozenset(
    {"base", "common", "helper", "helpers", "lib", "misc", "shared", "stuff", "util", "utils"}
)


def test_modules_are_short(sources: Sequence[Source]) -> None:
    complaints = [
        source.at(lines, f"{lines} lines, at most {_MODULE_LINES_MAX}: make it a folder")
        for source in sources
        if not source.generated and (lines := source.text.count("\n")) > _MODULE_LINES_MAX
    ]
    assert not complaints, listed(complaints)


def test_functions_are_short(sources: Sequence[Source]) -> None:
    complaints = [
        source.at(node.lineno, f"{node.name} has {lines} lines, at most {_FUNCTION_LINES_MAX}")
        for source in sources
        if not source.generated
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > _FUNCTION_LINES_MAX
    ]
    assert not complaints, listed(complaints)


def test_modules_say_what_lives_in_them(sources: Sequence[Source]) -> None:
    complaints = [
        source.at(1, "no module docstring (one sentence: what lives here)")
        for source in sources
        if not source.generated and len((ast.get_docstring(source.tree) or "").split()) < 3
    ]
    assert not complaints, listed(complaints)


def test_files_are_named_by_a_noun(sources: Sequence[Source]) -> None:
    complaints = [
        source.at(1, f"'{part}' names no noun: say what it is about")
        for source in sources
        for part in source.module.split(".")
        if part.strip("_") in _EMPTY_NAMES
    ]
    assert not complaints, listed(complaints)
