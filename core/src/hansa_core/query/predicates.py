"""Predicates as SQL: a boolean expression over an entity's table, three-valued as SQL is.

Null compares as unknown, with `ne` too: `stage ne "won"` leaves out rows without a stage. Only a
written None asks for null. Text orders by code point. Values are bound, never part of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.model.meta import TEXT_KINDS, FieldMeta, Kind, ManyMeta
from hansa_core.model.shape import Shape
from hansa_core.query.conditions import (
    Condition,
    Fixed,
    Route,
    check_size,
    condition_of,
    fixed_by,
    hops_of,
    relation_at,
    unit_column,
)
from hansa_core.query.formulas import formula_column
from hansa_core.query.late import Bindings, MarkersLater, later
from hansa_core.query.rollups import rollup_column, unarchived
from hansa_core.query.sqltypes import operand, sql_type
from hansa_sdk import Predicate
from hansa_sdk.predicates import And, Compare, Everything, Not, Operator, Or, Related, all_of

Column: TypeAlias = sa.ColumnElement[Any]  # a column of whatever SQL type
Visible: TypeAlias = Callable[[str], Predicate | None]
"""The rows of an entity the caller may read; None for none of them."""
Masks: TypeAlias = Callable[[str, str], Predicate | None]
"""The rows on which the caller may read a field of an entity; None for none of them."""

_ONE: Final[sa.ColumnElement[int]] = sa.literal_column("1", sa.Integer())
_ESCAPE: Final = "!"  # a backslash would depend on a server setting


class HiddenField(Exception):
    """A field the caller may read on no row: for him it does not exist."""

    def __init__(self, entity: str, name: str) -> None:
        super().__init__(f"{entity}.{name}")
        self.entity = entity
        self.name = name


def to_sql(
    predicate: Predicate,
    shape: Shape,
    entity: str,
    table: sa.FromClause,
    bindings: Bindings | MarkersLater,
    visible: Visible | None = None,
) -> sa.ColumnElement[bool]:
    """Compile a predicate on `entity`, whose rows are `table`'s.

    With `visible`, a record the caller may not read counts as absent wherever the predicate
    crosses to it; without (row rules themselves), all records count.
    Raises Invalid, CurrencyMismatch or LimitExceeded for a predicate that cannot be meant.
    """
    check_size(predicate)
    return SqlCompiler(shape, bindings, visible).condition(predicate, entity, table)


@dataclass(frozen=True, slots=True)
class SqlCompiler:
    """Compiles predicates and paths of one caller on one shape."""

    shape: Shape
    bindings: Bindings | MarkersLater
    visible: Visible | None = None
    masks: Masks | None = None

    def condition(
        self, predicate: Predicate, entity: str, table: sa.FromClause, fixed: Fixed | None = None
    ) -> sa.ColumnElement[bool]:
        """Compile a predicate; `fixed` is what the enclosing conditions hold."""
        match predicate:
            case Everything():
                return sa.true()
            case And(parts):
                held = {**(fixed or {}), **fixed_by(predicate)}
                compiled = [self.condition(part, entity, table, held) for part in parts]
                return sa.and_(sa.true(), *compiled)
            case Or(parts):
                compiled = [self.condition(part, entity, table, fixed) for part in parts]
                return sa.or_(sa.false(), *compiled)
            case Not(part):
                return sa.not_(self.condition(part, entity, table, fixed))
            case Related():
                return self._related(predicate, entity, table)
            case Compare():
                found = condition_of(
                    predicate, self.shape.entities, entity, fixed or {}, self.bindings
                )
                return self._compare(found, table)
            case _:
                raise TypeError(f"{type(predicate).__name__} is no predicate the kernel knows")

    def route(self, route: Route, table: sa.FromClause) -> Column:
        """Return the column of a resolved path, null where a record on the way is not visible."""
        return self._across(route.entity, table, route.hops, route.field.name)

    def unit(self, route: Route, table: sa.FromClause) -> Column:
        """Return the currency or unit of an amount at the end of a resolved path."""
        return self._across(route.entity, table, route.hops, route.unit_names[-1])

    def reference(self, entity: str, field: FieldMeta, table: sa.FromClause) -> Column:
        """Return a reference's id, null where what it refers to is not visible."""
        return self._across(entity, table, (), field.name)

    def related(
        self, relation: ManyMeta, target: sa.FromClause
    ) -> Sequence[sa.ColumnElement[bool]]:
        """Return the conditions under which the caller may see that a record is related."""
        shown = self.unmasked(relation.target, relation.inverse, target)
        return (*self.seen(relation.target, target), *(() if shown is None else (shown,)))

    def seen(self, entity: str, table: sa.FromClause) -> Sequence[sa.ColumnElement[bool]]:
        """Return the conditions under which the caller may read the rows of `table`."""
        if self.visible is None:
            return ()
        rows = self.visible(entity)
        if rows is None:
            return (sa.false(),)
        if isinstance(rows, Everything):
            return ()
        return (SqlCompiler(self.shape, self.bindings).condition(rows, entity, table),)

    def column(self, entity: str, name: str, table: sa.FromClause) -> Column:
        """Return a value as the caller sees it: null on rows where it is masked.

        Every way to a value goes through here: answers, conditions, orders, groups, cursors.
        Raises HiddenField for one that is masked on every row, and for a roll-up or a formula of
        such a one.
        """
        meta = self.shape.entities[entity]
        field = meta.fields.get(name)
        condition = self.unmasked(entity, name, table)
        column: Column
        if field is None or field.stored:
            column = table.c[field.column if field else name]
        elif field.rollup is not None:
            column = rollup_column(self, meta, field, table)
        else:
            column = formula_column(meta, field, table)
        return column if condition is None else sa.case((condition, column))

    def unmasked(
        self, entity: str, name: str, table: sa.FromClause
    ) -> sa.ColumnElement[bool] | None:
        """Return where a field shows; None where it shows on every row. Raises HiddenField.

        A formula shows where all it is computed of does.
        """
        if self.masks is None:
            return None
        field = self.shape.entities[entity].fields.get(name)
        needed: list[Predicate] = []
        for each in (name, *(() if field is None else field.inputs)):
            rows = self.masks(entity, self._masked_name(entity, each))
            if rows is None:
                raise HiddenField(entity, each)
            if not isinstance(rows, Everything) and rows not in needed:
                needed.append(rows)
        if not needed:
            return None
        return SqlCompiler(self.shape, self.bindings).condition(all_of(needed), entity, table)

    def hides(self, entity: str, name: str) -> bool:
        """Tell whether the caller may read the field on no row."""
        return self.masks is not None and self.masks(entity, name) is None

    def masks_any(self, entity: str) -> bool:
        """Tell whether the caller may miss a stored field of some row."""
        if self.masks is None:
            return False
        stored = self.shape.entities[entity].stored
        return any(not isinstance(self.masks(entity, f.name), Everything) for f in stored)

    def _masked_name(self, entity: str, name: str) -> str:
        """Return the field whose mask a column has: the unit of a quantity has that quantity's."""
        fields = self.shape.entities[entity].fields
        if name in fields:
            return name
        amounts = (f for f in fields.values() if f.kind is Kind.QUANTITY)
        return next((f.name for f in amounts if unit_column(f) == name), name)

    def _across(
        self, entity: str, table: sa.FromClause, hops: Sequence[FieldMeta], name: str
    ) -> Column:
        if not hops:
            field = self.shape.entities[entity].fields.get(name)
            if field is not None and field.kind is Kind.REFERENCE and self._hides(field.target):
                return self._across(entity, table, (field,), "id")
            return self.column(entity, name, table)
        hop, *rest = hops
        target = self.shape.table(hop.target).alias()
        query = sa.select(self._across(hop.target, target, rest, name)).where(
            target.c.id == self.column(entity, hop.name, table), *self.seen(hop.target, target)
        )
        return query.correlate(table).scalar_subquery()

    def _hides(self, entity: str) -> bool:
        return self.visible is not None and not isinstance(self.visible(entity), Everything)

    def _related(
        self, related: Related, entity: str, table: sa.FromClause
    ) -> sa.ColumnElement[bool]:
        relation = relation_at(self.shape.entities, entity, related.path)
        hops = hops_of(self.shape.entities, entity, related.path.names)
        target = self.shape.table(relation.target).alias()
        part = self.condition(related.part, relation.target, target)
        query = sa.select(_ONE).where(
            target.c[relation.inverse] == self._across(entity, table, hops, "id"),
            *self.related(relation, target),
            *(() if related.with_archived else unarchived(self, relation.target, target)),
            # `IS NOT true` would bind closer than the NOT that a part may begin with.
            ~sa.func.coalesce(part, sa.false()) if related.quantifier == "every" else part,
        )
        exists = query.select_from(target).correlate(table).exists()
        return exists if related.quantifier == "some" else ~exists

    def _compare(self, condition: Condition, table: sa.FromClause) -> sa.ColumnElement[bool]:
        column = self.route(condition.route, table)
        if condition.operator == "is_null":
            return column.is_(None) if condition.value else column.is_not(None)
        if condition.route.field.kind is Kind.TEXT_LIST:
            return _holds(column, condition)
        if condition.operator == "in":
            compared = _one_of(column, condition)
        elif isinstance(condition.value, Route):
            compared = _compared(column, self.route(condition.value, table), condition)
        else:
            kind = condition.route.field.kind
            compared = _compared(column, operand(kind, condition.value), condition)
        if condition.unit is None:
            return compared
        route = condition.route
        unit = self.unit(route, table)
        return sa.case((unit == sa.literal(condition.unit, sa.Text()), compared))


