"""Finding installed plugins by the entry points `hansa.plugins`."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from hansa_sdk import DeclarationErrors, Plugin, Problem

GROUP: Final = "hansa.plugins"


def installed_plugins(points: tuple[EntryPoint, ...] | None = None) -> dict[str, Plugin]:
    """Return every installed plugin by name, with its distribution's version filled in.

    Raises DeclarationErrors for entry points that do not load or are no Plugin.
    """
    problems: list[Problem] = []
    found: dict[str, Plugin] = {}
    for point in points if points is not None else tuple(entry_points(group=GROUP)):
        try:
            loaded: object = point.load()
        except Exception as error:  # a plugin's import may fail in any way; it is named, not hidden
            problems.append(
                _problem(point, "a module that imports", f"{type(error).__name__}: {error}")
            )
            continue
        if not isinstance(loaded, Plugin):
            problems.append(_problem(point, "a hansa_sdk.Plugin", type(loaded).__name__))
            continue
        if loaded.name != point.name:
            problems.append(_problem(point, f"a plugin named {point.name}", loaded.name))
            continue
        dist = point.dist
        found[loaded.name] = (
            loaded if loaded.version or dist is None else replace(loaded, version=dist.version)
        )
    if problems:
        raise DeclarationErrors(problems)
    return found


def _problem(point: EntryPoint, expected: str, found: str) -> Problem:
    return Problem(
        point.name,
        f"entry point {GROUP}: {point.value}",
        expected,
        found,
        "Mend or uninstall that distribution.",
    )
