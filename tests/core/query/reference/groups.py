"""The reference for groups: records counted and added up in Python.

A masked or missing key is null, and null is one key. Groups stand in the order that is asked, then
by all their keys ascending with null last: groups differ in them, so no two tie.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from functools import cmp_to_key
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from hansa_core.model.meta import EntityMeta, FieldMeta, Kind
from tests.core.query.reference.conditions import Where, compare
from tests.core.query.reference.documents import Asked
from tests.core.query.reference.evaluator import Answer, Reference, compare_values, order_path
from tests.core.query.reference.values import plain, read, written
from tests.core.query.reference.view import Seen

Keys = tuple[object, ...]

_FIGURES: Final = ("sum", "avg", "min", "max")


def groups(reference: Reference, entity: str, asked: Sequence[Asked]) -> list[Answer]:
    """Return the groups that a field asks for."""
    given = reference.given(asked[0])
    by: list[Where] = given.get("by", [])
    rows = reference.listed(entity, reference.view.rows(entity), given)
    found: dict[Keys, list[Seen]] = {} if by else {(): []}
    for row in rows:
        keys = tuple(_key(reference, entity, row, key) for key in by)
        found.setdefault(keys, []).append(row)
    meta = reference.view.shape.entity(entity)
    made = [_Group(reference, meta, by, keys, held) for keys, held in found.items()]
    made = [group for group in made if group.meets(given.get("having", {}))]
    orders: list[Where] = given.get("orderBy", [])

    def compared(one: _Group, other: _Group) -> int:
        for order in orders:
            result = compare_values(
                one.ordered(order["field"]),
                other.ordered(order["field"]),
                descending=order.get("direction") == "DESC",
                nulls_first=order.get("nulls") == "FIRST",
            )
            if result:
                return result
        for mine, yours in zip(one.keys, other.keys, strict=True):
            result = compare_values(mine, yours, descending=False, nulls_first=False)
            if result:
                return result
        return 0

    made.sort(key=cmp_to_key(compared))
    return [group.answer(asked) for group in made[: given.get("first", 100)]]


def _key(reference: Reference, entity: str, row: Seen, key: Where) -> object:
    meta = reference.view.shape.entity(entity)
    value = reference.value(entity, row, order_path(meta, key["field"]))
    bucket = key.get("bucket")
    if bucket is None or value is None:
        return value
    if isinstance(value, datetime):
        local = value.astimezone(ZoneInfo(key.get("timeZone", "UTC")))
        if bucket == "HOUR":
            return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)
        start = _start(bucket, local.date())
        midnight = datetime(start.year, start.month, start.day, tzinfo=local.tzinfo)
        return midnight.astimezone(UTC)
    return _start(bucket, cast(date, value))


def _start(bucket: str, day: date) -> date:
    match bucket:
        case "DAY":
            return day
        case "WEEK":
            return day - timedelta(days=day.weekday())
        case "MONTH":
            return day.replace(day=1)
        case "QUARTER":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case _:
            return day.replace(month=1, day=1)


class _Group:
    """One group: its keys and its records."""

    def __init__(
        self,
        reference: Reference,
        meta: EntityMeta,
        by: Sequence[Where],
        keys: Keys,
        rows: list[Seen],
    ) -> None:
        self._reference = reference
        self._meta = meta
        self._fields = {field.api_name: field for field in meta.fields.values()}
        self._names = [key["field"] for key in by]
        self.keys = keys
        self._rows = rows

    def meets(self, having: Where) -> bool:
        """Tell whether the figures meet all conditions."""
        for figure, given in having.items():
            if figure == "count":
                if not _all_hold(len(self._rows), given, lambda each: each):
                    return False
                continue
            for name, operators in given.items():
                field = self._fields[name]
                number = figure in ("sum", "avg")

                def taken(each: object, field: FieldMeta = field, number: bool = number) -> object:
                    return Decimal(str(each)) if number else read(field, each)

                if not _all_hold(self._figure(figure, field), operators, taken):
                    return False
        return True

    def ordered(self, name: str) -> object:
        """Return what an order of groups compares."""
        if name == "count":
            return len(self._rows)
        figure, _, rest = name.partition("_")
        if figure in _FIGURES:
            return self._figure(figure, self._fields[rest])
        return self.keys[self._names.index(name)]

    def _figure(self, figure: str, field: FieldMeta) -> Any:  # Any: of whatever kind
        values = [row[field.name] for row in self._rows if row[field.name] is not None]
        numbers = cast("list[Any]", values)
        if not numbers:
            return None
        match figure:
            case "sum":
                return sum(numbers)
            case "avg":
                return _average(numbers)
            case "min":
                return min(numbers)
            case _:
                return max(numbers)

    def answer(self, asked: Sequence[Asked]) -> Answer:
        """Return what is asked of the group."""
        group: Answer = {}
        for key, inner in self._reference.below(asked).items():
            name = inner[0].name
            if name == "__typename":
                group[key] = f"{self._meta.type_name}Group"
            elif name == "count":
                group[key] = len(self._rows)
            elif name == "keys":
                group[key] = self._keys_answer(inner)
            else:
                group[key] = self._figures_answer(name, inner)
        return group

    def _figures_answer(self, figure: str, asked: Sequence[Asked]) -> Answer:
        answer: Answer = {}
        for key, inner in self._reference.below(asked).items():
            name = inner[0].name
            if name == "__typename":
                kind = "Numbers" if figure in ("sum", "avg") else "Range"
                answer[key] = f"{self._meta.type_name}{kind}"
                continue
            value = self._figure(figure, self._fields[name])
            if figure in ("sum", "avg"):
                answer[key] = None if value is None else plain(Decimal(value))
            else:
                answer[key] = written(self._fields[name], value)
        return answer

    def _keys_answer(self, asked: Sequence[Asked]) -> Answer:
        answer: Answer = {}
        for key, inner in self._reference.below(asked).items():
            name = inner[0].name
            if name == "__typename":
                answer[key] = f"{self._meta.type_name}GroupKeys"
                continue
            value = self.keys[self._names.index(name)] if name in self._names else None
            field = self._field(name)
            if field.kind is Kind.REFERENCE:
                record = self._reference.view.record(field.target, value)
                answer[key] = self._reference.record(field.target, record, inner)
            else:
                answer[key] = written(field, value)
        return answer

    def _field(self, name: str) -> FieldMeta:
        path = order_path(self._meta, name)
        field = self._meta.fields[path[0]]
        if len(path) == 1:
            return field
        return self._reference.view.shape.entity(field.target).fields[path[1]]


def _average(numbers: list[Any]) -> Decimal:  # Any: whole numbers or decimals
    """Return the exact average, rounded to six decimals, halves away from zero."""
    exact = sum(map(Fraction, numbers), Fraction(0)) / len(numbers)
    with localcontext(prec=60):
        quotient = Decimal(exact.numerator) / Decimal(exact.denominator)
        return quotient.quantize(Decimal("0.000001"), ROUND_HALF_UP)


def _all_hold(value: Any, operators: Where, taken: Callable[[object], object]) -> bool:
    """Tell whether a figure meets all operators; one that is missing meets only isNull."""
    for operator, given in operators.items():
        if operator == "isNull":
            holds = (value is None) == given
        elif value is None:
            holds = False
        elif operator in ("in", "notIn"):
            holds = (value in [taken(each) for each in given]) == (operator == "in")
        elif operator == "between":
            holds = taken(given[0]) <= value <= taken(given[1])
        else:
            holds = compare(operator, value, taken(given))
        if not holds:
            return False
    return True
