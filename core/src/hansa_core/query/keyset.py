"""Keyset pages: an order completed with the id, and the condition "after this record"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from hansa_core.model.meta import ORDERED_KINDS, Kind
from hansa_core.query.conditions import Fixed, mismatch, route_to
from hansa_core.query.operands import check_operator
from hansa_core.query.predicates import SqlCompiler
from hansa_core.query.sqltypes import operand
from hansa_sdk import Invalid, LimitExceeded, Order
from hansa_sdk.predicates import Path

KEYS_MAX: Final = 8

Column: TypeAlias = sa.ColumnElement[Any]  # a column of whatever SQL type


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order. Text compares by the database's collation, here and in ORDER BY."""

    column: sa.ColumnElement[Any]  # of whatever SQL type
    kind: Kind
    descending: bool
    nulls_first: bool
    nullable: bool

    def reversed(self) -> Key:
        """Return the key of the same order walked backward."""
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)

    def sorted(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return `column` (this one or its name in an outer query) as part of an ORDER BY."""
        directed = column.desc() if self.descending else column.asc()
        if not self.nullable:
            return directed
        return directed.nulls_first() if self.nulls_first else directed.nulls_last()

    def same(self, bound: Column) -> sa.ColumnElement[bool]:
        """Tell whether a record has this key equal to a bound value."""
        if self.nullable:
            return self.column.is_not_distinct_from(bound)
        return self.column == bound

    def past(self, bound: Column) -> sa.ColumnElement[bool]:
        """Tell whether a record comes after a bound value by this key alone."""
        further = self.column < bound if self.descending else self.column > bound
        if not self.nullable:
            return further
        if self.nulls_first:
            return sa.or_(further, sa.and_(bound.is_(None), self.column.is_not(None)))
        return sa.or_(further, sa.and_(self.column.is_(None), bound.is_not(None)))


def completed(order: Sequence[Order], entity: str) -> tuple[Order, ...]:
    """Return the order with the id as its last key; raises LimitExceeded past eight keys."""
    if len(order) > KEYS_MAX:
        raise LimitExceeded(
            f"An order has {len(order)} keys; at most {KEYS_MAX} are taken.",
            next_step="Leave out the last ones.",
        )
    keys: list[Order] = []
    for each in order:
        if all(each.path != key.path for key in keys):
            keys.append(each)
        if each.path.names == ("id",):
            return tuple(keys)
    return (*keys, Order(Path(entity, ("id",)), descending=False, nulls_first=False))


def keys_of(
    order: Sequence[Order],
    entity: str,
    table: sa.FromClause,
    compiler: SqlCompiler,
    fixed: Fixed,
) -> tuple[Key, ...]:
    """Return the columns of a completed order.

    Raises Invalid for a field no list is ordered by, CurrencyMismatch for an amount whose currency
    the filter (`fixed`) leaves open.
    """
    keys: list[Key] = []
    for each in order:
        route = route_to(compiler.shape.entities, entity, each.path)
        check_operator(route.entity, route.field, "is_null")
        if route.field.kind not in ORDERED_KINDS:
            raise Invalid(
                f"Lists are not ordered by {each.path}, which is of kind {route.field.kind}.",
                next_step="Order by another field.",
                path=each.path.names,
            )
        if route.field.kind is Kind.MONEY and route.unit_names not in fixed:
            raise mismatch(route)
        nullable = bool(route.hops) or route.field.nullable
        # A reference may be null to a caller who does not see what it refers to.
        nullable = nullable or route.field.kind is Kind.REFERENCE
        column = compiler.route(route, table)
        nullable = nullable or not isinstance(column, sa.ColumnClause)  # masked
        keys.append(Key(column, route.field.kind, each.descending, each.nulls_first, nullable))
    return tuple(keys)


def after(keys: Sequence[Key], values: Sequence[object]) -> sa.ColumnElement[bool]:
    """Tell whether a record comes after the one whose keys are `values`, late ones as well."""
    bounds = [operand(key.kind, value) for key, value in zip(keys, values, strict=True)]
    if len(keys) > 1 and not any(key.nullable for key in keys):
        if len({key.descending for key in keys}) == 1:  # one comparison, which an index answers
            own, other = sa.tuple_(*(key.column for key in keys)), sa.tuple_(*bounds)
            return own < other if keys[0].descending else own > other
    steps = [
        sa.and_(
            *(key.same(bound) for key, bound in zip(keys[:position], bounds, strict=False)),
            keys[position].past(bounds[position]),
        )
        for position in range(len(keys))
    ]
    return sa.or_(sa.false(), *steps)
