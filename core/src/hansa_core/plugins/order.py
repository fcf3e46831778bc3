"""Names, versions and order of plugins: who requires whom, and whether that can be met."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hansa_sdk import Plugin, Problem

_NAME: Final = re.compile(r"[a-z][a-z0-9]{0,30}")


def check_plugins(plugins: Sequence[Plugin]) -> list[Problem]:
    """Return what is wrong with names, SDK range and requirements of a set of plugins."""
    problems: list[Problem] = []
    known = {plugin.name: plugin for plugin in plugins}
    for plugin in plugins:
        if not _NAME.fullmatch(plugin.name):
            problems.append(
                Problem(
                    plugin.name,
                    "Plugin(name=...)",
                    "lower-case letters and digits, a letter first",
                    repr(plugin.name),
                    "Rename the plugin.",
                )
            )
        problems.extend(_sdk(plugin))
        problems.extend(_requires(plugin, known))
    for name in {name for name in known if sum(p.name == name for p in plugins) > 1}:
        problems.append(
            Problem(name, "Plugin(name=...)", "a name used once", name, "Remove one of them.")
        )
    if not problems:
        problems.extend(_cycles(plugins))
    return problems


def in_order(plugins: Sequence[Plugin]) -> list[Plugin]:
    """Return the plugins with every one behind those it requires, else by name; system first."""
    known = {plugin.name: plugin for plugin in plugins}
    ordered: list[Plugin] = []
    pending = sorted(known, key=lambda name: (name != "system", name))
    while pending:
        placed = {plugin.name for plugin in ordered}
        ready = next(
            name for name in pending if set(required_names(known[name])) & set(known) <= placed
        )
        ordered.append(known[ready])
        pending.remove(ready)
    return ordered


def required_names(plugin: Plugin) -> tuple[str, ...]:
    """Return the names of the plugins this one requires; lines that say none are left out."""
    names: list[str] = []
    for line in plugin.requires:
        try:
            names.append(Requirement(line).name)
        except InvalidRequirement:
            continue  # `check_plugins` tells it
    return tuple(names)


def with_required(names: Sequence[str], installed: Mapping[str, Plugin]) -> list[str]:
    """Return `names` and all they require, in order; unknown ones are left to the checks."""
    wanted: dict[str, None] = {}
    seen: set[str] = set()  # a circle ends here and is told by `check_plugins`

    def add(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for required in required_names(installed[name]) if name in installed else ():
            add(required)
        wanted[name] = None

    for name in names:
        add(name)
    return list(wanted)


def plugin_version(plugin: Plugin) -> str:
    """Return the plugin's own version, else its distribution's, else "0"."""
    if plugin.version:
        return plugin.version
    try:
        return version("hansa-core" if plugin.name == "system" else f"hansa-{plugin.name}")
    except PackageNotFoundError:
        return "0"


def _sdk(plugin: Plugin) -> list[Problem]:
    found = version("hansa-sdk")
    try:
        if SpecifierSet(plugin.sdk).contains(found, prereleases=True):
            return []
        expected, step = f"hansa-sdk {plugin.sdk}", "Install a hansa-sdk or a plugin that fits."
    except InvalidSpecifier:
        expected, found, step = 'a range like ">=0.1,<1"', repr(plugin.sdk), "Correct sdk=."
    return [Problem(plugin.name, "Plugin(sdk=...)", expected, found, step)]


def _requires(plugin: Plugin, known: Mapping[str, Plugin]) -> list[Problem]:
    problems: list[Problem] = []
    for line in plugin.requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            problems.append(
                Problem(
                    plugin.name,
                    "Plugin(requires=...)",
                    'lines like "contacts>=0.1,<1"',
                    repr(line),
                    "Correct the line.",
                )
            )
            continue
        other = known.get(requirement.name)
        found = "nothing by that name"
        if other is not None:
            found = plugin_version(other)
            if requirement.specifier.contains(found, prereleases=True):
                continue
            found = f"{other.name} {found}"
        problems.append(
            Problem(
                plugin.name,
                "Plugin(requires=...)",
                line,
                found,
                f"Install and enable {line}, or leave {plugin.name} out.",
            )
        )
    return problems


def _cycles(plugins: Sequence[Plugin]) -> list[Problem]:
    known = {plugin.name: plugin for plugin in plugins}
    placed: set[str] = set()
    while True:
        ready = {
            name
            for name, plugin in known.items()
            if name not in placed and set(required_names(plugin)) & set(known) <= placed
        }
        if not ready:
            break
        placed |= ready
    stuck = sorted(set(known) - placed)
    if not stuck:
        return []
    return [
        Problem(
            stuck[0],
            "Plugin(requires=...)",
            "no circle of requirements",
            " -> ".join([*stuck, stuck[0]]),
            "Break the circle: move what both need into a third plugin.",
        )
    ]
