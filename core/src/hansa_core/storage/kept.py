"""What is worked out once for a table, and goes when the shape does that has it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

import sqlalchemy as sa

T = TypeVar("T")


def kept(table: sa.Table, kind: str, key: Hashable, make: Callable[[], T], most: int) -> T:
    """Return what was made for a key, making it at its first use; at most `most` of a kind stay.

    The key must hold all that it depends on but the table: never a tenant or a user.
    """
    found = cast("OrderedDict[Hashable, T]", table.info.setdefault(kind, OrderedDict()))
    if key not in found:
        found[key] = make()
        if len(found) > most:
            found.popitem(last=False)
    found.move_to_end(key)
    return found[key]
