"""Page requests: their limits, and which way they are walked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hansa_core.query.keyset import Key
from hansa_core.query.late import Late
from hansa_core.query.plan import PageRequest
from hansa_sdk import Invalid, LimitExceeded

PAGE_DEFAULT: Final = 50
PAGE_NESTED_DEFAULT: Final = 20
"""How many records of a relation are answered for each record when no size is asked."""
PAGE_MAX: Final = 200
TOTAL_MAX: Final = 10_000
"""Up to here totals are counted."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Which way a page goes, how many records it holds, and the cursor it starts at."""

    size: int
    backward: bool
    cursor: str | Late | None

    def keys(self, keys: Sequence[Key]) -> tuple[Key, ...]:
        """Return the keys in the direction of the walk."""
        return tuple(key.reversed() for key in keys) if self.backward else tuple(keys)


def walk_of(request: PageRequest, default: int = PAGE_DEFAULT) -> Walk:
    """Check first, after, last and before.

    Raises LimitExceeded past 200 records, Invalid for a negative size or a mixture of directions.
    """
    backward = request.last is not None or request.before is not None
    if backward and (request.first is not None or request.after is not None):
        raise Invalid(
            "A page is asked by first and after, or by last and before, not by both.",
            next_step="Leave out one pair.",
            path=("last" if request.last is not None else "before",),
        )
    name = "last" if backward else "first"
    size = request.last if backward else request.first
    size = default if size is None else size
    if size < 0:
        raise Invalid(f"{name} is {size}; expected 0 or more.", path=(name,))
    if size > PAGE_MAX:
        raise LimitExceeded(
            f"{name} is {size}; a page has at most {PAGE_MAX} records.",
            next_step="Ask for the next page with its cursor.",
            path=(name,),
        )
    return Walk(size, backward, request.before if backward else request.after)
