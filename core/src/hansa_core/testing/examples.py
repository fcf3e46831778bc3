"""Hypothesis: its settings from the profile, and how many examples a property really ran."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, cast

from hypothesis import settings
from hypothesis.statistics import collector

from hansa_core.testing.counting import Tally
from hansa_core.testing.profile import Profile

Note = Callable[[Mapping[str, object]], None]


class Collector(Protocol):
    """Hypothesis's hook for the statistics of one property's run; untyped there."""

    value: Note | None

    def with_value(self, value: Note) -> AbstractContextManager[None]:
        """Put `value` in for a block."""
        ...


def load_profile(profile: Profile) -> None:
    """Make the profile's numbers Hypothesis's defaults.

    The small run draws the same examples every time, so that a failure is the change's; the deep
    run draws new ones. No deadline: a slow machine is not a wrong answer.
    """
    settings.register_profile(
        profile.name,
        deadline=None,
        derandomize=profile.name == "small",
        max_examples=profile.hypothesis_examples,
        print_blob=True,
        stateful_step_count=profile.hypothesis_steps,
    )
    settings.load_profile(profile.name)


@contextmanager
def counted(test: object) -> Generator[list[Tally]]:
    """Yield a list that holds, after the block, what the property `test` asked and ran."""
    tallies: list[Tally] = []
    hook = cast(Collector, collector)
    outer = hook.value
    asked = _settings_of(test).max_examples

    def note(statistics: Mapping[str, object]) -> None:
        tallies.append(Tally("hypothesis_examples", asked, _examples_in(statistics)))
        if outer is not None:
            outer(statistics)

    with hook.with_value(note):
        yield tallies


def _settings_of(test: object) -> settings:
    """Return the settings of a property, or of the machine behind a stateful test's method."""
    for holder, name in (
        (test, "_hypothesis_internal_use_settings"),
        (getattr(test, "__self__", None), "settings"),
    ):
        found = getattr(holder, name, None)
        if isinstance(found, settings):
            return found
    return settings()


def _examples_in(statistics: Mapping[str, object]) -> int:
    """Return how many examples ran to their end; discarded and overrun ones do not count."""
    total = 0
    for key, phase in statistics.items():
        if key.endswith("-phase") and isinstance(phase, dict):
            cases = cast(list[Mapping[str, object]], phase["test-cases"])
            total += sum(case["status"] in ("valid", "interesting") for case in cases)
    return total
