"""Installed plugins are found by entry point; broken ones are named, all of them."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from hansa_core.plugins.compile import compile_shape
from hansa_core.plugins.discovery import GROUP, installed_plugins
from hansa_core.shapes import Shapes
from hansa_core.system.plugin import plugin as system
from hansa_sdk import DeclarationErrors, Plugin

fine = Plugin(name="fine", version="1.2")
no_plugin = "a text"


def point(name: str, target: str) -> EntryPoint:
    return EntryPoint(name, target, GROUP)


def test_installed_plugins_are_found_with_their_distributions_version() -> None:
    found = installed_plugins()
    assert {"system", "contacts", "crm"} <= set(found)
    assert found["crm"].version == "0.1.0"


def test_entry_points_that_do_not_load_are_all_named() -> None:
    points = (
        point("gone", "hansa_no_such_module:plugin"),
        point("text", f"{__name__}:no_plugin"),
        point("other", f"{__name__}:fine"),
        point("fine", f"{__name__}:fine"),
    )
    with pytest.raises(DeclarationErrors) as caught:
        installed_plugins(points)
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "gone: entry point hansa.plugins: hansa_no_such_module:plugin" in text
    assert "ModuleNotFoundError" in text
    assert "expected a hansa_sdk.Plugin, found str" in text
    assert "expected a plugin named other, found fine" in text


def test_circles_and_bad_lines_of_requires_are_told_not_thrown() -> None:
    shapes = Shapes(
        {
            plugin.name: plugin
            for plugin in (
                system,
                Plugin(name="a", requires=("b",)),
                Plugin(name="b", requires=("a",)),
                Plugin(name="c", requires=("system >> 1",)),
            )
        }
    )
    assert set(shapes.with_required(["a", "c"])) == {"system", "a", "b", "c"}
    with pytest.raises(DeclarationErrors, match="expected lines like"):
        compile_shape(shapes.plugins(["system", "c"]))
    with pytest.raises(DeclarationErrors, match="no circle of requirements"):
        compile_shape(shapes.plugins(["system", "a", "b"]))
