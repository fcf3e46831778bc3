"""A plugin's folder of migration scripts: `__init__.py` and `versions/`, nothing else."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from alembic.script import ScriptDirectory

from hansa_sdk.errors import Misconfigured

ScriptLocation = str | Path | ScriptDirectory
"""A package ("hansa_crm.migrations"), its folder, or the scripts loaded from either."""


def load_scripts(location: ScriptLocation) -> ScriptDirectory:
    """Load the scripts once, for many tenants. Raises Misconfigured when there is no folder."""
    if isinstance(location, ScriptDirectory):
        return location
    folder = _package_folder(location) if isinstance(location, str) else location
    if not folder.is_dir():
        raise Misconfigured(
            f"The migrations folder {folder} does not exist.",
            next_step="Make it with an __init__.py and a folder versions/, or reinstall it.",
        )
    return ScriptDirectory(str(folder), version_locations=[str(folder / "versions")])


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
