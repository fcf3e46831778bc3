"""What every test of this repository shares; the rest is hansa_core.testing.plugin."""

from __future__ import annotations

pytest_plugins = ("pytester",)
