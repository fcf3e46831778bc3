"""Predicates in Python: the same three-valued answer on a row as `predicates` gives in SQL.

Case is folded letter by letter as PostgreSQL's lower() does it in a UTF-8 locale (simple
mappings, no language's own rules); letters newer than Python's Unicode tables stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, cast
from uuid import UUID

from hansa_core.model.meta import FieldMeta, Kind, ManyMeta
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
)
from hansa_core.query.late import Bindings
from hansa_core.query.rollups import rolled_up
from hansa_sdk import Predicate
from hansa_sdk.expressions import AMOUNT_DECIMALS, NUMBER_DECIMALS, Number, exact, rounded
from hansa_sdk.predicates import And, Compare, Everything, Not, Or, Related

Row: TypeAlias = Mapping[str, object]
Truth: TypeAlias = "bool | None"

_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {  # values of one ordered kind
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "lt": lambda left, right: left < right,
    "le": lambda left, right: left <= right,
    "gt": lambda left, right: left > right,
    "ge": lambda left, right: left >= right,
    "contains": lambda left, right: right in left,
    "starts_with": lambda left, right: left.startswith(right),
    "ends_with": lambda left, right: left.endswith(right),
}


class Lookup(Protocol):
    """The records a predicate may lead to from the row it is evaluated on."""

    @property
    def shape(self) -> Shape:
        """The shape that names and types the fields."""
        ...

    def record(self, entity: str, id: UUID) -> Row | None:
        """Return the row of one record, or None."""
        ...

    def related(self, entity: str, inverse: str, id: UUID) -> Iterable[Row]:
        """Return the rows of `entity` whose reference `inverse` is `id`."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedRows:
    """A Lookup in rows already in memory, by entity and id."""

    shape: Shape
    rows: Mapping[str, Mapping[UUID, Row]]

    def record(self, entity: str, id: UUID) -> Row | None:
        """Return the row of one record, or None."""
        return self.rows.get(entity, {}).get(id)

    def related(self, entity: str, inverse: str, id: UUID) -> Iterable[Row]:
        """Return the rows of `entity` whose reference `inverse` is `id`."""
        return [row for row in self.rows.get(entity, {}).values() if row[inverse] == id]


def evaluate(
    predicate: Predicate, entity: str, row: Row, bindings: Bindings, lookup: Lookup
) -> Truth:
    """Return whether the row of `entity` meets the predicate; None where it is unknown.

    Raises Invalid, CurrencyMismatch or LimitExceeded as `to_sql` does.
    """
    check_size(predicate)
    return _Evaluator(bindings, lookup).truth(predicate, entity, row, {})


def folded(text: str) -> str:
    """Return `text` in lower case as PostgreSQL's lower() gives it."""
    lowered = text.lower()
    if len(lowered) == len(text) and "Σ" not in text:
        return lowered
    return "".join("i" if letter == "İ" else letter.lower() for letter in text)


