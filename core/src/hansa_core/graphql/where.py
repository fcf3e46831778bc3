"""`where` and `orderBy` as given by a client, turned into predicates and orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final, cast
from uuid import UUID

from hansa_core.graphql.api import Api, EntityApi
from hansa_core.model.meta import FieldMeta, Kind
from hansa_core.query.late import Late, later, pinned
from hansa_sdk import Invalid, LimitExceeded, Order, Predicate
from hansa_sdk.predicates import (
    Compare,
    Everything,
    Not,
    Operator,
    Or,
    Path,
    Quantifier,
    Related,
    all_of,
)

MAX_CONDITIONS: Final = 500
"""How many conditions one `where` may hold."""
MAX_NESTING: Final = 12
"""How deep conditions may be nested."""
MAX_VALUES: Final = 1000
"""How many values `in` may list."""
MAX_ORDERS: Final = 8
"""How many keys an order may have."""

_OPERATORS: Final[dict[str, Operator]] = {
    "eq": "eq",
    "ne": "ne",
    "lt": "lt",
    "lte": "le",
    "gt": "gt",
    "gte": "ge",
}
_TEXT_OPERATORS: Final[dict[str, Operator]] = {
    "contains": "contains",
    "startsWith": "starts_with",
    "endsWith": "ends_with",
}
_QUANTIFIERS: Final[tuple[Quantifier, ...]] = ("some", "none", "every")

Place = tuple[str | int, ...]


def predicate_of(api: Api, entity: str, where: Mapping[str, object] | None) -> Predicate | None:
    """Turn a `where` of `entity` into a predicate, None for an empty one.

    Raises Invalid for a missing value and LimitExceeded for too many conditions.
    """
    if where is None:
        return None
    result = _Conditions(api).all(api.entities[entity], where, Path(entity, ()), ("where",))
    return None if result == Everything() else result


def order_of(
    api: Api, entity: str, order_by: Sequence[Mapping[str, object]] | None
) -> tuple[Order, ...]:
    """Turn an `orderBy` of `entity` into orders; raises LimitExceeded for more than eight."""
    keys = order_by or ()
    if len(keys) > MAX_ORDERS:
        raise LimitExceeded(
            f"An order has at most {MAX_ORDERS} keys, found {len(keys)}.", path=("orderBy",)
        )
    return tuple(
        Order(
            Path(entity, api.entities[entity].orders[str(pinned(key["field"]))]),
            pinned(key["direction"]) == "desc",
            pinned(key["nulls"]) == "first",
        )
        for key in keys
    )


class _Conditions:
    """Walks one `where`, counting its conditions."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._count = 0

    def all(
        self, one: EntityApi, where: Mapping[str, object], start: Path, place: Place
    ) -> Predicate:
        """Join all conditions of one level; `start` is the way to it from where it is rooted."""
        if len(place) > MAX_NESTING * 2:
            raise LimitExceeded(
                f"Conditions are nested at most {MAX_NESTING} levels deep.", path=place
            )
        return all_of(
            [
                self._condition(one, name, given, start, (*place, name))
                for name, given in where.items()
            ]
        )

    def _condition(
        self, one: EntityApi, name: str, given: object, start: Path, place: Place
    ) -> Predicate:
        if given is None:
            raise Invalid(
                f"Expected a condition for {name}, found null.",
                next_step="Leave it out, or ask for {isNull: true}.",
                path=place,
            )
        if name in ("and", "or"):
            parts = [
                self.all(one, part, start, (*place, index))
                for index, part in enumerate(cast("Sequence[Mapping[str, object]]", given))
            ]
            return all_of(parts) if name == "and" else Or(tuple(parts))
        conditions = cast("Mapping[str, object]", given)
        if name == "not":
            return Not(self.all(one, conditions, start, place))
        if name in one.relations:
            return self._related(one, name, conditions, start, place)
        field = one.fields[name]
        path = Path(start.entity, (*start.names, field.name))
        if field.kind is Kind.REFERENCE:
            return self._reference(field, conditions, path, place)
        return self._field(field.kind, path, conditions, place)

    def _reference(
        self, field: FieldMeta, given: Mapping[str, object], path: Path, place: Place
    ) -> Predicate:
        """Conditions across a reference; those on the other record's id need no join."""
        by_id = given.get("id")
        rest = {name: value for name, value in given.items() if name != "id" or value is None}
        parts: list[Predicate] = []
        if by_id is not None:
            conditions = cast("Mapping[str, object]", by_id)
            parts.append(self._field(Kind.REFERENCE, path, conditions, (*place, "id")))
        if rest:
            parts.append(self.all(self._api.entities[field.target], rest, path, place))
        return all_of(parts)

    def _related(
        self, one: EntityApi, name: str, given: Mapping[str, object], start: Path, place: Place
    ) -> Predicate:
        many = one.relations[name]
        target = self._api.entities[many.target]
        path = Path(start.entity, (*start.names, many.name))
        archived = given.get("archived") is True
        parts: list[Predicate] = []
        for quantifier in _QUANTIFIERS:
            if quantifier not in given:
                continue
            inner = given[quantifier]
            where = cast("Mapping[str, object]", inner if inner is not None else {})
            part = self.all(target, where, Path(many.target, ()), (*place, quantifier))
            parts.append(Related(path, quantifier, part, archived))
        return all_of(parts)

    def _field(
        self, kind: Kind, path: Path, given: Mapping[str, object], place: Place
    ) -> Predicate:
        parts: list[Predicate] = []
        for operator, value in given.items():
            self._count += 1
            if self._count > MAX_CONDITIONS:
                raise LimitExceeded(
                    f"A filter has at most {MAX_CONDITIONS} conditions.", path=("where",)
                )
            if value is None:
                raise Invalid(
                    f"Expected a value for {operator}, found null.",
                    next_step="Leave it out, or ask for {isNull: true}.",
                    path=(*place, operator),
                )
            parts.append(_compare(kind, path, operator, value, (*place, operator)))
        return all_of(parts)


