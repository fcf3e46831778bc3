"""Plans of operations: which root fields one SQL statement answers, and what is left for Python.

A plan holds for every request with the same document, operation, shape and grants whose variables
have the same outline; plain values are bound anew each time. No user is part of a key.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLNonNull,
    OperationType,
    located_error,
)
from graphql.execution.values import VariableValues

from hansa_core.caller import Caller
from hansa_core.graphql.cost import check_cost
from hansa_core.graphql.operation import INTROSPECTION, Asked
from hansa_core.graphql.root_fields import Root
from hansa_core.graphql.roots import column_of, wanted
from hansa_core.graphql.selection import Nodes, Question
from hansa_core.query.compiled import Compiled
from hansa_core.query.compose import Column, Composer
from hansa_core.query.late import MarkersLater, Place, Request, late, outline, read_place
from hansa_core.query.predicates import SqlCompiler
from hansa_sdk import HansaError

PLANS_KEPT: Final = 2_000
BYTES_KEPT: Final = 60_000_000
"""Bytes of all plans that are kept, with their documents."""
BYTES_PER_CHARACTER: Final = 180
"""What a character of a document takes once it is parsed (measured)."""
BYTES_PER_OUTLINED: Final = 10
"""What a character of the outline of variables takes, roughly: it is made of small tuples."""
_MISSING: Final = "<missing>"


@dataclass(frozen=True, slots=True)
class Plan:
    """How an operation is answered.

    `parts` are the root fields that `statement` answers, by response key, in its order. For
    graphql-core are the documents of all others: `introspection` of those that ask of the schema,
    `rest` of what Python computes. `keys` are all response keys in order.
    """

    keys: tuple[str, ...]
    parts: tuple[tuple[str, Nodes], ...]
    statement: Compiled | None
    rest: DocumentNode | None
    introspection: DocumentNode | None
    cost: int
    characters: int
    nulls: tuple[str, ...] = ()
    errors: tuple[GraphQLError, ...] = ()

    @property
    def is_statement(self) -> bool:
        """Whether its statement is all there is to do."""
        others = self.rest or self.introspection or self.errors
        return self.statement is not None and not others

    @property
    def size(self) -> int:
        """Bytes it keeps, roughly: its statement, with a look-up too, and the document it is of."""
        statement = self.statement.statement.size if self.statement else 0
        return 2 * statement + self.characters * BYTES_PER_CHARACTER


def make_plan(
    asked: Asked,
    caller: Caller,
    variables: VariableValues,
    request: Request,
    pins: dict[Place, bool],
) -> Plan:
    """Plan an operation; `pins` takes the variables the plan depends on.

    Raises LimitExceeded for one that costs too much, GraphQLError where a field that cannot be
    null is refused. Other refusals are in the plan.
    """
    mutates = asked.operation.operation is OperationType.MUTATION
    planned = (
        variables
        if mutates  # run once: nothing of it is kept
        else VariableValues(variables.sources, late(variables.coerced, pins))
    )
    question = Question(asked.compiled.api, asked.compiled.schema, asked.fragments, planned)
    cost = check_cost(question, asked.operation)
    if mutates:
        keys = tuple(question.collected(asked.operation.selection_set))
        return Plan(keys, (), None, asked.document, None, cost, characters=0)
    return _Planner(asked, caller, question, request).plan(cost)


class _Planner:
    """Plans one operation."""

    def __init__(self, asked: Asked, caller: Caller, question: Question, request: Request) -> None:
        self._asked = asked
        self._caller = caller
        self._question = question
        self._request = request
        grants = caller.grants
        self._composer = Composer(
            SqlCompiler(caller.shape, MarkersLater(), grants.readable, grants.mask)
        )

    def plan(self, cost: int) -> Plan:
        """Return the plan."""
        asked, root = self._asked, self._asked.root
        fields = self._question.collected(asked.operation.selection_set)
        parts: list[tuple[str, Nodes]] = []
        columns: list[Column] = []
        nulls: list[str] = []
        errors: list[GraphQLError] = []
        rest: list[FieldNode] = []
        introspection: list[FieldNode] = []
        for key, nodes in fields.items():
            name = nodes[0].name.value
            if name in INTROSPECTION:
                introspection += nodes
                continue
            found = root.fields.get(name)
            engine = found.extensions.get("root") if found is not None else None
            if not isinstance(engine, Root) or found is None:
                rest += nodes
                continue
            try:
                asks = wanted(self._question, self._caller, root.name, engine, nodes)
                columns.append(column_of(self._composer, asks))
                for opened in self._composer.cursors:
                    opened.values(self._request)
                parts.append((key, nodes))
            except (HansaError, GraphQLError) as error:
                errors.append(located(error, nodes, key))
                if isinstance(found.type, GraphQLNonNull):
                    raise errors[-1] from error
                nulls.append(key)
        statement = None
        if columns:
            statement = Compiled.of(columns, self._composer.sites)
        return Plan(
            tuple(fields),
            tuple(parts),
            statement,
            asked.pruned(rest) if rest else None,
            asked.introspection(introspection) if introspection else None,
            cost,
            len(asked.text),
            tuple(nulls),
            tuple(errors),
        )


def located(error: Exception, nodes: Nodes, *path: str | int) -> GraphQLError:
    """Return an error at a place of the answer."""
    return located_error(error, list(nodes), list(path))


@dataclass(slots=True)
class _Family:
    """The plans of one operation under one shape and grants; `size` is theirs in bytes."""

    pins: dict[Place, bool] = field(default_factory=dict[Place, bool])
    plans: dict[Hashable, Plan] = field(default_factory=dict[Hashable, Plan])
    size: int = 0


class Plans:
    """Makes plans and keeps those used last, at most so many and so many bytes of them."""

    def __init__(self, kept: int = PLANS_KEPT, size: int = BYTES_KEPT) -> None:
        self._families: OrderedDict[Hashable, _Family] = OrderedDict()
        self._kept_max, self._size_max = kept, size
        self._count = 0
        self._size = 0

    def __len__(self) -> int:
        """Return how many plans are kept."""
        return self._count

    @property
    def size(self) -> int:
        """Bytes of all plans that are kept, roughly."""
        return self._size

    def known(self, asked: Asked, caller: Caller, variables: Mapping[str, object]) -> Plan | None:
        """Return a plan that was made before for the operation with such variables."""
        key = _key(asked, caller)
        family = self._families.get(key)
        if family is None:
            return None
        self._families.move_to_end(key)
        return family.plans.get(_variant(family.pins, variables))

    def of(
        self, asked: Asked, caller: Caller, variables: VariableValues, request: Request
    ) -> tuple[Plan, bool]:
        """Return the plan of an operation, and whether it was made for this very request.

        Raises what `make_plan` raises.
        """
        known = self.known(asked, caller, variables.coerced)
        if known is not None:
            return known, False
        key = _key(asked, caller)
        pins: dict[Place, bool] = {}
        plan = make_plan(asked, caller, variables, request, pins)
        if asked.operation.operation is OperationType.QUERY and not plan.errors:
            self._keep(key, plan, pins, variables.coerced)
        return plan, True

    def _keep(
        self, key: Hashable, plan: Plan, pins: dict[Place, bool], values: Mapping[str, object]
    ) -> None:
        family = self._families.setdefault(key, _Family())
        if not pins.items() <= family.pins.items():
            self._forget(family)  # they did not know what they depend on
            for place, whole in pins.items():
                family.pins[place] = whole or family.pins.get(place, False)
        variant = _variant(family.pins, values)
        family.plans[variant] = plan
        size = plan.size + len(repr(variant)) * BYTES_PER_OUTLINED
        family.size += size
        self._count += 1
        self._size += size
        while self._count > self._kept_max or self._size > self._size_max:
            _, oldest = self._families.popitem(last=False)
            self._forget(oldest)

    def _forget(self, family: _Family) -> None:
        self._count -= len(family.plans)
        self._size -= family.size
        family.size = 0
        family.plans.clear()


def _key(asked: Asked, caller: Caller) -> Hashable:
    return asked.compiled.key, asked.text, asked.name, caller.grants.key


def _variant(pins: Mapping[Place, bool], values: Mapping[str, object]) -> Hashable:
    """Return what of the variables decides the plan: their outline, and what it depends on."""
    pinned = [_pinned(values, place, whole=whole) for place, whole in pins.items()]
    return outline(values), tuple(pinned)


def _pinned(values: Mapping[str, object], place: Place, *, whole: bool) -> Hashable:
    try:
        found = read_place(values, place)
    except (KeyError, IndexError, TypeError):
        return _MISSING
    if whole:
        return repr(found)
    return len(cast("Sequence[object]", found)) if isinstance(found, (list, tuple)) else _MISSING
