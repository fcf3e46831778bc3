"""Every public name of the SDK has a docstring with an example, and every example is true."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

import hansa_sdk
from tests.docs.samples import Documented, documented_in

_NAMES_MAX: Final = 120
_FLAGS: Final = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
_FOLDER: Final = Path(hansa_sdk.__file__).parent
_MODULES: Final = sorted(path for path in _FOLDER.rglob("*.py") if path.name != "__init__.py")


@pytest.fixture(scope="session")
def definitions() -> Mapping[str, Documented]:
    """Every top-level name of the SDK's modules by name."""
    return {each.name: each for path in _MODULES for each in documented_in(path)}


def test_public_names_are_few_enough_to_learn() -> None:
    assert len(hansa_sdk.__all__) <= _NAMES_MAX
    assert len(set(hansa_sdk.__all__)) == len(hansa_sdk.__all__)


def test_public_names_have_an_example(definitions: Mapping[str, Documented]) -> None:
    without = [
        f"{name} ({definition.path.name}:{definition.line})" if definition else f"{name} (nowhere)"
        for name in hansa_sdk.__all__
        if (definition := definitions.get(name)) is None or ">>>" not in definition.docstring
    ]
    assert not without, "\n".join(("no example (>>>) in the docstring of:", *without))


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: path.stem)
def test_examples_are_true(path: Path) -> None:
    dotted = path.relative_to(_FOLDER.parent).with_suffix("").as_posix().replace("/", ".")
    module = importlib.import_module(dotted)
    tests = [*doctest.DocTestFinder().find(module), *_constants(path, vars(module))]
    runner = doctest.DocTestRunner(optionflags=_FLAGS)
    said: list[str] = []
    for test in tests:
        runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def _constants(path: Path, names: Mapping[str, object]) -> Sequence[doctest.DocTest]:
    """Return the examples that stand below constants, where doctest does not look."""
    parser = doctest.DocTestParser()
    return [
        parser.get_doctest(each.docstring, dict(names), each.name, str(path), each.line)
        for each in documented_in(path)
        if each.constant and ">>>" in each.docstring
    ]
