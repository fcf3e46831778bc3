"""The mutations of one operation, run one after the other, each in its own transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    NameNode,
    SelectionSetNode,
    execute_sync,  # pyright: ignore[reportUnknownVariableType]  # its executor_class has no argument
    get_named_type,
)
from graphql.execution.values import VariableValues

from hansa_core.caller import Caller
from hansa_core.graphql.answers import resolve_default
from hansa_core.graphql.operation import Asked
from hansa_core.graphql.payloads import RECORD, RESULTS, Asking
from hansa_core.graphql.request import Platform
from hansa_core.graphql.selection import Nodes, Question
from hansa_core.graphql.where import predicate_of
from hansa_core.graphql.writes import Given, matched_entity, write_of
from hansa_core.idempotency import Submission
from hansa_core.query.compose import Composer
from hansa_core.query.late import MarkersLater
from hansa_core.query.plan import TYPENAME
from hansa_core.query.predicates import SqlCompiler
from hansa_core.records.keys import Key
from hansa_sdk import HansaError, Invalid


class Mutating:
    """Runs the mutations of an operation. `errors` are those inside results of plugins."""

    def __init__(
        self,
        platform: Platform,
        caller: Caller,
        asked: Asked,
        given: Mapping[str, object],
        variables: VariableValues,
        submission: Submission | None,
    ) -> None:
        self._platform = platform
        self._caller = caller
        self._asked = asked
        self._given = dict(given)
        self._question = Question(
            asked.compiled.api, asked.compiled.schema, asked.fragments, variables
        )
        self._submission = submission
        self._errors: dict[str, list[GraphQLError]] = {}
        self.fields = self._question.collected(asked.operation.selection_set)

    @property
    def errors(self) -> list[GraphQLError]:
        """What failed inside the results of plugins' actions."""
        return [error for several in self._errors.values() for error in several]

    def check(self) -> None:
        """Refuse the operation before anything is written.

        Raises HiddenField where it asks for, or filters by, what the caller may never read, and
        Invalid for a key that is for several mutations.
        """
        names = [nodes[0].name.value for nodes in self.fields.values()]
        count = sum(name != TYPENAME for name in names)
        if self._submission is not None and count > 1:
            raise Invalid(  # each is a transaction of its own
                f"An idempotency key is for one mutation, found {count}.",
                next_step="Send each in a request of its own, with a key of its own.",
            )
        if self._caller.grants.hides:
            for name, nodes in zip(names, self.fields.values(), strict=True):
                if name != TYPENAME:
                    self._check_shown(nodes)

    def _check_shown(self, nodes: Nodes) -> None:
        field = self._asked.root.fields[nodes[0].name.value]
        shape, grants = self._caller.shape, self._caller.grants
        compiler = SqlCompiler(shape, MarkersLater(), grants.readable, grants.mask)
        for entity, asked in self._records(cast(object, get_named_type(field.type)), nodes):
            table = shape.table(entity).alias()
            Composer(compiler).object(entity, table, self._question.record(entity, asked))
        matched = matched_entity(field)
        if matched is None:
            return
        try:
            given = cast(Given, self._question.arguments(self._asked.root.name, nodes[0]))
            where = predicate_of(self._question.api, matched, given.get("where"))
        except (GraphQLError, HansaError):  # refused with its place when it runs
            return
        table = shape.table(matched).alias()
        for name in cast("Key", given.get("by") or ()):
            compiler.column(matched, name, table)
        if where is not None:
            compiler.condition(where, matched, table)

    def _records(self, payload: object, nodes: Nodes) -> Iterator[tuple[str, Nodes]]:
        """Yield what is asked of records in a payload, with their entity."""
        assert isinstance(payload, GraphQLObjectType)
        for asked in self._question.fields(nodes).values():
            field = payload.fields.get(asked[0].name.value)
            entity = None if field is None else field.extensions.get(RECORD)
            if entity is not None:
                yield cast(str, entity), asked
            elif field is not None and asked[0].name.value == RESULTS:
                yield from self._records(cast(object, get_named_type(field.type)), asked)

    async def field(self, nodes: Nodes) -> object:
        """Run one mutation; return its payload as JSON. Raises what is no part of a payload."""
        name = nodes[0].name.value
        root = self._asked.root
        if name == TYPENAME:
            return root.name
        field = root.fields[name]

        def result(source: object, inner: Nodes) -> object:
            return self._result(nodes, source, inner)

        asking = Asking(
            self._platform,
            self._caller,
            self._question,
            cast(GraphQLObjectType, get_named_type(field.type)).name,
            self._question.fields(nodes),
            result,
            self._submission,
        )
        return await write_of(field)(asking, self._question.arguments(root.name, nodes[0]))

    def _result(self, mutation: Nodes, source: object, nodes: Nodes) -> object:
        """Complete what a plugin's action returned, by the types of its annotations."""
        first = mutation[0]
        key = (first.alias or first.name).value
        document = self._asked.pruned(
            [
                FieldNode(
                    alias=NameNode(value=key),
                    name=first.name,
                    arguments=first.arguments,
                    directives=(),
                    selection_set=SelectionSetNode(selections=tuple(nodes)),
                    loc=first.loc,
                )
            ]
        )
        result = execute_sync(
            self._asked.compiled.schema,
            document,
            root_value={first.name.value: source},
            variable_values=self._given,
            field_resolver=resolve_default,
            hide_suggestions=True,
        )
        errors = list(result.errors or ())
        if result.data is None:
            raise errors[0]
        self._errors[key] = errors
        return next(iter(cast("Mapping[str, object]", result.data[key]).values()))
