"""What is kept of documents and plans stays within its bounds, however many clients send."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from graphql import parse
from graphql.execution.values import VariableValues

from hansa_core.caller import Caller
from hansa_core.graphql import documents
from hansa_core.graphql.asking import coerced_of
from hansa_core.graphql.documents import Documents
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.operation import Asked
from hansa_core.graphql.plans import Plans
from hansa_core.graphql.schema import CompiledSchema
from hansa_core.query.reader import request_of

WHERE = "query ($where: LabSampleWhere) { labSamples(where: $where) { totalCount } }"


@pytest.fixture
async def lab(graphql: GraphQL, keeper: Caller) -> CompiledSchema:
    return await graphql.platform.shapes.schemas.of(keeper.shape)


class Planning:
    """Plans operations as requests do, without running them."""

    def __init__(self, graphql: GraphQL, caller: Caller, lab: CompiledSchema, plans: Plans) -> None:
        self.platform, self.caller, self.lab, self.plans = graphql.platform, caller, lab, plans

    def plan(self, text: str, variables: Mapping[str, object] | None = None) -> bool:
        """Plan a document; tell whether its plan was made anew."""
        document = parse(text)
        (operation,) = document.definitions
        asked = Asked(self.lab, text, document, operation)  # type: ignore[arg-type]  # there is one
        given: VariableValues = coerced_of(asked, dict(variables or {}))
        clock = self.platform.clock
        request = request_of(self.caller, self.platform.cursors, clock, given.coerced)
        return self.plans.of(asked, self.caller, given, request)[1]


def page(number: int) -> str:
    return f'{{ labSamples(where: {{name: {{eq: "{number}"}}}}) {{ nodes {{ id name }} }} }}'


async def test_plans_stay_within_their_number_when_documents_differ(
    graphql: GraphQL, keeper: Caller, lab: CompiledSchema
) -> None:
    planning = Planning(graphql, keeper, lab, Plans(kept=20))
    assert planning.plan(page(0))
    for number in range(1, 60):
        assert planning.plan(page(number))
        assert not planning.plan(page(0)), "what is used often stays"
        assert len(planning.plans) <= 20
    assert len(planning.plans) == 20
    assert planning.plan(page(1)), "what was used long ago went"


async def test_plans_stay_within_their_bytes_when_documents_are_long(
    graphql: GraphQL, keeper: Caller, lab: CompiledSchema
) -> None:
    plans = Plans(size=2_000_000)
    planning = Planning(graphql, keeper, lab, plans)
    sizes: list[int] = []
    for number in range(40):
        planning.plan(page(number) + " " * 500 * (number % 4))
        sizes.append(plans.size)
        assert plans.size <= 2_000_000
    assert max(sizes) > 1_500_000
    assert 0 < len(plans) < 40


async def test_outlines_of_variables_count_as_bytes(
    graphql: GraphQL, keeper: Caller, lab: CompiledSchema
) -> None:
    plans = Plans()
    planning = Planning(graphql, keeper, lab, plans)
    planning.plan(WHERE, {"where": {"name": {"eq": "a"}}})
    small = plans.size
    planning.plan(WHERE, {"where": {"or": [{"name": {"eq": "a"}}] * 200}})
    assert plans.size - small > 2 * small
    assert len(plans) == 2


async def test_nothing_is_counted_when_everything_was_forgotten(
    graphql: GraphQL, keeper: Caller, lab: CompiledSchema
) -> None:
    plans = Plans(kept=0)
    planning = Planning(graphql, keeper, lab, plans)
    for number in range(3):
        planning.plan(page(number))
    assert (len(plans), plans.size) == (0, 0)


async def test_documents_stay_within_their_bounds(lab: CompiledSchema) -> None:
    kept = Documents()
    for number in range(documents.DOCUMENTS_KEPT + 50):
        await kept.check(lab, page(number))
    assert len(kept) == documents.DOCUMENTS_KEPT
    assert kept.known(lab, page(0)) is None
    assert kept.known(lab, page(documents.DOCUMENTS_KEPT + 49)) is not None
    for number in range(40):
        await kept.check(lab, page(number) + " " * 20_000)
    assert kept.characters <= documents.CHARACTERS_KEPT
    assert 0 < len(kept) <= documents.CHARACTERS_KEPT // 20_000
