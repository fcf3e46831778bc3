"""The GraphQL schemas of a process: each shape's is built once, off the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Final, Protocol

from hansa_core.caller import Caller
from hansa_core.events.tables import EventTables
from hansa_core.graphql.kernel import kernel_fields
from hansa_core.graphql.names import check_names
from hansa_core.graphql.offers import offered, offers_all, unreachable_names
from hansa_core.graphql.request import Platform
from hansa_core.graphql.schema import CompiledSchema, build_schema
from hansa_core.model.shape import Shape
from hansa_core.policy.grants import Grants
from hansa_core.query.hidden import hidden_names
from hansa_core.storage.transaction import Session
from hansa_sdk import DeclarationErrors

SHOWN_KEPT: Final = 16
"""How many schemas without hidden fields a process keeps, for the words of mistakes."""
SCHEMAS_KEPT: Final = 32
"""How many schemas a process keeps; tenants with the same plugins share one."""


class Schemas:
    """Builds and keeps schemas; used from the event loop and from the threads that build."""

    def __init__(self) -> None:
        self._kernel = kernel_fields()
        self._kept: OrderedDict[str, CompiledSchema] = OrderedDict()
        self._shown: OrderedDict[tuple[str, str], CompiledSchema] = OrderedDict()
        self._building = threading.Lock()

    def known(self, shape: Shape) -> CompiledSchema | None:
        """Return the schema of a shape where it is built already."""
        return self._kept.get(shape.key)

    async def of(self, shape: Shape) -> CompiledSchema:
        """Return the schema of a shape, building it at its first use."""
        known = self._kept.get(shape.key)
        return await asyncio.to_thread(self._built, shape) if known is None else known

    async def shown(self, caller: Caller) -> CompiledSchema:
        """Return the schema of a caller's shape without what is hidden from him on all rows."""
        key = (caller.shape.key, caller.grants.key)
        known = self._shown.get(key)
        if known is None:
            hidden = hidden_names(caller.shape, caller.grants)
            if not hidden:
                return await self.of(caller.shape)
            built = await asyncio.to_thread(build_schema, caller.shape, self._kernel, hidden)
            known = replace(built, key=" ".join(key))  # documents are kept by it
            self._shown[key] = known
            while len(self._shown) > SHOWN_KEPT:
                self._shown.popitem(last=False)
        return known

    async def offered(self, caller: Caller) -> CompiledSchema:
        """Return a new schema of what a caller may use of his shape's, for introspection.

        It is for reading alone: nothing is answered with it. It is not kept, as reading it makes
        most of its types or all; what was read is (introspection.py).
        """
        return await asyncio.to_thread(self._offer, caller.shape, caller.grants)

    def _offer(self, shape: Shape, grants: Grants) -> CompiledSchema:
        if offers_all(shape, grants):
            return build_schema(shape, self._kernel)
        left_out = {*hidden_names(shape, grants), *unreachable_names(shape, grants)}
        return offered(build_schema(shape, self._kernel, left_out), shape, grants)

    def check(self, shape: Shape) -> None:
        """Build the schema of a shape for the requests to come.

        Raises DeclarationErrors where names of the plugins meet in the API.
        """
        problems = check_names(shape)
        if problems:
            raise DeclarationErrors(problems)
        self._built(shape)

    def _built(self, shape: Shape) -> CompiledSchema:
        with self._building:
            if shape.key not in self._kept:
                self._kept[shape.key] = build_schema(shape, self._kernel)
                while len(self._kept) > SCHEMAS_KEPT:
                    self._kept.popitem(last=False)
            return self._kept[shape.key]


class HasSchemas(Protocol):
    """Where the schemas of a process are."""

    @property
    def schemas(self) -> Schemas:
        """The schemas."""
        ...


class SchemaPlatform(Platform, Protocol):
    """A running platform, with the schemas of its shapes and what writes of one statement need."""

    @property
    def shapes(self) -> HasSchemas:
        """The shapes of the process with their schemas."""
        ...

    @property
    def events(self) -> EventTables:
        """The ledger's tables."""
        ...

    def writing(self, caller: Caller) -> AbstractAsyncContextManager[Session]:
        """Borrow a connection for writes of one statement each."""
        ...
