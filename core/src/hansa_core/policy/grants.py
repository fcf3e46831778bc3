"""Compiled grants: what a set of roles may do, ready for one look-up per decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hansa_sdk import Denied, Predicate
from hansa_sdk.predicates import Everything

_EVERY_ROW: Final = Everything()


@dataclass(frozen=True, slots=True)
class Grants:
    """What the holders of some roles may do under one shape.

    `rows` maps (entity, action) to the rows it is granted on (`Everything()` for all of them);
    a pair that is missing is denied. `masks` maps (entity, field) to the rows on which a field may
    be read, None for none of them; a field that is missing shows on every row that may be read.
    `key` is equal for equal grants: caches use it, never a user.
    """

    key: str
    rows: Mapping[tuple[str, str], Predicate]
    masks: Mapping[tuple[str, str], Predicate | None] = field(
        default_factory=dict[tuple[str, str], Predicate | None]
    )

    def allows(self, entity: str, action: str) -> bool:
        """Tell whether the action is granted on any row."""
        return (entity, action) in self.rows

    def readable(self, entity: str) -> Predicate | None:
        """Return the rows of an entity that may be read; None for none of them."""
        return self.rows.get((entity, "read"))

    def mask(self, entity: str, name: str) -> Predicate | None:
        """Return the rows on which a field may be read; None for none of them."""
        return self.masks.get((entity, name), _EVERY_ROW)

    @property
    def hides(self) -> bool:
        """Whether a field is hidden on all rows."""
        return any(rows is None for rows in self.masks.values())

    def rows_for(self, entity: str, action: str) -> Predicate:
        """Return the rows the action is granted on; raises Denied when there are none."""
        rows = self.rows.get((entity, action))
        if rows is None:
            raise Denied(
                f"Your roles do not grant {action} on {entity}.",
                next_step="Ask an administrator for a role that does.",
                params={"entity": entity, "action": action},
            )
        return rows