def _compared(column: Column, other: Column, condition: Condition) -> sa.ColumnElement[bool]:
    """Compare two columns, or a column and a value, of kinds known to fit."""
    textual = condition.route.field.kind in TEXT_KINDS
    folded = textual and not condition.exact_case
    if condition.operator in ("contains", "starts_with", "ends_with"):
        return matches(column, condition.operator, condition.value, exact=condition.exact_case)
    left, right = (sa.func.lower(column), sa.func.lower(other)) if folded else (column, other)
    if condition.operator == "eq":
        return left == right
    if condition.operator == "ne":
        return left != right
    if textual:
        left = sa.collate(left, "C")
    ordered: dict[str, sa.ColumnElement[bool]] = {
        "lt": left < right,
        "le": left <= right,
        "gt": left > right,
        "ge": left >= right,
    }
    return ordered[condition.operator]


def matches(
    column: Column, operator: Operator, value: object, *, exact: bool = False
) -> sa.ColumnElement[bool]:
    """Tell whether a text contains, starts or ends with a value; `exact`: letter by letter."""
    before = "" if operator == "starts_with" else "%"
    after = "" if operator == "ends_with" else "%"
    searched: Column = column if exact else sa.func.lower(column)
    pattern = later(value, lambda text: f"{before}{escaped(str(text))}{after}")
    bound = sa.literal(pattern, sa.Text())
    return searched.like(bound if exact else sa.func.lower(bound), escape=_ESCAPE)


def escaped(text: str, escape: str = _ESCAPE) -> str:
    """Return a text as a LIKE pattern that stands for itself."""
    for special in (escape, "%", "_"):
        text = text.replace(special, escape + special)
    return text


def _one_of(column: Column, condition: Condition) -> sa.ColumnElement[bool]:
    kind = condition.route.field.kind
    values: list[object] = later(condition.value, list)
    array = sa.literal(values, postgresql.ARRAY(sql_type(kind)))
    if kind in TEXT_KINDS and not condition.exact_case:
        value = sa.func.unnest(array).column_valued("value")
        folded = sa.select(sa.func.lower(value)).scalar_subquery()
        return sa.func.lower(column) == sa.any_(sa.func.array(folded))
    return column == sa.any_(array)


def _holds(column: Column, condition: Condition) -> sa.ColumnElement[bool]:
    """Tell whether a list of texts has the value; unknown where there is no list."""
    value = operand(Kind.TEXT_LIST, condition.value)
    if condition.exact_case:
        return value == sa.any_(column)
    element = sa.func.unnest(column).column_valued("element")
    found = sa.select(_ONE).where(sa.func.lower(element) == sa.func.lower(value))
    return sa.case((column.is_not(None), found.exists()))
