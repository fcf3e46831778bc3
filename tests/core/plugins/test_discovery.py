"""Installed plugins are found by entry point; broken ones are named, all of them."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

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


def install(folder: Path, distribution: str, target: str) -> None:
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nfine = {target}\n")


def test_name_that_two_distributions_declare_is_refused_with_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    install(tmp_path, "acme-fine", f"{__name__}:fine")
    assert installed_plugins()["fine"] == fine
    install(tmp_path, "other-fine", f"{__name__}:fine")
    importlib.invalidate_caches()
    with pytest.raises(DeclarationErrors) as caught:
        installed_plugins()
    (problem,) = caught.value.problems
    assert problem.plugin == "fine"
    assert {"acme-fine", "other-fine"} <= set(problem.found.split())


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


async def test_requirement_that_is_not_installed_is_told_with_who_requires_it() -> None:
    odd = Plugin(name="odd", sdk=">=99", requires=("absent>=1",))
    shapes = Shapes({"system": system, "odd": odd})
    assert shapes.with_required(["odd", "unknown"]) == ["system", "odd", "unknown"]
    with pytest.raises(DeclarationErrors) as caught:
        await shapes.of(shapes.with_required(["odd"]))
    found = {(each.plugin, each.expected) for each in caught.value.problems}
    assert found == {("odd", "hansa-sdk >=99"), ("odd", "absent>=1")}
