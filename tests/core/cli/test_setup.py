"""`hansa init`: what it says of who can sign in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hansa_core.testing.databases import fresh_database
from tests.core.cli.conftest import Hansa, Ran, run_in


@pytest.fixture
def empty(postgres_url: str, tmp_path: Path) -> Iterator[Hansa]:
    """Run commands where nothing was set up yet."""
    with fresh_database(postgres_url) as url:

        def run(*arguments: str, typed: str = "") -> Ran:
            return run_in(tmp_path / "home", url, *arguments, typed=typed)

        yield run


def test_init_says_that_nobody_can_sign_in_as_long_as_nobody_can(empty: Hansa) -> None:
    first = empty("init", "--plugin", "contacts")
    assert "Nobody can sign in yet: `hansa user create EMAIL" in first.err
    made = empty("user", "create", "ada@test.example", "--role", "system.administrator", "--json")
    assert made.code == 0, made.err
    again = empty("init", "--plugin", "contacts")
    assert (again.code, "Nobody can sign in" in again.err) == (0, False)
    assert json.loads(empty("init", "--plugin", "contacts", "--json").out)["signs_in"] is True
