"""The parsed sources as a fixture."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.architecture.sources import Source, read_sources


@pytest.fixture(scope="session")
def sources() -> Sequence[Source]:
    """Every Python file of the repository; refuses to police nothing."""
    found = read_sources()
    packages = {source.package for source in found}
    assert {"hansa_core", "hansa_sdk", "tests"} <= packages
    return found
