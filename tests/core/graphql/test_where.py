"""`where` and `orderBy` as predicates and orders."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import cast
from uuid import UUID

import pytest
from graphql import GraphQLInputObjectType
from graphql.utilities import (
    coerce_input_value,  # pyright: ignore[reportUnknownVariableType]  # a list of anything
)

from hansa_core.graphql.schema import CompiledSchema
from hansa_core.graphql.where import order_of, predicate_of
from hansa_sdk import Invalid, LimitExceeded, Order, Predicate
from hansa_sdk.predicates import And, Compare, Not, Or, Path, Related

ID = "0190c0de-0000-7000-8000-000000000001"


def where(lab: CompiledSchema, given: object) -> Predicate | None:
    """Coerce as a variable would be, then convert."""
    type_ = lab.schema.type_map["LabSampleWhere"]
    assert isinstance(type_, GraphQLInputObjectType)
    coerced = coerce_input_value(given, type_)
    assert isinstance(coerced, dict), f"{given} does not fit {type_}"
    return predicate_of(lab.api, "lab.sample", cast("dict[str, object]", coerced))


def at(*names: str) -> Path:
    return Path("lab.sample", names)


def test_operators_become_comparisons_of_plain_values(lab: CompiledSchema) -> None:
    assert where(lab, {"price": {"gte": "10.00"}}) == Compare(at("price"), "ge", Decimal("10.00"))
    assert where(lab, {"takenOn": {"lt": "2026-01-02"}}) == Compare(
        at("taken_on"), "lt", date(2026, 1, 2)
    )
    assert where(lab, {"colour": {"in": ["RED", "DARK_BLUE"]}}) == Compare(
        at("colour"), "in", ("red", "dark blue")
    )
    assert where(lab, {"colour": {"notIn": ["RED"]}}) == Not(Compare(at("colour"), "in", ("red",)))
    assert where(lab, {"name": {"startsWith": "a"}}) == Compare(
        at("name"), "starts_with", "a", exact_case=False
    )
    assert where(lab, {"name": {"eq": "a"}}) == Compare(at("name"), "eq", "a")
    assert where(lab, {"count": {"between": [1, 3]}}) == And(
        (Compare(at("count"), "ge", 1), Compare(at("count"), "le", 3))
    )
    assert where(lab, {"more": {"isNull": False}}) == Compare(at("more"), "is_null", False)
    assert where(lab, {"id": {"eq": ID}}) == Compare(at("id"), "eq", UUID(ID))


def test_references_and_quantifiers_keep_their_way(lab: CompiledSchema) -> None:
    assert where(lab, {"shelf": {"id": {"eq": ID}}}) == Compare(at("shelf"), "eq", UUID(ID))
    assert where(lab, {"shelf": {"id": {"isNull": True}}}) == Compare(at("shelf"), "is_null", True)
    assert where(lab, {"shelf": {"above": {"name": {"eq": "x"}}}}) == Compare(
        at("shelf", "above", "name"), "eq", "x"
    )
    inner = {"samples": {"none": {"pure": {"eq": True}}}}
    assert where(lab, {"shelf": inner}) == Related(
        at("shelf", "samples"), "none", Compare(at("pure"), "eq", True)
    )


def test_connectives_nest(lab: CompiledSchema) -> None:
    a, b = {"name": {"eq": "a"}}, {"name": {"eq": "b"}}
    first, second = Compare(at("name"), "eq", "a"), Compare(at("name"), "eq", "b")
    assert where(lab, {"or": [a, b]}) == Or((first, second))
    assert where(lab, {"not": {"and": [a, b]}}) == Not(And((first, second)))
    assert where(lab, {"shelf": {"or": [a]}}) == Or((Compare(at("shelf", "name"), "eq", "a"),))
    assert where(lab, {"or": []}) == Or(())
    assert where(lab, {}) is None


@pytest.mark.parametrize(
    ("given", "error", "path"),
    [
        ({"name": {"eq": None}}, Invalid, ("where", "name", "eq")),
        ({"name": None}, Invalid, ("where", "name")),
        ({"shelf": {"id": None}}, Invalid, ("where", "shelf", "id")),
        ({"id": {"eq": "nine"}}, Invalid, ("where", "id", "eq")),
        ({"count": {"between": [1]}}, Invalid, ("where", "count", "between")),
        ({"count": {"in": list(range(1001))}}, LimitExceeded, ("where", "count", "in")),
        ({"or": [{"count": {"eq": 1}}] * 501}, LimitExceeded, ("where",)),
    ],
)
def test_conditions_that_cannot_be_meant_are_refused_with_their_place(
    lab: CompiledSchema, given: object, error: type[Exception], path: tuple[str, ...]
) -> None:
    with pytest.raises(error) as caught:
        where(lab, given)
    assert getattr(caught.value, "path", None) == path


def test_conditions_nested_without_end_are_refused(lab: CompiledSchema) -> None:
    given: dict[str, object] = {"name": {"eq": "a"}}
    for _ in range(40):
        given = {"not": given}
    with pytest.raises(LimitExceeded):
        where(lab, given)


def test_order_reaches_one_reference_far(lab: CompiledSchema) -> None:
    keys = [
        {"field": "shelf_name", "direction": "desc", "nulls": "first"},
        {"field": "price", "direction": "asc", "nulls": "last"},
    ]
    assert order_of(lab.api, "lab.sample", keys) == (
        Order(at("shelf", "name"), descending=True, nulls_first=True),
        Order(at("price"), descending=False, nulls_first=False),
    )
    with pytest.raises(LimitExceeded):
        order_of(lab.api, "lab.sample", keys * 5)
