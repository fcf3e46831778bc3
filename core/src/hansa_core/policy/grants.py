"""Compiled grants: what a set of roles may do, ready for one look-up per decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hansa_sdk import Denied, Predicate


@dataclass(frozen=True, slots=True)
class Grants:
    """What the holders of some roles may do under one shape.

    `rows` maps (entity, action) to the rows it is granted on (`Everything()` for all of them);
    a pair that is missing is denied. `key` is equal for equal grants: caches use it, never a user.
    """

    key: str
    rows: Mapping[tuple[str, str], Predicate]

    def allows(self, entity: str, action: str) -> bool:
        """Tell whether the action is granted on any row."""
        return (entity, action) in self.rows

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
