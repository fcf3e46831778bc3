"""The environment variables a test run reads, and the only place of the tests that does."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TestEnvironment:
    """What the machine tells a test run."""

    __test__ = False  # not a test class, whatever its name

    database_url: str | None
    """`HANSA_TEST_DATABASE_URL`: owner's URL of a server to test on; unset, an embedded one."""
    sample_data: Path | None
    """`HANSA_SAMPLE_DATA`: the folder with the real data sets."""
    require_all: bool
    """`HANSA_REQUIRE_ALL=1`: a skipped test is a failed one."""

    @classmethod
    def read(cls) -> TestEnvironment:
        """Read the process environment."""
        sample_data = os.environ.get("HANSA_SAMPLE_DATA")
        return cls(
            database_url=os.environ.get("HANSA_TEST_DATABASE_URL") or None,
            sample_data=Path(sample_data) if sample_data else None,
            require_all=os.environ.get("HANSA_REQUIRE_ALL", "") not in ("", "0"),
        )
