"""What each test was asked to try and what it really ran: the content of deep-report.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Protocol, cast

from hansa_core.testing.profile import Profile

REPORT_FILE: Final = "deep-report.json"


@dataclass(slots=True)
class Tally:
    """One number of one test: how often it should try, and how often it did."""

    number: str
    asked: int
    ran: int = 0


@dataclass(slots=True)
class Count:
    """A test's own account of its numbers; a test that runs fewer than it was asked fails."""

    profile: Profile
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])

    def asked(self, name: str) -> int:
        """Return the profile's number called `name` and hold the test to it."""
        number = self.profile.number(name)
        self.tallies.setdefault(name, Tally(name, number))
        return number

    def ran(self, times: int = 1, *, of: str | None = None) -> None:
        """Add `times` to what was run; `of` names the number where a test asked for several."""
        if of is None:
            if len(self.tallies) != 1:
                raise LookupError(f"Name the number: ran(..., of=) one of {list(self.tallies)}.")
            of = next(iter(self.tallies))
        self.tallies[of].ran += times

    def shortfall(self) -> str | None:
        """Return a sentence when something was asked for and not run in full, else None."""
        short = [tally for tally in self.tallies.values() if tally.ran < tally.asked]
        if not short:
            return None
        parts = ", ".join(f"{tally.number}: {tally.ran} of {tally.asked}" for tally in short)
        return f"The test ran less than it was asked ({parts})."


class Outcome(Protocol):
    """The part of a pytest report that is counted."""

    nodeid: str
    when: str | None
    failed: bool
    skipped: bool
    passed: bool

    @property
    def user_properties(self) -> list[tuple[str, object]]:
        """What the test process attached, also across process borders."""
        ...


@dataclass(slots=True)
class Report:
    """Collects the outcomes of a run in the process that controls it."""

    profile: Profile
    tests: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one phase (setup, call, teardown) of one test."""
        if outcome.skipped:
            self.skipped += 1
        elif outcome.failed:
            self.failed += 1
        elif outcome.when == "call":
            self.passed += 1
        entry = self.tests.setdefault(outcome.nodeid, {"numbers": [], "failures": 0})
        if outcome.failed:
            entry["failures"] = cast(int, entry["failures"]) + 1
        if outcome.when == "call":
            entry["numbers"] = [
                value for name, value in outcome.user_properties if name == "hansa_tally"
            ]

    def write(self, folder: Path) -> Path:
        """Write the report into `folder` and return its path."""
        path = folder / REPORT_FILE
        path.write_text(json.dumps(self.content(), indent=1) + "\n", encoding="utf-8")
        return path

    def content(self) -> Mapping[str, object]:
        """Return one line per number of a test, tests without numbers as `1 of 1`."""
        lines: list[Mapping[str, object]] = []
        for test, entry in sorted(self.tests.items()):
            numbers = cast(list[Mapping[str, object]], entry["numbers"])
            for tally in numbers or [asdict(Tally("run", 1, 1))]:
                lines.append({"test": test, **tally, "failures": entry["failures"]})
        return {
            "profile": asdict(self.profile),
            "passed": self.passed,
            "failed": self.failed,
            "skipped": self.skipped,
            "tests": lines,
        }
