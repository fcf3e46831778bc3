"""The cost of an operation: how many fields its answer may hold, known before it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    IntValueNode,
    OperationDefinitionNode,
    VariableNode,
    get_argument_values,
    get_named_type,
)

from hansa_core.graphql.given import WEIGHT, conditions_of, lines_of, weight_of
from hansa_core.graphql.inputs import MAX_LINES
from hansa_core.graphql.operation import INTROSPECTION
from hansa_core.graphql.root_fields import Root
from hansa_core.graphql.selection import Nodes, Question
from hansa_core.graphql.where import MAX_CONDITIONS
from hansa_core.graphql.writes import matched_entity
from hansa_core.query.groups import GROUPS_DEFAULT, GROUPS_MAX
from hansa_core.query.late import pinned
from hansa_core.query.pages import PAGE_DEFAULT, PAGE_MAX, PAGE_NESTED_DEFAULT
from hansa_core.records.bulk import BULK_MAX
from hansa_sdk import LimitExceeded

COST_MAX: Final = 10_000
"""Fields of the largest answer."""
INTROSPECTION_PER_TYPE: Final = 4_000
"""Fields about each type of the schema that one request of only introspection may ask."""
META_PER_ENTITY: Final = 400
"""Fields about each entity that one request of only `meta` may ask: all there are, and more."""
_LISTED: Final[Mapping[str, int]] = {
    "fields": 10,
    "inputFields": 10,
    "enumValues": 10,
    "args": 3,
    "directives": 5,
}
"""How many entries a list of introspection has, roughly."""
_WEIGHED: Final = frozenset({"where", "having", "by", "orderBy"})
"""Arguments that may name a roll-up."""


def check_cost(question: Question, operation: OperationDefinitionNode) -> int:
    """Return an operation's cost: every field once for each record it may be asked of.

    Each condition of a `where` counts like a field; a roll-up that is filtered, ordered or grouped
    by, or a figure over one, counts like a hundred more. A list counts as full: `first`, `last` or
    the default size. Raises LimitExceeded past 10,000, for too many conditions or written lines,
    for a second `__schema` or `meta`, and for too much of the schema or of `meta` in an operation
    that asks of nothing else.
    """
    root = question.schema.get_root_type(operation.operation)
    assert root is not None  # the document is valid for the schema
    meter = _Meter(question)
    asked = question.collected(operation.selection_set)
    names = [nodes[0].name.value for nodes in asked.values()]
    for name in ("__schema", "meta"):
        if names.count(name) > 1:
            raise LimitExceeded(
                f"An operation asks for {name} at most once.",
                next_step=f"Ask for all of it under one {name}.",
            )
    cost = meter.below(asked, root, 1, nested=False)
    limit = _limit_of(question, names)
    if cost > limit:
        raise _too_costly(f"{cost:,}", limit)
    return cost


def _limit_of(question: Question, names: Sequence[str]) -> int:
    """Return the limit of an operation by its root fields: descriptions are long and cheap."""
    if _only_introspects(names):
        return INTROSPECTION_PER_TYPE * len(question.schema.type_map)
    if {*names} <= {"me", "meta", "__typename"}:
        return max(COST_MAX, META_PER_ENTITY * len(question.api.entities))
    return COST_MAX


def _only_introspects(names: Sequence[str]) -> bool:
    return bool({*names} & {*INTROSPECTION}) and all(name.startswith("__") for name in names)


def _too_costly(cost: str, limit: int = COST_MAX) -> LimitExceeded:
    return LimitExceeded(
        f"The cost of this operation is {cost}, the fields its answer may hold; "
        f"at most {limit:,} are answered at once.",
        next_step="Ask for smaller pages (first), fewer lists inside lists, or fewer fields.",
        params={"cost": cost, "limit": f"{limit:,}"},
    )


def _sizes_of_meta(question: Question) -> Mapping[tuple[str, str], int]:
    """Return how many entries each list of `meta` has: all entities, the usual of the rest."""
    shape = question.api.shape
    entities = shape.entities.values()
    count = max(len(entities), 1)
    usual = {
        "fields": sum(len(meta.fields) for meta in entities),
        "relations": sum(len(meta.relations) for meta in entities),
        "actions": sum(map(len, shape.actions.values())),
        "views": sum(map(len, shape.views.values())),
    }
    sizes = {("MetaEntity", name): -(-total // count) for name, total in usual.items()}
    return {**sizes, ("Meta", "entities"): count, ("Meta", "plugins"): len(shape.plugins)}


class _Meter:
    """Adds up fields, and gives up once it walked over more than an answer may hold."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._connections = {
            f"{one.meta.type_name}Connection" for one in question.api.entities.values()
        }
        self._described = _sizes_of_meta(question)
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
            if name in INTROSPECTION:
                cost += self._of_schema(nodes, times)
            elif field is not None:  # __typename is in no type
                conditions, weight, records = self._given(field, nodes[0])
                cost += field.extensions.get(WEIGHT, 0)
                answered = cast(object, get_named_type(field.type))
                cost += conditions + weight * times  # worked out for each record it is asked of
                root = field.extensions.get("root")
                size = self._described.get((owner.name, name))
                if size is not None:
                    cost += self._inner(nodes, answered, times * size, nested=True)
                elif isinstance(answered, GraphQLObjectType) and matched_entity(field):
                    cost += self._many(nodes, answered, records)
                elif isinstance(root, Root) and root.kind == "groups":
                    size = self._size(nodes[0], GROUPS_DEFAULT, GROUPS_MAX)
                    cost += self._inner(nodes, answered, times * size, nested=True)
                else:
                    cost += self._inner(nodes, answered, times, nested=nested)
        return cost

    def _given(self, field: GraphQLField, node: FieldNode) -> tuple[int, int, int]:
        """Count the conditions and lines a field is given.

        Returns its conditions, the weight of the roll-ups it is asked by, and how many records its
        payload may hold.
        """
        if not {*_WEIGHED, "input", "rows"} & field.args.keys() or not node.arguments:
            return 0, 0, 1
        try:
            given = get_argument_values(field, node, self._question.variables)
        except GraphQLError:  # refused with its place when it runs
            return 0, 0, 1
        conditions = conditions_of(given.get("where"), MAX_CONDITIONS)
        conditions += conditions_of(given.get("having"), MAX_CONDITIONS)
        self._conditions += conditions
        if self._conditions > MAX_CONDITIONS:
            raise LimitExceeded(
                f"The filters of one operation have at most {MAX_CONDITIONS} conditions together.",
                next_step="Ask for less at once, or list values with in.",
            )
        for name in {"input", "rows"} & given.keys():
            self._lines += lines_of(field.args[name], given[name])
        if self._lines > MAX_LINES:
            raise LimitExceeded(
                f"One request writes at most {MAX_LINES:,} lines, found {self._lines:,}.",
                next_step="Write them in several requests.",
            )
        weight = sum(weight_of(field.args[name], given[name]) for name in _WEIGHED & given.keys())
        return conditions, weight, _records_of(given)

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
        if isinstance(answered, GraphQLInterfaceType):
            return self._any(nodes, times)
        if not isinstance(answered, GraphQLObjectType):
            return 0
        asked = self._question.fields(nodes)
        if answered.name not in self._connections:
            return self.below(asked, answered, times, nested=True)
        default = PAGE_NESTED_DEFAULT if nested else PAGE_DEFAULT
        size = self._size(nodes[0], default, PAGE_MAX)
        cost = 0
        for key, inner in asked.items():
            listed = inner[0].name.value in ("nodes", "edges")
            records = times * size if listed else times
            cost += times - records  # the list itself is one field
            cost += self.below({key: inner}, answered, records, nested=True)
        return cost

    def _any(self, nodes: Nodes, times: int) -> int:
        """Return the cost of a record of any kind: of all the kinds that are asked for by name."""
        cost = times
        for name in self._question.types(nodes):
            owner = self._question.schema.type_map[name]
            if isinstance(owner, GraphQLObjectType):
                cost += self.below(self._question.fields(nodes, name), owner, times, nested=True)
        return cost

    def _many(self, nodes: Nodes, answered: GraphQLObjectType, records: int) -> int:
        """Return the cost of a payload that holds so many records."""
        cost = 0
        for key, inner in self._question.fields(nodes).items():
            listed = inner[0].name.value in ("results", "records")
            cost += self.below({key: inner}, answered, records if listed else 1, nested=True)
        return cost

    def _size(self, node: FieldNode, default: int, most: int) -> int:
        """Return how many records a list may answer; sizes out of bounds are refused later."""
        for argument in node.arguments or ():
            if argument.name.value not in ("first", "last"):
                continue
            value = argument.value
            size: object = None
            if isinstance(value, IntValueNode):
                size = int(value.value)
            elif isinstance(value, VariableNode):
                size = pinned(self._question.variables.coerced.get(value.name.value))
            if isinstance(size, int):
                return min(max(size, 1), most)
        return default


def _records_of(given: Mapping[str, object]) -> int:
    """Return how many records the payload of a mutation with these arguments may hold."""
    rows, expected = given.get("rows"), given.get("expectedCount")
    if isinstance(rows, list):
        return min(max(len(cast("list[object]", rows)), 1), BULK_MAX)
    return min(max(expected, 1), BULK_MAX) if isinstance(expected, int) else BULK_MAX
