"""The repository keeps its shape: few names at the top, every distribution alike and configured."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from tests.architecture.sources import ROOT, distribution_folders, listed

_TOP_LEVEL: Final = frozenset(
    {
        "core",
        "plugins",
        "sdk",
        "tests",
        "pyproject.toml",
        "uv.lock",
        "README.md",
        "LICENSE",
        "SECURITY.md",
        "CHANGELOG.md",
    }
)
_NOT_COMMITTED: Final = frozenset({"deep-report.json", "dist"})

Table = Mapping[str, object]
Listing = Mapping[str, list[str]]


def test_top_level_has_only_the_names_agreed_on() -> None:
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert not (extra := names - _TOP_LEVEL - _NOT_COMMITTED), f"move these: {sorted(extra)}"


def test_distributions_have_one_layout() -> None:
    complaints: list[str] = []
    for folder in distribution_folders():
        package = folder / "src" / _import_name(folder)
        wanted = (folder / "README.md", package / "__init__.py", package / "py.typed")
        complaints += [f"{path} is missing" for path in wanted if not path.exists()]
        found = {each.name for each in (folder / "src").iterdir() if each.is_dir()}
        strangers = {name for name in found - {package.name} if not name.endswith(".egg-info")}
        complaints += [f"{folder}/src/{name}: one package a distribution" for name in strangers]
    assert not complaints, listed(complaints)


def test_distributions_are_described_alike() -> None:
    complaints: list[str] = []
    for folder in distribution_folders():
        project = _table(_read(folder / "pyproject.toml"), "project")
        expected: Table = {
            "license": "Apache-2.0",
            "readme": "README.md",
            "requires-python": ">=3.11",
            "version": _table(_read(ROOT / "pyproject.toml"), "project")["version"],
        }
        complaints += [
            f"{folder.name}: {key} is {project.get(key)!r}, expected {value!r}"
            for key, value in expected.items()
            if project.get(key) != value
        ]
    assert not complaints, listed(complaints)


def test_tools_check_every_distribution() -> None:
    tool = _table(_read(ROOT / "pyproject.toml"), "tool")
    linter = _table(tool, "importlinter")
    contracts = cast(list[Table], linter["contracts"])
    circles = [each for each in contracts if each["type"] == "acyclic_siblings"]
    ancestors = [cast(list[str], each["ancestors"]) for each in circles]
    sources: Listing = {
        "tool.ruff.src": cast(list[str], _table(tool, "ruff")["src"]),
        "tool.mypy.mypy_path": cast(str, _table(tool, "mypy")["mypy_path"]).split(":"),
    }
    packages: Listing = {
        "root_packages": cast(list[str], linter["root_packages"]),
        "acyclic_siblings": [name for names in ancestors for name in names],
    }
    complaints: list[str] = []
    for folder in distribution_folders():
        complaints += _lacking(sources, (folder / "src").relative_to(ROOT).as_posix())
        complaints += _lacking(packages, _import_name(folder))
    assert not complaints, listed(complaints)


def _lacking(settings: Listing, name: str) -> list[str]:
    return [
        f"pyproject.toml: {key} lacks {name}" for key, has in settings.items() if name not in has
    ]


def _import_name(folder: Path) -> str:
    return f"hansa_{folder.name}"


def _read(path: Path) -> Table:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _table(parent: Table, key: str) -> Table:
    return cast(Table, parent[key])
