"""Ids of the benchmark's records, made of the kit's integers. Standard library only.

Record n of table t is the uuid whose first 32 bits are t and whose last 60 are n: ids sort as the
kit's do, differ between tables, and lead back to the kit's integers (kit_tables.sql has the same
in SQL).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

TABLES: Final = {"company": 1, "contact": 2, "deal": 3, "activity": 4}
_LOW_BITS: Final = (1 << 60) - 1


def uuid_of(table: str, number: int) -> UUID:
    """Return the id of the kit's record `number`."""
    return UUID(int=(TABLES[table] << 96) + number)


def number_of(id: str) -> int:
    """Return the kit's integer of an id as the server writes it."""
    return UUID(id).int & _LOW_BITS