@dataclass(frozen=True, slots=True)
class _Evaluator:
    bindings: Bindings
    lookup: Lookup

    def truth(self, predicate: Predicate, entity: str, row: Row, fixed: Fixed) -> Truth:
        match predicate:
            case Everything():
                return True
            case And(parts):
                held = {**fixed, **fixed_by(predicate)}
                return _all([self.truth(part, entity, row, held) for part in parts])
            case Or(parts):
                return _negated(
                    _all([_negated(self.truth(part, entity, row, fixed)) for part in parts])
                )
            case Not(part):
                return _negated(self.truth(part, entity, row, fixed))
            case Related():
                return self._related(predicate, entity, row)
            case Compare():
                entities = self.lookup.shape.entities
                found = condition_of(predicate, entities, entity, fixed, self.bindings)
                return self._compare(found, row)
            case _:
                raise TypeError(f"{type(predicate).__name__} is no predicate the kernel knows")

    def _related(self, related: Related, entity: str, row: Row) -> bool:
        entities = self.lookup.shape.entities
        relation = relation_at(entities, entity, related.path)
        # Checked even when there is no record, so that SQL and Python refuse the same predicates.
        self.truth(related.part, relation.target, _Empty(), {})
        owner = self._follow(row, hops_of(entities, entity, related.path.names))
        if owner is None:
            return related.quantifier != "some"
        rows = self._listed(relation, owner, with_archived=related.with_archived)
        truths = [self.truth(related.part, relation.target, each, {}) for each in rows]
        if related.quantifier == "every":
            return all(truth is True for truth in truths)
        return any(truth is True for truth in truths) == (related.quantifier == "some")

    def _listed(self, relation: ManyMeta, owner: Row, *, with_archived: bool) -> list[Row]:
        """Return the related rows as lists show them."""
        rows = self.lookup.related(relation.target, relation.inverse, cast(UUID, owner["id"]))
        return [row for row in rows if with_archived or row.get("archived") is not True]

    def _follow(self, row: Row, hops: Sequence[FieldMeta]) -> Row | None:
        found: Row | None = row
        for hop in hops:
            if found is None or found[hop.name] is None:
                return None
            found = self.lookup.record(hop.target, cast(UUID, found[hop.name]))
        return found

    def _value(self, route: Route, row: Row, name: str | None = None) -> object:
        found = self._follow(row, route.hops)
        if found is None:
            return None
        if name is not None or route.field.stored:
            return found[name or route.field.name]
        if route.field.formula is not None:
            return _computed(route.field, found)
        entity = route.hops[-1].target if route.hops else route.entity
        return self._rolled_up(entity, route.field, found)

    def _rolled_up(self, entity: str, field: FieldMeta, row: Row) -> object:
        entities = self.lookup.shape.entities
        rolled = rolled_up(entities, entities[entity], field)
        rows = [
            each
            for each in self._listed(rolled.relation, row, with_archived=False)
            if self.truth(rolled.where, rolled.relation.target, each, {}) is True
        ]
        if rolled.route is None:
            return len(rows)
        values: list[Any] = [self._value(rolled.route, each) for each in rows]
        present = [value for value in values if value is not None]
        match rolled.kind:
            case "count":
                return len(present)
            case "sum":
                return sum(present)
            case "min":
                return min(present, default=None)
            case _:
                return max(present, default=None)

    def _compare(self, condition: Condition, row: Row) -> Truth:
        left = self._value(condition.route, row)
        if condition.operator == "is_null":
            return (left is None) == condition.value
        if condition.unit is not None:
            unit = self._value(condition.route, row, condition.route.unit_names[-1])
            if unit != condition.unit:
                return None
        if condition.operator == "in":
            return _one_of(left, condition)
        right = condition.value
        if isinstance(right, Route):
            right = self._value(right, row)
        if left is None or right is None:
            return None
        if condition.route.field.kind is Kind.TEXT_LIST:
            elements = cast("list[str]", left)
            return _fold(right, condition) in [_fold(each, condition) for each in elements]
        compare = _COMPARE[condition.operator]
        return compare(_fold(left, condition), _fold(right, condition))


class _Empty(dict[str, object]):
    """A row without a value, and a mapping without an end of names."""

    def __missing__(self, name: str) -> None:
        return None


def _computed(field: FieldMeta, row: Row) -> object:
    """Return the value of a formula, amounts without their currency as rows hold them."""
    assert field.formula is not None
    value = field.formula.worked_out(lambda path: exact(row[path.names[-1]]))
    if not isinstance(value, Number):
        return value
    if field.kind is Kind.INTEGER:
        return int(value.value) if -(2**63) <= value.value < 2**63 else None
    places = AMOUNT_DECIMALS if field.kind is Kind.MONEY else NUMBER_DECIMALS
    return rounded(value.value, places)


def _one_of(left: object, condition: Condition) -> Truth:
    values = cast("tuple[object, ...]", condition.value)
    if not values:
        return False  # as `= ANY` of an empty array, even for null
    if left is None:
        return None
    return _fold(left, condition) in [_fold(value, condition) for value in values]


def _fold(value: object, condition: Condition) -> object:
    return folded(value) if isinstance(value, str) and not condition.exact_case else value


def _all(truths: Sequence[Truth]) -> Truth:
    if False in truths:
        return False
    return None if None in truths else True


def _negated(truth: Truth) -> Truth:
    return None if truth is None else not truth
