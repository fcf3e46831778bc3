"""The lock of the programs for Node holds for every registry."""

from __future__ import annotations

import json

from tests.clients.conftest import HERE


def test_lock_names_no_registry_and_a_digest_of_each_package() -> None:
    packages = json.loads((HERE / "package-lock.json").read_text("utf-8"))["packages"]
    others = {name: package for name, package in packages.items() if name}
    assert len(others) > 100
    assert [name for name, package in others.items() if "resolved" in package] == []
    assert [name for name, package in others.items() if "integrity" not in package] == []
