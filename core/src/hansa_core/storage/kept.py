"""What is worked out once for a table, and goes when the shape does that has it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar, cast

import sqlalchemy as sa

T = TypeVar("T")

KEPT_MAX: Final = 1_000
"""How much is kept for all tables of a shape together."""

_Family = OrderedDict[Hashable, Any]  # of what `make` makes: one type for each kind
_Families = OrderedDict[tuple[str, str], _Family]


def kept(table: sa.Table, kind: str, key: Hashable, make: Callable[[], T], most: int) -> T:
    """Return what was made for a key, making it at its first use; at most `most` of a kind stay.

    Of all kinds and tables of a shape, `KEPT_MAX` stay: those of the tables used last.
    The key must hold all that it depends on but the table: never a tenant or a user.
    """
    families = families_of(table)
    family = families.setdefault((table.name, kind), OrderedDict())
    families.move_to_end((table.name, kind))
    if key not in family:
        family[key] = make()
        if len(family) > most:
            family.popitem(last=False)
        while sum(map(len, families.values())) > KEPT_MAX:
            families.popitem(last=False)
    family.move_to_end(key)
    return cast(T, family[key])


def families_of(table: sa.Table) -> _Families:
    """Return what is kept for the tables of a shape, by table and kind, used last at the end."""
    return cast(_Families, table.metadata.info.setdefault("kept", OrderedDict()))
