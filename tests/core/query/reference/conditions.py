"""`where` and `search` on the rows a caller sees, in three values: true, false, unknown (None).

A missing value makes a comparison unknown, an amount in another currency than the one the
enclosing conditions hold does too; only `isNull` asks for what is missing. `in` of nothing is
false. Text compares letter by letter and in the order of code points, save that contains,
startsWith, endsWith and search do not tell upper from lower case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from hansa_core.model.meta import FieldMeta, Kind, ManyMeta
from hansa_core.query.evaluate import folded
from tests.core.query.reference.values import read
from tests.core.query.reference.view import Seen, View

Where: TypeAlias = Mapping[str, Any]  # as a document gives it
Truth: TypeAlias = "bool | None"


def truth(
    view: View, entity: str, row: Seen | None, where: Where, held: Where | None = None
) -> Truth:
    """Tell whether a row meets a `where`; `held` are the currencies enclosing conditions hold."""
    own = _merged(held or {}, _holding(where))
    meta = view.shape.entity(entity)
    fields = {field.api_name: field for field in meta.fields.values()}
    relations = {many.api_name: many for many in meta.relations.values()}
    truths: list[Truth] = []
    for name, given in where.items():
        if name == "and":
            truths += [truth(view, entity, row, part, own) for part in given]
        elif name == "or":
            truths.append(_any(truth(view, entity, row, part, own) for part in given))
        elif name == "not":
            truths.append(_negated(truth(view, entity, row, given, own)))
        elif name in relations:
            truths += _quantified(view, relations[name], row, given)
        elif fields[name].kind is Kind.REFERENCE:
            truths += _across(view, fields[name], row, given, own.get(name))
        else:
            truths += _compared(fields[name], row, given, own.get("currency"))
    return _all(truths)


def found(view: View, entity: str, row: Seen, search: str) -> bool:
    """Tell whether each word stands in one of the fields that are searched."""
    searched = [field.name for field in view.shape.entity(entity).stored if field.search]
    texts = [folded(str(row[name])) for name in searched if row[name] is not None]
    return all(any(folded(word) in text for text in texts) for word in search.split())


def _quantified(view: View, many: ManyMeta, row: Seen | None, given: Where) -> list[Truth]:
    related = [] if row is None else view.related(many.target, many.inverse, row["id"])
    if not given.get("archived", False):
        related = [each for each in related if not each["archived"]]
    truths: list[Truth] = []
    for quantifier, where in given.items():
        if quantifier == "archived":
            continue
        met = [truth(view, many.target, each, where) is True for each in related]
        holds = {"some": any(met), "none": not any(met), "every": all(met)}
        truths.append(holds[quantifier])
    return truths


def _across(
    view: View, field: FieldMeta, row: Seen | None, given: Where, held: Where | None
) -> list[Truth]:
    id = None if row is None else row[field.name]
    truths = _compared(field, {field.name: id}, given["id"], None) if "id" in given else []
    rest = {name: each for name, each in given.items() if name != "id"}
    record = None if id is None else view.record(field.target, id)
    return [*truths, truth(view, field.target, record, rest, held)]


def _compared(
    field: FieldMeta, row: Mapping[str, object] | None, given: Where, currency: object
) -> list[Truth]:
    value = None if row is None else row[field.name]
    same = field.kind is not Kind.MONEY or (row is not None and row["currency"] == currency)
    truths: list[Truth] = []
    for operator, operand in given.items():
        if operator == "isNull":
            truths.append((value is None) == operand)
        elif operator in ("in", "notIn"):
            among = _among(field, value if same else None, operand)
            truths.append(among if operator == "in" else _negated(among))
        elif value is None or not same:
            truths.append(None)
        elif operator == "between":
            low, high = (read(field, each) for each in operand)
            truths.append(compare("gte", value, low) and compare("lte", value, high))
        else:
            truths.append(compare(operator, value, read(field, operand)))
    return truths


def _among(field: FieldMeta, value: object, given: Sequence[object]) -> Truth:
    if not given:
        return False
    return None if value is None else value in [read(field, each) for each in given]


def compare(operator: str, value: Any, other: Any) -> bool:  # Any: values of one ordered kind
    """Compare two values that are there."""
    match operator:
        case "eq":
            return bool(value == other)
        case "ne":
            return bool(value != other)
        case "lt":
            return bool(value < other)
        case "lte":
            return bool(value <= other)
        case "gt":
            return bool(value > other)
        case "gte":
            return bool(value >= other)
        case "contains":
            return folded(other) in folded(value)
        case "startsWith":
            return folded(value).startswith(folded(other))
        case _:
            return folded(value).endswith(folded(other))


def _holding(where: Where) -> dict[str, Any]:  # Any: texts, and the same below references
    """Return the currencies that must be one for a `where` to be met, nested as it is."""
    held: dict[str, Any] = {}
    for name, given in where.items():
        if name == "and":
            for part in cast("Iterable[Where]", given):
                held = _merged(held, _holding(part))
        elif name == "currency" and "eq" in given:
            held[name] = given["eq"]
        elif name in ("box", "outer"):
            held = _merged(held, {name: _holding(given)})
    return held


def _merged(one: Where, other: Where) -> dict[str, Any]:  # Any: as above
    merged = dict(one)
    for name, value in other.items():
        nested = isinstance(value, dict) and name in merged
        merged[name] = _merged(merged[name], cast(Where, value)) if nested else value
    return merged


def _all(truths: Sequence[Truth]) -> Truth:
    if False in truths:
        return False
    return None if None in truths else True


def _any(truths: Iterable[Truth]) -> Truth:
    return _negated(_all([_negated(each) for each in truths]))


def _negated(truth: Truth) -> Truth:
    return None if truth is None else not truth
