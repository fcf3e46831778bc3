"""Introspection: what a caller may use of the schema, answered once for equal grants."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    execute_sync,  # pyright: ignore[reportUnknownVariableType]  # its executor_class has no argument
)

from hansa_core.caller import Caller
from hansa_core.graphql.operation import Asked
from hansa_core.graphql.schema import CompiledSchema
from hansa_core.graphql.schemas import Schemas
from hansa_core.graphql.variables import ERRORS_MAX
from hansa_core.storage.refusals import busy

BYTES_KEPT: Final = 20_000_000
"""Bytes of all answers that are kept, with what they are kept by."""

WAITING_MAX: Final = 16
"""How many may wait for their turn."""

_ENCODE: Final = msgspec.json.encode
_Key = tuple[str, str, str, str]
Found = dict[str, msgspec.Raw]
"""The answer as JSON by response key."""


class Introspection:
    """Answers what operations ask of the schema itself, beside the event loop, one at a time.

    Answers are kept by shape and grants, document and variables: never by who asked.
    """

    def __init__(self, schemas: Schemas, bytes_kept: int = BYTES_KEPT) -> None:
        self._schemas = schemas
        self._bytes_max = bytes_kept
        self._turn = asyncio.Lock()
        self._kept: OrderedDict[_Key, Found] = OrderedDict()
        self._bytes = 0
        self._waiting = 0

    async def answer(
        self, caller: Caller, asked: Asked, document: DocumentNode, given: Mapping[str, object]
    ) -> tuple[Found | None, list[GraphQLError]]:
        """Run a document of root fields of introspection by the schema the caller may use.

        Raises Busy where too many wait for their turn.
        """
        values = _values(document, given)
        offered = f"{caller.shape.key} {caller.grants.key}"
        key = (offered, asked.text, asked.name, json.dumps(values, sort_keys=True))
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known, []
        if self._waiting >= WAITING_MAX:
            raise busy("Too many are asking for the schema at once.")
        self._waiting += 1
        working = asyncio.ensure_future(self._found(caller, key, document, values))
        working.add_done_callback(self._worked)
        # A thread cannot be stopped: the turn is over when it is, whether or not anyone waits.
        return await asyncio.shield(working)

    def _worked(self, working: asyncio.Future[tuple[Found | None, list[GraphQLError]]]) -> None:
        self._waiting -= 1
        if not working.cancelled():
            working.exception()  # told to whoever waited

    async def _found(
        self, caller: Caller, key: _Key, document: DocumentNode, values: dict[str, object]
    ) -> tuple[Found | None, list[GraphQLError]]:
        async with self._turn:
            known = self._kept.get(key)
            if known is not None:
                return known, []
            compiled = await self._schemas.offered(caller)
            result = await asyncio.to_thread(_run, compiled, document, values)
        if result.data is None or result.errors:
            return None, list(result.errors or ())
        found = {name: msgspec.Raw(_ENCODE(value)) for name, value in result.data.items()}
        self._keep(key, found)
        return found, []

    def _keep(self, key: _Key, found: Found) -> None:
        self._kept[key] = found
        self._bytes += _size(key, found)
        while self._bytes > self._bytes_max:
            self._bytes -= _size(*self._kept.popitem(last=False))


def _run(
    compiled: CompiledSchema, document: DocumentNode, values: dict[str, object]
) -> ExecutionResult:
    return execute_sync(
        compiled.schema,
        document,
        variable_values=values,
        max_coercion_errors=ERRORS_MAX,
        hide_suggestions=True,
    )


def _values(document: DocumentNode, given: Mapping[str, object]) -> dict[str, object]:
    """Return the variables that the document's operation declares."""
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    names = [each.variable.name.value for each in operation.variable_definitions or ()]
    return {name: given[name] for name in names if name in given}


def _size(key: _Key, found: Found) -> int:
    return sum(map(len, key)) + sum(len(bytes(each)) for each in found.values())
