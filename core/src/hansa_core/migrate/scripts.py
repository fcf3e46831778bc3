"""A plugin's folder of migration scripts: `__init__.py` and `versions/`, nothing else."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from hansa_sdk.errors import Misconfigured

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

ScriptLocation: TypeAlias = "str | Path | ScriptDirectory"
"""A package ("hansa_crm.migrations"), its folder, or the scripts loaded from either."""

_PLAIN: Final = re.compile(
    r"^(revision|down_revision) = (?:\"([^\"\\\n]+)\"|'([^'\\\n]+)'|None)[ \t]*$", re.MULTILINE
)
_ASSIGNED: Final = re.compile(r"\b(?:revision|down_revision)\b(?=[^\n]*=)")


@dataclass(frozen=True, slots=True)
class Revisions:
    """What a folder's scripts are called: all of them, and those no other comes after."""

    all: frozenset[str]
    heads: frozenset[str]


def load_scripts(location: ScriptLocation) -> ScriptDirectory:
    """Load the scripts once, for many tenants. Raises Misconfigured when there is no folder."""
    from alembic.script import ScriptDirectory  # here, for commands that run no script

    if isinstance(location, ScriptDirectory):
        return location
    folder = script_folder(location)
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


def script_folder(location: str | Path) -> Path:
    """Return the folder of a package of scripts. Raises Misconfigured when there is none."""
    folder = _package_folder(location) if isinstance(location, str) else location
    if not folder.is_dir():
        raise Misconfigured(
            f"The migrations folder {folder} does not exist.",
            next_step="Make it with an __init__.py and a folder versions/, or reinstall it.",
        )
    return folder


def plain_revisions(location: str | Path) -> Revisions | None:
    """Return what the scripts are called, read as text: Alembic takes long to import.

    None when any of them is not laid out as `hansa plugin makemigrations` does it.
    """
    known: set[str] = set()
    before: set[str] = set()
    for path in sorted((script_folder(location) / "versions").glob("*.py*")):
        if path.name.startswith("__init__."):
            continue
        text = path.read_text(encoding="utf-8") if path.suffix == ".py" else ""
        found = {match[1]: match[2] or match[3] for match in _PLAIN.finditer(text)}
        if len(_ASSIGNED.findall(text)) != 2 or len(found) != 2 or not found["revision"]:
            return None
        if found["revision"] in known:
            return None
        known.add(found["revision"])
        if found["down_revision"] is not None:
            before.add(found["down_revision"])
    return Revisions(frozenset(known), frozenset(known - before)) if before <= known else None


def _package_folder(package: str) -> Path:
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        found = None
    if found is None or not found.submodule_search_locations:
        raise Misconfigured(
            f"The migrations package {package} is not installed.",
            next_step="Check the plugin's `migrations` and that its wheel holds the package.",
        )
    return Path(found.submodule_search_locations[0])
