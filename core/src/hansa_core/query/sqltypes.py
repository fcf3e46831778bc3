"""SQL types of kinds, as values are bound and figures are cast."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from hansa_core.model.meta import TEXT_KINDS, Kind

_TYPES: Final[dict[Kind, sa.types.TypeEngine[Any]]] = {  # of whatever Python type
    **{kind: sa.Text() for kind in TEXT_KINDS | {Kind.TEXT_LIST}},
    Kind.INTEGER: sa.BigInteger(),
    Kind.BOOLEAN: sa.Boolean(),
    Kind.DECIMAL: sa.Numeric(),  # without a scale: an operand must not be rounded
    Kind.MONEY: sa.Numeric(),
    Kind.QUANTITY: sa.Numeric(),
    Kind.DATE: sa.Date(),
    Kind.INSTANT: sa.DateTime(timezone=True),
    Kind.DURATION: sa.Interval(),
    Kind.UUID: sa.Uuid(),
    Kind.REFERENCE: sa.Uuid(),
}


def sql_type(kind: Kind) -> sa.types.TypeEngine[Any]:  # of whatever Python type
    """Return the SQL type of a comparable kind, numbers without a scale."""
    return _TYPES[kind]


def operand(kind: Kind, value: object) -> sa.ColumnElement[Any]:  # of whatever SQL type
    """Return a bound value of a field's kind."""
    return sa.literal(value, _TYPES[kind])
