"""Answering a GraphQL request: schema of the caller's shape, checked document, one answer."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,  # pyright: ignore[reportUnknownVariableType]  # its executor_class has no argument
    get_operation_ast,
    get_variable_values,
)

from hansa_core.caller import Caller
from hansa_core.graphql.answers import resolve_default
from hansa_core.graphql.cost import check_cost, only_introspects
from hansa_core.graphql.documents import Documents, is_storable, unstorable
from hansa_core.graphql.errors import formatted, formatted_error, is_temporary
from hansa_core.graphql.request import ANSWER_CHARACTERS_MAX, RequestContext
from hansa_core.graphql.schema import CompiledSchema
from hansa_core.graphql.schemas import SchemaPlatform
from hansa_core.graphql.selection import Question
from hansa_sdk import LimitExceeded


class GraphQL:
    """The GraphQL interface of a platform; one per process."""

    def __init__(self, platform: SchemaPlatform) -> None:
        self.platform = platform
        self._documents = Documents()
        self._introspecting = asyncio.Lock()

    async def execute(
        self,
        caller: Caller,
        text: str,
        variables: Mapping[str, object] | None = None,
        operation_name: str | None = None,
    ) -> dict[str, object]:
        """Answer a document as a dictionary with `data` and, where something failed, `errors`.

        Without `data` the request itself was refused. Never raises for what a client sent.
        """
        try:
            compiled = await self.platform.shapes.schemas.of(caller.shape)
            if operation_name is not None and not is_storable(operation_name):
                return {"errors": [formatted(unstorable())]}
            checked = await self._documents.check(compiled, text)
            if checked.document is None:
                return {"errors": [formatted(error) for error in checked.errors]}
            asked = _Asked(compiled, checked.document, dict(variables or {}), operation_name)
            return await self._answer(caller, asked)
        except Exception as error:  # logged under a reference where it is no HansaError
            return {"errors": [formatted_error(error)]}

    async def _answer(self, caller: Caller, asked: _Asked) -> dict[str, object]:
        operation = get_operation_ast(asked.document, asked.operation_name)
        if not isinstance(operation, OperationDefinitionNode):
            return {"errors": [formatted(_no_operation(asked))]}
        if not _storable(asked.variables):
            return {"errors": [formatted(unstorable())]}
        introspects = asked.check_cost(operation)
        async with AsyncExitStack() as stack:
            context = RequestContext(self.platform, caller, asked.compiled.api, stack)
            if introspects:  # long work without a pause: beside the event loop, one at a time
                async with self._introspecting:
                    result = await asyncio.to_thread(asked.started, context)
            else:
                result = asked.started(context)
            if inspect.isawaitable(result):
                result = await result
        answer = _answer_of(result)
        if context.is_full:
            return _too_large(operation)
        selections = operation.selection_set.selections
        alone = len(selections) == 1 and isinstance(selections[0], FieldNode)
        if alone or operation.operation is not OperationType.MUTATION:
            return _refused_for_now(answer)
        return answer


@dataclass(frozen=True, slots=True)
class _Asked:
    """A valid document, and what of it is asked with which variables."""

    compiled: CompiledSchema
    document: DocumentNode
    variables: dict[str, object]
    operation_name: str | None

    def check_cost(self, operation: OperationDefinitionNode) -> bool:
        """Tell whether an operation asks of the schema only.

        Raises LimitExceeded for one whose answer could be too large.
        """
        schema = self.compiled.schema
        definitions = operation.variable_definitions or ()
        coerced = get_variable_values(schema, definitions, self.variables, 1, hide_suggestions=True)
        if isinstance(coerced, list):  # refused with every error when it runs
            return False
        fragments = {
            node.name.value: node
            for node in self.document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        question = Question(self.compiled.api, schema, fragments, coerced)
        check_cost(question, operation)
        return only_introspects(question, operation)

    def started(self, context: RequestContext) -> ExecutionResult | Awaitable[ExecutionResult]:
        """Begin to resolve the operation; one that only introspects is resolved at once."""
        return execute(
            self.compiled.schema,
            self.document,
            context_value=context,
            variable_values=self.variables,
            operation_name=self.operation_name,
            field_resolver=resolve_default,
            max_coercion_errors=20,
            hide_suggestions=True,
        )


def _no_operation(asked: _Asked) -> GraphQLError:
    document, operation_name = asked.document, asked.operation_name
    names = [
        node.name.value
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode) and node.name is not None
    ]
    found = "has none" if not names else f"has {', '.join(names)}"
    wanted = f"called {operation_name}" if operation_name else "to run; name one"
    return GraphQLError(
        f"Expected an operation {wanted}: the document {found}.",
        extensions={"code": "invalid_query"},
    )


def _too_large(operation: OperationDefinitionNode) -> dict[str, object]:
    """Refuse an answer with too much text; what a mutation wrote stays written."""
    error = LimitExceeded(
        f"The answer holds more than {ANSWER_CHARACTERS_MAX:,} characters.",
        next_step="Ask for smaller pages (first) or fewer fields; what was written stays.",
    )
    answer: dict[str, object] = {"errors": [formatted_error(error)]}
    written = operation.operation is OperationType.MUTATION
    return {"data": None, **answer} if written else answer


def _storable(variables: Mapping[str, object] | None) -> bool:
    """Tell whether every text in the variables can be stored; level by level, however deep."""
    level: list[object] = [variables]
    while level:
        texts = (value for value in level if isinstance(value, str))
        if not all(map(is_storable, texts)):
            return False
        inner: list[object] = []
        for value in level:
            if isinstance(value, Mapping):
                inner += [*cast("Mapping[str, object]", value), *value.values()]
            elif isinstance(value, list):
                inner += cast("list[object]", value)
        level = inner
    return True


def _answer_of(result: ExecutionResult) -> dict[str, object]:
    """Tell a refused request, which has no data, from a failed field, which has data null."""
    errors = result.errors or []
    refused = result.data is None and all(error.path is None for error in errors)
    answer: dict[str, object] = {} if refused else {"data": result.data}
    if errors:
        answer["errors"] = [formatted(error) for error in errors]
    return answer


def _refused_for_now(answer: dict[str, object]) -> dict[str, object]:
    """Leave out a null `data` where nothing was done and asking again later is right."""
    errors = cast("list[Mapping[str, object]]", answer.get("errors", []))
    if answer.get("data") is None and errors and all(map(is_temporary, errors)):
        return {"errors": errors}
    return answer
