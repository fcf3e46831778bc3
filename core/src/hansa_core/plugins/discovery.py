"""Finding installed plugins by the entry points `hansa.plugins`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from hansa_sdk import DeclarationErrors, Plugin, Problem

GROUP: Final = "hansa.plugins"


def installed_plugins(points: tuple[EntryPoint, ...] | None = None) -> dict[str, Plugin]:
    """Return every installed plugin by name, with its distribution's version filled in.

    Raises DeclarationErrors for entry points that do not load or are no Plugin, and for names
    that several distributions declare.
    """
    given = points if points is not None else tuple(entry_points(group=GROUP))
    problems = _ambiguous(given)
    found: dict[str, Plugin] = {}
    for point in given:
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


def _ambiguous(points: tuple[EntryPoint, ...]) -> list[Problem]:
    """Find names that more than one distribution declares: which is meant, nobody can say."""
    named: dict[str, list[str]] = defaultdict(list)
    for point in points:
        named[point.name].append(f"{_distribution(point)} ({point.value})")
    return [
        Problem(
            name,
            f"entry point {GROUP}: {name}",
            "one distribution that brings it",
            " and ".join(sources),
            "Uninstall all but one of them.",
        )
        for name, sources in named.items()
        if len(sources) > 1
    ]


def _distribution(point: EntryPoint) -> str:
    return "a distribution without a name" if point.dist is None else point.dist.name


def _problem(point: EntryPoint, expected: str, found: str) -> Problem:
    return Problem(
        point.name,
        f"entry point {GROUP}: {point.value}",
        expected,
        found,
        "Mend or uninstall that distribution.",
    )
