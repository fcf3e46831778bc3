"""Each import contract of pyproject.toml bites: shown on a copy of the code with one wrong line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import ROOT, distribution_folders

_WRONG_LINES: Final[Mapping[str, tuple[str, str]]] = {
    "Kernel and plugins stand on the SDK": ("hansa_sdk", "import hansa_core.clock"),
    "The kernel knows no plugin": ("hansa_core", "import hansa_contacts"),
    "A plugin never imports the kernel": ("hansa_crm", "import hansa_core.clock"),
    "contacts does not know crm": ("hansa_contacts", "import hansa_crm"),
    "crm uses contacts through its api module only": ("hansa_crm", "import hansa_contacts.secret"),
    "Siblings inside a package do not import in circles": (
        "hansa_core.storage",
        "import hansa_core.planted",
    ),
    "asyncpg has one home": ("hansa_core", "import asyncpg"),
    "casbin has one home": ("hansa_core", "import casbin"),
    "graphql has one home": ("hansa_core", "import graphql"),
    "pluggy has one home": ("hansa_core", "import pluggy"),
    "strawberry has one home": ("hansa_core", "import strawberry"),
    "alembic has one home": ("hansa_core", "import alembic"),
    "litestar has one home": ("hansa_core", "import litestar"),
}
"""For each contract: the package that gets a module `planted`, and its one wrong line."""


@pytest.mark.parametrize("contract", _WRONG_LINES)
def test_contract_breaks_when_a_wrong_import_is_planted(contract: str, tmp_path: Path) -> None:
    package, line = _WRONG_LINES[contract]
    roots = _copied(tmp_path)
    (roots["hansa_contacts"] / "secret.py").write_text('"""Not in the api."""\n')
    (roots["hansa_core"] / "planted.py").write_text("import hansa_core.storage.planted\n")
    (roots["hansa_core"] / "storage" / "planted.py").write_text("")
    top, _, inner = package.partition(".")
    (roots[top] / inner / "planted.py").write_text(f"{line}\n")

    output = _lint(tmp_path)

    assert f"{contract} BROKEN" in output, output
    assert "planted" in output.rpartition("Broken contracts")[2]


def test_every_contract_is_shown_to_bite(tmp_path: Path) -> None:
    _copied(tmp_path)
    output = _lint(tmp_path)
    named = re.findall(r"^(.+) (?:KEPT|BROKEN)\b", output, re.MULTILINE)
    assert set(named) == set(_WRONG_LINES)


def _copied(folder: Path) -> Mapping[str, Path]:
    """Copy every distribution's package under `folder`; return them by import name."""
    for each in distribution_folders():
        shutil.copytree(each / "src", folder, dirs_exist_ok=True)
    return {path.name: path for path in folder.iterdir()}


def _lint(folder: Path) -> str:
    """Run import-linter with our contracts over the packages in `folder`."""
    environment = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"}
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--config", ROOT / "pyproject.toml", "--no-cache", "--no-logo"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
