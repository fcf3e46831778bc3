"""The cost of an operation: how many fields its answer may hold, known before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    IntValueNode,
    OperationDefinitionNode,
    VariableNode,
    get_argument_values,
    get_named_type,
)

from hansa_core.graphql.given import conditions_of, lines_of
from hansa_core.graphql.inputs import MAX_LINES
from hansa_core.graphql.selection import Nodes, Question
from hansa_core.graphql.where import MAX_CONDITIONS
from hansa_core.query.pages import PAGE_DEFAULT, PAGE_MAX, PAGE_NESTED_DEFAULT
from hansa_sdk import LimitExceeded

COST_MAX: Final = 10_000
"""Fields of the largest answer."""
INTROSPECTION_PER_TYPE: Final = 4_000
"""Fields about each type of the schema that one request of only introspection may ask."""
_LISTED: Final[Mapping[str, int]] = {
    "fields": 10,
    "inputFields": 10,
    "enumValues": 10,
    "args": 3,
    "directives": 5,
}
"""How many entries a list of introspection has, roughly."""
_INTROSPECTION: Final = ("__schema", "__type")


def check_cost(question: Question, operation: OperationDefinitionNode) -> int:
    """Return an operation's cost: every field once for each record it may be asked of.

    Each condition of a `where` counts like a field. A list counts as full: `first`, `last` or the
    default size. Raises LimitExceeded past 10,000, for too many conditions or written lines, for a
    second `__schema`, and for too much of the schema in an operation that asks of nothing else.
    """
    root = question.schema.get_root_type(operation.operation)
    assert root is not None  # the document is valid for the schema
    meter = _Meter(question)
    asked = question.collected(operation.selection_set)
    if sum(nodes[0].name.value == "__schema" for nodes in asked.values()) > 1:
        raise LimitExceeded(
            "An operation asks for __schema at most once.",
            next_step="Ask for all of it under one __schema.",
        )
    cost = meter.below(asked, root, 1, nested=False)
    types = len(question.schema.type_map)
    limit = INTROSPECTION_PER_TYPE * types if only_introspects(question, operation) else COST_MAX
    if cost > limit:
        raise _too_costly(f"{cost:,}", limit)
    return cost


def only_introspects(question: Question, operation: OperationDefinitionNode) -> bool:
    """Tell whether an operation asks of the schema only: answered without the database."""
    names = {nodes[0].name.value for nodes in question.collected(operation.selection_set).values()}
    return bool(names & {*_INTROSPECTION}) and all(name.startswith("__") for name in names)


def _too_costly(cost: str, limit: int = COST_MAX) -> LimitExceeded:
    return LimitExceeded(
        f"The cost of this operation is {cost}, the fields its answer may hold; "
        f"at most {limit:,} are answered at once.",
        next_step="Ask for smaller pages (first), fewer lists inside lists, or fewer fields.",
        params={"cost": cost, "limit": f"{limit:,}"},
    )


class _Meter:
    """Adds up fields, and gives up once it walked over more than an answer may hold."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._connections = {
            f"{one.meta.type_name}Connection" for one in question.api.entities.values()
        }
        self._walked = 0
        self._conditions = 0
        self._lines = 0

    def below(
        self, asked: Mapping[str, Nodes], owner: GraphQLObjectType, times: int, *, nested: bool
    ) -> int:
        """Return the cost of fields of `owner`, which is answered `times` times."""
        cost = 0
        for nodes in asked.values():
            self._walk(nodes)
            name = nodes[0].name.value
            field = owner.fields.get(name)
            cost += times
            if name in _INTROSPECTION:
                cost += self._of_schema(nodes, times)
            elif field is not None:  # __typename is in no type
                cost += self._given(field, nodes[0])
                answered = cast(object, get_named_type(field.type))
                cost += self._inner(nodes, answered, times, nested=nested)
        return cost

    def _given(self, field: GraphQLField, node: FieldNode) -> int:
        """Count the conditions and lines a field is given; return the cost of its conditions."""
        if not {"where", "input"} & field.args.keys() or not node.arguments:
            return 0
        try:
            given = get_argument_values(field, node, self._question.variables)
        except GraphQLError:  # refused with its place when it runs
            return 0
        conditions = conditions_of(given.get("where"), MAX_CONDITIONS)
        self._conditions += conditions
        if self._conditions > MAX_CONDITIONS:
            raise LimitExceeded(
                f"The filters of one operation have at most {MAX_CONDITIONS} conditions together.",
                next_step="Ask for less at once, or list values with in.",
            )
        if "input" in given:
            self._lines += lines_of(field.args["input"], given["input"])
        if self._lines > MAX_LINES:
            raise LimitExceeded(
                f"One request writes at most {MAX_LINES:,} lines, found {self._lines:,}.",
                next_step="Write them in several requests.",
            )
        return conditions

    def _walk(self, nodes: Nodes) -> None:
        self._walked += len(nodes)
        if self._walked > COST_MAX:
            raise _too_costly(f"more than {COST_MAX:,}")

    def _of_schema(self, nodes: Nodes, times: int) -> int:
        """Return the cost of what is asked of the schema itself."""
        cost = 0
        for inner in self._question.fields(nodes).values():
            self._walk(inner)
            name = inner[0].name.value
            size = len(self._question.schema.type_map) if name == "types" else _LISTED.get(name, 1)
            cost += times + self._of_schema(inner, times * size)
        return cost

    def _inner(self, nodes: Nodes, answered: object, times: int, *, nested: bool) -> int:
        if not isinstance(answered, GraphQLObjectType):
            return 0
        asked = self._question.fields(nodes)
        if answered.name not in self._connections:
            return self.below(asked, answered, times, nested=True)
        size = self._page_size(nodes[0], PAGE_NESTED_DEFAULT if nested else PAGE_DEFAULT)
        cost = 0
        for key, inner in asked.items():
            listed = inner[0].name.value in ("nodes", "edges")
            records = times * size if listed else times
            cost += times - records  # the list itself is one field
            cost += self.below({key: inner}, answered, records, nested=True)
        return cost

    def _page_size(self, node: FieldNode, default: int) -> int:
        """Return how many records a list may answer; sizes out of bounds are refused later."""
        for argument in node.arguments or ():
            if argument.name.value not in ("first", "last"):
                continue
            value = argument.value
            size: object = None
            if isinstance(value, IntValueNode):
                size = int(value.value)
            elif isinstance(value, VariableNode):
                size = self._question.variables.coerced.get(value.name.value)
            if isinstance(size, int):
                return min(max(size, 1), PAGE_MAX)
        return default
