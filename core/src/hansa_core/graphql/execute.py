"""Answering a GraphQL request: schema of the caller's shape, checked document, one answer."""

from __future__ import annotations

import asyncio
import inspect
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    execute,  # pyright: ignore[reportUnknownVariableType]  # its executor_class has no argument
    get_operation_ast,
)

from hansa_core.caller import Caller
from hansa_core.graphql.answers import resolve_default
from hansa_core.graphql.documents import Documents, is_storable, unstorable
from hansa_core.graphql.errors import formatted, formatted_error
from hansa_core.graphql.kernel import kernel_fields
from hansa_core.graphql.request import Platform, RequestContext
from hansa_core.graphql.schema import CompiledSchema, build_schema
from hansa_core.model.shape import Shape
from hansa_sdk import HansaError

SCHEMAS_KEPT: Final = 32
"""How many schemas a process keeps; tenants with the same plugins share one."""


class GraphQL:
    """The GraphQL interface of a platform; one per process."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._kernel = kernel_fields()
        self._documents = Documents()
        self._schemas: OrderedDict[str, CompiledSchema] = OrderedDict()
        self._building = asyncio.Lock()

    async def schema(self, shape: Shape) -> CompiledSchema:
        """Return the schema of a shape, building it at its first use off the event loop."""
        known = self._schemas.get(shape.key)
        if known is not None:
            self._schemas.move_to_end(shape.key)
            return known
        async with self._building:
            if shape.key not in self._schemas:
                self._schemas[shape.key] = await asyncio.to_thread(
                    build_schema, shape, self._kernel
                )
                if len(self._schemas) > SCHEMAS_KEPT:
                    self._schemas.popitem(last=False)
            return self._schemas[shape.key]

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
        compiled = await self.schema(caller.shape)
        checked = self._documents.check(compiled, text)
        if checked.document is None:
            return {"errors": [formatted(error) for error in checked.errors]}
        refused = _operation_problem(checked.document, operation_name)
        if refused is not None:
            return {"errors": [formatted(refused)]}
        if not _storable(variables):
            return {"errors": [formatted(unstorable())]}
        try:
            async with AsyncExitStack() as stack:
                context = RequestContext(self.platform, caller, compiled.api, stack)
                result = await self._run(
                    compiled, checked.document, context, variables, operation_name
                )
        except HansaError as error:
            return {"errors": [formatted_error(error)]}
        return _answer(result)

    async def _run(
        self,
        compiled: CompiledSchema,
        document: DocumentNode,
        context: RequestContext,
        variables: Mapping[str, object] | None,
        operation_name: str | None,
    ) -> ExecutionResult:
        result = execute(
            compiled.schema,
            document,
            context_value=context,
            variable_values=dict(variables or {}),
            operation_name=operation_name,
            field_resolver=resolve_default,
            max_coercion_errors=20,
            hide_suggestions=True,
        )
        if inspect.isawaitable(result):
            return await result
        return result


def _operation_problem(document: DocumentNode, operation_name: str | None) -> GraphQLError | None:
    operation = get_operation_ast(document, operation_name)
    if isinstance(operation, OperationDefinitionNode):
        return None
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


def _answer(result: ExecutionResult) -> dict[str, object]:
    """Tell a refused request, which has no data, from a failed field, which has data null."""
    errors = result.errors or []
    refused = result.data is None and all(error.path is None for error in errors)
    answer: dict[str, object] = {} if refused else {"data": result.data}
    if errors:
        answer["errors"] = [formatted(error) for error in errors]
    return answer