def _compare(kind: Kind, path: Path, operator: str, value: object, place: Place) -> Predicate:
    if operator == "isNull":
        return Compare(path, "is_null", value)
    if operator in _TEXT_OPERATORS:
        return Compare(path, _TEXT_OPERATORS[operator], value, exact_case=False)
    if operator in _OPERATORS:
        return Compare(path, _OPERATORS[operator], plain_value(kind, value, place))
    if isinstance(value, Late) and operator != "between":
        several = later(value, partial(_plain_values, kind, operator, place))
        among = Compare(path, "in", several)
        return among if operator == "in" else Not(among)
    if isinstance(value, Late):
        value = value.items()
    values = [plain_value(kind, item, place) for item in cast("Sequence[object]", value)]
    if operator == "between":
        if len(values) != 2:
            raise Invalid(
                f"Expected two values for between, found {len(values)}.",
                next_step='Write it like between: ["1", "9"].',
                path=place,
            )
        return Compare(path, "ge", values[0]) & Compare(path, "le", values[1])
    among = Compare(
        path, "in", _plain_values(kind, operator, place, [pinned(each) for each in values])
    )
    return among if operator == "in" else Not(among)


def _plain_values(
    kind: Kind, operator: str, place: Place, values: Sequence[object]
) -> tuple[object, ...]:
    if len(values) > MAX_VALUES:
        raise LimitExceeded(
            f"{operator} takes at most {MAX_VALUES} values, found {len(values)}.", path=place
        )
    return tuple(plain_value(kind, each, place) for each in values)


def plain_value(kind: Kind, value: object, place: Place = ()) -> object:
    """Return a coerced input value as rows hold it: ids become UUIDs. Raises Invalid."""
    if isinstance(value, Late):
        return later(value, lambda given: plain_value(kind, given, place))
    if kind in (Kind.UUID, Kind.REFERENCE) and isinstance(value, str):
        return parse_id(value, place)
    assert isinstance(value, (str, int, bool, Decimal, date, datetime, timedelta, UUID))
    return value


def late_id(value: object, place: Place = ()) -> UUID | Late:
    """Read a record's id, now or with each request; raises Invalid as `parse_id`."""
    if isinstance(value, Late):
        return value.then(lambda given: parse_id(given, place))
    return parse_id(value, place)


def parse_id(value: object, place: Place = ()) -> UUID:
    """Read a record's id as clients write it; raises Invalid with `place` as its path."""
    try:
        return UUID(str(value))
    except ValueError:
        raise Invalid(
            f"Expected the id of a record (a UUID), found {str(value)[:60]!r}.", path=place
        ) from None
