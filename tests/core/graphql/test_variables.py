"""Variables: what is coerced here is what graphql-core makes of it, and the rest is its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest
from graphql import OperationDefinitionNode, get_variable_values, parse
from graphql.execution.values import VariableValues
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.graphql.schema import CompiledSchema
from hansa_core.graphql.variables import Coercion
from tests.core.graphql.test_kinds import EVERY

DOCUMENTS: Final = (
    "mutation ($x: LabSampleCreateInput!) { __typename }",
    "mutation ($x: LabSampleUpdateInput) { __typename }",
    "mutation ($x: [LabSampleUpsertInput!]!) { __typename }",
    "mutation ($x: [[LabSampleColour!]], $y: Int! = 7, $z: LabSampleColour = RED) { __typename }",
    "query ($x: LabSampleWhere, $y: [LabSampleOrder!], $z: Boolean! = true) { __typename }",
)
LINK: Final = {"connect": "0190c0de-0000-7000-8000-000000000001"}
ODD: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**60), 2**60),
    st.text(max_size=4),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just("RED"),
    st.just(LINK),
    st.just({"connect": None}),
    st.just({"value": "1.5", "unit": "kg"}),
    st.just({"value": "1.5", "unit": "kg", "more": 1}),
)
USUAL: Final[Mapping[str, object]] = {**EVERY, "shelf": LINK}


@st.composite
def inputs(draw: st.DrawFn) -> dict[str, object]:
    """An input with some of its fields, of which a few hold anything; now and then one more."""
    names = draw(st.lists(st.sampled_from(sorted(USUAL)), unique=True))
    odd = draw(st.lists(st.sampled_from([*sorted(USUAL), "id", "version", "nothing"]), max_size=2))
    usual = draw(st.booleans())  # so that required fields are there
    return {
        **(USUAL if usual else {name: USUAL[name] for name in names}),
        **{name: draw(ODD) for name in odd},
    }


VALUES: Final = st.one_of(inputs(), st.lists(inputs(), max_size=3), ODD, st.lists(ODD, max_size=3))


def coercion(lab: CompiledSchema, text: str) -> tuple[Coercion, OperationDefinitionNode]:
    operation = parse(text).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return Coercion(lab.schema, operation), operation


@pytest.mark.parametrize("text", DOCUMENTS)
@given(variables=st.dictionaries(st.sampled_from("xyzu"), VALUES))
def test_coerced_variables_are_those_of_graphql_core(
    lab: CompiledSchema, text: str, variables: dict[str, object]
) -> None:
    ours, operation = coercion(lab, text)
    theirs = get_variable_values(
        lab.schema, operation.variable_definitions or (), variables, 20, hide_suggestions=True
    )
    quick = ours.quick(variables)
    whole = ours.values(variables)
    if isinstance(theirs, list):
        assert quick is None
        assert isinstance(whole, list)
        assert [error.message for error in whole] == [error.message for error in theirs]
        return
    assert isinstance(whole, VariableValues)
    assert repr(whole.coerced) == repr(theirs.coerced)  # with types, and in one order
    assert {name: source.value for name, source in whole.sources.items()} == {
        name: source.value for name, source in theirs.sources.items()
    }
    if quick is not None:
        assert repr(quick) == repr(theirs.coerced)


def test_usual_inputs_are_coerced_without_graphql_core(lab: CompiledSchema) -> None:
    for text, value in zip(DOCUMENTS, (USUAL, USUAL, [USUAL, USUAL], [["RED"]]), strict=False):
        ours, _ = coercion(lab, text)
        quick = ours.quick({"x": value})
        assert quick is not None
        assert quick["x"]
    ours, _ = coercion(lab, DOCUMENTS[3])
    assert ours.quick({"x": []}) == {"x": [], "y": 7, "z": "red"}


def test_types_that_hold_themselves_are_left_to_graphql_core(lab: CompiledSchema) -> None:
    ours, _ = coercion(lab, DOCUMENTS[-1])
    assert ours.quick({"x": {"name": {"eq": "a"}}}) is None
