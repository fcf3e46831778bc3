"""How much a test run tries: the same tests with small or deep numbers."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """The numbers tests read instead of writing their own.

    `small` is what `pytest` runs (everything, under 10 minutes on two cores); `deep` is what
    `pytest --deep` runs (the same tests, at most 60 minutes). A number for a new kind of test is
    a new field here, with a value in both.
    """

    name: str
    hypothesis_examples: int
    """Examples of each property test."""
    hypothesis_steps: int
    """Steps of each run of a stateful test."""
    import_rows: int
    """Rows of the CSV file a large import reads."""
    concurrent_requests: int
    """Requests in flight at once."""
    writers: int
    """Writers at once beside another load."""
    seconds_fuzz: int
    """How long a fuzzer runs, in seconds."""
    seconds_load: int
    """How long a rate is measured, in seconds."""
    pages: int
    """Pages a cursor walk goes through."""
    twins: int
    """Pairs of databases compared that differ in a hidden value."""
    operations: int
    """Generated GraphQL operations compared with the reference evaluator."""
    faults: int
    """Faults injected: the N-th statement fails, a connection drops, a process is killed."""

    @classmethod
    def small(cls) -> Profile:
        """Return the numbers of `pytest`."""
        return cls(
            name="small",
            hypothesis_examples=25,
            hypothesis_steps=15,
            import_rows=500,
            concurrent_requests=60,
            writers=4,
            seconds_fuzz=5,
            seconds_load=3,
            pages=20,
            twins=50,
            operations=300,
            faults=10,
        )

    @classmethod
    def deep(cls) -> Profile:
        """Return the numbers of `pytest --deep`."""
        return cls(
            name="deep",
            hypothesis_examples=2000,
            hypothesis_steps=50,
            import_rows=5000,
            concurrent_requests=60,
            writers=8,
            seconds_fuzz=120,
            seconds_load=20,
            pages=500,
            twins=5000,
            operations=10_000,
            faults=200,
        )

    def number(self, name: str) -> int:
        """Return the number called `name`. Raises LookupError with the nearest name."""
        numbers = {key: value for key, value in asdict(self).items() if isinstance(value, int)}
        if name not in numbers:
            near = difflib.get_close_matches(name, numbers, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else f" It has {', '.join(numbers)}."
            raise LookupError(f"Profile has no number '{name}'.{hint}")
        return numbers[name]
