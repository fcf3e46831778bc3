"""Formulas: what the SDK's expressions are in SQL, with the very results they have in Python.

Numbers are numeric, so nothing overflows or is rounded on the way; a quotient is cut off where the
SDK cuts it off, and the value is rounded at the end, halves away from zero as round() does.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from hansa_core.model.meta import EntityMeta, FieldMeta, Kind
from hansa_sdk import Column as FieldColumn
from hansa_sdk import Expression
from hansa_sdk.expressions import (
    AMOUNT_DECIMALS,
    NUMBER_DECIMALS,
    QUOTIENT_DECIMALS,
    Computed,
    Given,
)

Column: TypeAlias = sa.ColumnElement[Any]  # a column of whatever SQL type

_STEPS: Final[Column] = sa.literal_column(str(10**QUOTIENT_DECIMALS), sa.Numeric())
_STEP: Final[Column] = sa.literal_column(f"{Decimal(1).scaleb(-QUOTIENT_DECIMALS):f}", sa.Numeric())
_ZERO: Final[Column] = sa.literal_column("0", sa.Numeric())
_LEAST: Final[Column] = sa.literal_column(str(-(2**63)), sa.Numeric())
_GREATEST: Final[Column] = sa.literal_column(str(2**63 - 1), sa.Numeric())
_DECIMALS: Final = {Kind.MONEY: AMOUNT_DECIMALS, Kind.DECIMAL: NUMBER_DECIMALS}


def formula_column(meta: EntityMeta, field: FieldMeta, table: sa.FromClause) -> Column:
    """Return the value of a formula of the rows of `table`, whatever of it may be seen."""
    assert field.formula is not None
    value = _compiled(field.formula, meta, table)
    if field.kind is Kind.INTEGER:
        return sa.case((value.between(_LEAST, _GREATEST), sa.cast(value, sa.BigInteger())))
    decimals = _DECIMALS.get(field.kind)
    if decimals is None:
        return value
    return sa.func.round(value, sa.literal_column(str(decimals), sa.Integer()))


def _compiled(expression: Expression[object], meta: EntityMeta, table: sa.FromClause) -> Column:
    match expression:
        case FieldColumn():
            column = table.c[meta.fields[expression.field_name].column]
            return column if _is_text(column) else sa.cast(column, sa.Numeric())
        case Given(constant=str() as text):
            return sa.literal(text, sa.Text())
        case Given(constant=number):
            return sa.literal_column(f"({Decimal(number):f})", sa.Numeric())
        case Computed(operation=operation, left=left, right=right):
            sides = (_compiled(left, meta, table), _compiled(right, meta, table))
            return _operation(operation, *sides)
        case _:
            raise TypeError(f"{type(expression).__name__} is no expression the kernel knows")


def _operation(operation: str, left: Column, right: Column) -> Column:
    match operation:
        case "add" if _is_text(left):
            return sa.cast(left, sa.Text()).concat(sa.cast(right, sa.Text()))
        case "add":
            return left + right
        case "subtract":
            return left - right
        case "multiply":
            return left * right
        case "divide":
            return sa.func.div(left * _STEPS, sa.func.nullif(right, _ZERO)) * _STEP
        case _:
            return sa.func.coalesce(left, right)


def _is_text(column: Column) -> bool:
    return isinstance(column.type, sa.String)
