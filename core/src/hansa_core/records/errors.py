"""Several mistakes at once: what is wrong with each record of a write."""

from __future__ import annotations

from collections.abc import Sequence

from hansa_sdk import HansaError


class Rejected(HansaError):
    """A write refused for one or more reasons; each error's path begins with the row's position."""

    code = "invalid"

    def __init__(self, errors: Sequence[HansaError]) -> None:
        first = errors[0]
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(
            f"{first.message}{more}",
            next_step=first.next_step,
            path=first.path,
            params=first.params,
        )
        self.errors = tuple(errors)
