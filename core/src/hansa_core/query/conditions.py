"""Conditions: the comparisons of a predicate with names resolved and values checked.

SQL (`predicates`) and Python (`evaluate`) both start from these, so they mean the same fields and
the same values. Amounts carry the one currency (or unit) they compare in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, cast

from hansa_core.model.meta import TEXT_KINDS, EntityMeta, FieldMeta, Kind, ManyMeta
from hansa_core.model.paths import check_crossed, resolve
from hansa_core.query.late import Bindings, Late, MarkersLater, later, pinned
from hansa_core.query.operands import (
    check_operator,
    member,
    plain_value,
    plain_values,
)
from hansa_sdk import CurrencyMismatch, Invalid, LimitExceeded, Money, Predicate, Quantity
from hansa_sdk.predicates import And, Compare, Marker, Not, Operator, Or, Path, Related

DEPTH_MAX: Final = 32
CONDITIONS_MAX: Final = 1000

Entities: TypeAlias = Mapping[str, EntityMeta]
Fixed: TypeAlias = "Mapping[tuple[str, ...], str | Late]"
"""Currency fields that the enclosing `and` holds at one value, by path."""

_COLUMN_OPERATORS: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.DECIMAL})


@dataclass(frozen=True, slots=True)
class Route:
    """A path resolved: the references it crosses, and the field it ends at."""

    entity: str
    hops: tuple[FieldMeta, ...]
    field: FieldMeta

    @property
    def unit_names(self) -> tuple[str, ...]:
        """Where the currency or unit of this amount is."""
        return (*(hop.name for hop in self.hops), unit_column(self.field))


@dataclass(frozen=True, slots=True)
class Condition:
    """`route operator value`, the value plain: a Route, a tuple for `in`, a bool for `is_null`.

    With `unit`, the comparison is unknown on a row whose currency or unit is another.
    """

    route: Route
    operator: Operator
    value: object
    exact_case: bool = True
    unit: str | Late | None = None


def route_to(entities: Entities, entity: str, path: Path) -> Route:
    """Resolve a path to a field; raises Invalid, with near names, when it leads to none."""
    found = _resolve(entities, entity, path)
    if isinstance(found, ManyMeta):
        raise Invalid(
            f"{path} is a to-many relation.",
            next_step="Ask for some, none or every of its records.",
            path=path.names,
        )
    return Route(entity, hops_of(entities, entity, path.names), found)


def relation_at(entities: Entities, entity: str, path: Path) -> ManyMeta:
    """Resolve a path to a to-many relation; raises Invalid when it leads to none."""
    found = _resolve(entities, entity, path)
    if isinstance(found, ManyMeta):
        return found
    raise Invalid(f"{path} is no to-many relation.", path=path.names)


def hops_of(entities: Entities, entity: str, names: Sequence[str]) -> tuple[FieldMeta, ...]:
    """Return the references that a resolved path crosses before its last name."""
    hops: list[FieldMeta] = []
    for name in names[:-1]:
        hops.append(entities[entity].fields[name])
        entity = hops[-1].target
    return tuple(hops)


def unit_column(field: FieldMeta) -> str:
    """Return the column beside an amount that holds its currency or unit."""
    return field.currency_field if field.kind is Kind.MONEY else f"{field.name}_unit"


def condition_of(
    compare: Compare,
    entities: Entities,
    entity: str,
    fixed: Fixed,
    bindings: Bindings | MarkersLater,
) -> Condition:
    """Resolve and check one comparison on `entity`.

    Raises Invalid for a name, operator or value that does not fit, CurrencyMismatch where amounts
    of several currencies could meet.
    """
    route = route_to(entities, entity, compare.path)
    operator, value = compare.operator, compare.value
    if value is None and operator in ("eq", "ne"):  # written None, not a marker that has no value
        return Condition(route, "is_null", compare.operator == "eq")
    check_operator(compare.path.entity, route.field, operator)
    if operator == "is_null":
        return Condition(route, operator, _truth(route, pinned(value)))
    if isinstance(value, Path):
        return _between(route, operator, route_to(entities, entity, value), compare, fixed)
    if isinstance(value, Marker):
        return _marked(route, operator, value, bindings)
    if route.field.kind in (Kind.MONEY, Kind.QUANTITY):
        return _amount(route, operator, value, fixed)
    if operator == "in":
        values = later(plain_values(route.field, value), partial(_members, route.field))
        return Condition(route, operator, values, compare.exact_case)
    plain = plain_value(route.field, value)
    if operator in ("eq", "ne"):
        plain = member(route.field, plain)
    return Condition(route, operator, plain, compare.exact_case)


def _members(field: FieldMeta, values: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(member(field, each) for each in values)


def fixed_by(predicate: Predicate) -> dict[tuple[str, ...], str | Late]:
    """Return the paths that must equal one text for `predicate` to be true, with that text."""
    if isinstance(predicate, And):
        merged: dict[tuple[str, ...], str | Late] = {}
        for part in predicate.parts:
            merged.update(fixed_by(part))
        return merged
    if isinstance(predicate, Compare):
        value = predicate.value
        if predicate.operator == "in" and isinstance(value, tuple):
            members = cast("tuple[object, ...]", value)
            value = members[0] if len(members) == 1 else None
        if predicate.operator == "eq" and isinstance(value, Late):
            text = value if predicate.exact_case else value.then(str.upper)
            return {predicate.path.names: text}
        if predicate.operator in ("eq", "in") and isinstance(value, str):
            if not isinstance(value, Marker):
                return {predicate.path.names: value if predicate.exact_case else value.upper()}
    return {}


def check_size(predicate: Predicate) -> None:
    """Raise LimitExceeded for a predicate deeper or longer than a request may send."""
    level: list[Predicate] = [predicate]
    total = 0
    for _ in range(DEPTH_MAX):
        level = [part for each in level for part in _parts(each)]
        total += len(level)
        if not level:
            return
        if total > CONDITIONS_MAX:
            break
    raise LimitExceeded(
        f"The condition has more than {DEPTH_MAX} levels or {CONDITIONS_MAX} parts.",
        next_step="Ask for less at once.",
    )


def _parts(predicate: Predicate) -> tuple[Predicate, ...]:
    match predicate:
        case And(parts) | Or(parts):
            return parts
        case Not(part) | Related(part=part):
            return (part,)
        case _:
            return ()


def _resolve(entities: Entities, entity: str, path: Path) -> FieldMeta | ManyMeta:
    if path.entity != entity:
        raise Invalid(
            f"A condition on {path.entity} stands where one on {entity} is expected.",
            next_step=f"Start the path {path} at {entity}.",
            path=path.names,
        )
    found = resolve(entities, entity, path.names)
    check_crossed(entities, path)
    return found


def _truth(route: Route, value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid(f"{route.field.name}: is_null takes true or false.", path=(route.field.name,))
    return value


def _marked(
    route: Route, operator: Operator, marker: Marker, bindings: Bindings | MarkersLater
) -> Condition:
    """Put in what a marker stands for; a missing user compares as unknown."""
    value = bindings.resolve(marker)
    kinds = (Kind.INSTANT,) if marker is Marker.NOW else (Kind.UUID, Kind.REFERENCE)
    listed = marker is Marker.CURRENT_TEAMS
    if route.field.kind not in kinds or listed != (operator == "in"):
        raise Invalid(
            f"{route.field.name} {operator} {marker.value} compares different things.",
            next_step="Compare times with NOW, users with CURRENT_USER, teams `in` CURRENT_TEAMS.",
            path=(route.field.name,),
        )
    return Condition(route, operator, value)


def _between(
    route: Route, operator: Operator, other: Route, compare: Compare, fixed: Fixed
) -> Condition:
    """Check a comparison of two fields."""
    check_operator(compare.path.entity, other.field, operator)
    kinds = {route.field.kind, other.field.kind}
    alike = len(kinds) == 1 or kinds <= TEXT_KINDS or kinds <= _NUMBERS
    links = {Kind.REFERENCE, Kind.UUID}
    if operator not in _COLUMN_OPERATORS or not (alike or kinds <= links):
        raise Invalid(
            f"{route.field.name} and {other.field.name} do not compare by {operator}.",
            next_step="Compare fields of one kind by eq, ne, lt, le, gt or ge.",
            path=(route.field.name,),
        )
    unit = None
    if kinds & {Kind.MONEY, Kind.QUANTITY} and route.unit_names != other.unit_names:
        unit = cast("str | None", pinned(fixed.get(route.unit_names)))
        if unit is None or pinned(fixed.get(other.unit_names)) != unit:
            raise mismatch(route)
    return Condition(route, operator, other, compare.exact_case, unit)


def _amount(route: Route, operator: Operator, value: object, fixed: Fixed) -> Condition:
    """Make amounts plain and find the one currency or unit they are compared in."""
    given: Sequence[object] = (value,)
    if operator == "in" and isinstance(value, Late):  # a list of plain numbers
        unit = fixed.get(route.unit_names)
        if unit is None:
            raise mismatch(route)
        return Condition(route, operator, plain_values(route.field, value), True, unit)
    if operator == "in" and isinstance(value, (tuple, list)):
        given = cast("Sequence[object]", value)
    units: set[str | Late | None] = set()
    plain: list[object] = []
    for each in given:
        if isinstance(each, Money) and route.field.kind is Kind.MONEY:
            units.add(str(each.currency))
            each = each.value
        elif isinstance(each, Quantity) and route.field.kind is Kind.QUANTITY:
            units.add(each.unit)
            each = each.value
        else:
            units.add(fixed.get(route.unit_names))
        plain.append(plain_value(route.field, each))
    unit = next(iter(units), None)
    if len(units) > 1 or (plain and unit is None):
        raise mismatch(route)
    return Condition(route, operator, tuple(plain) if operator == "in" else plain[0], True, unit)


def mismatch(route: Route) -> CurrencyMismatch:
    """Return the error for amounts that could be of several currencies or units."""
    names = ".".join(route.unit_names)
    return CurrencyMismatch(
        f"Amounts of {route.field.name} may differ in {names}, so they do not compare or order.",
        next_step=f"Add a condition that {names} equals one value.",
        path=(*(hop.name for hop in route.hops), route.field.name),
    )
