"""Cursors of changes: a position in one tenant's ledger, sealed."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from hansa_core.query.cursor import CursorScope, CursorSealer
from hansa_sdk import Invalid


class Positions:
    """Seals and opens the cursors of one tenant's changes; they are good for all its callers."""

    def __init__(self, cursors: CursorSealer, tenant: UUID) -> None:
        self._cursors = cursors
        self._scope = CursorScope(tenant, "", "changes", "", "")

    def seal(self, position: int) -> str:
        """Return the cursor behind the change at `position`."""
        return self._cursors.seal([position], self._scope)

    def open(self, cursor: str, head: int) -> int:
        """Return a cursor's position; raises Invalid for one not of this ledger up to `head`."""
        try:
            position = cast(int, self._cursors.open(cursor, self._scope)[0])
        except Invalid as error:
            raise _foreign() from error
        if position > head:  # of a ledger that was restored from a backup since
            raise _foreign()
        return position


def _foreign() -> Invalid:
    return Invalid(
        "Expected the cursor of a change of this company, found something else.",
        next_step="Give the cursor of the last change you got, or leave `since` out to hear of "
        "changes from now on.",
        path=("since",),
    )
