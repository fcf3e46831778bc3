"""Query fields of entities and plugins' queries: from a document to the reader and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hansa_core.graphql.answers import Connection, Node
from hansa_core.graphql.arguments import Parameter, call_arguments
from hansa_core.graphql.request import Info
from hansa_core.graphql.selection import Question
from hansa_core.graphql.where import parse_id
from hansa_core.query.plan import RecordRequest
from hansa_sdk import Query

Resolver = Callable[..., Awaitable[object]]


def record_resolver(entity: str) -> Resolver:
    """Resolve `crmDeal(id)`: null for one that does not exist or the caller may not see."""

    async def resolve(_source: object, info: Info, id: str) -> Node | None:
        selection = Question.of(info).record(entity, info.field_nodes)
        request = RecordRequest(entity, parse_id(id, ("id",)), selection)
        async with info.context.reading() as unit:
            row = await unit.reader.record(request)
        return None if row is None else Node(row)

    return resolve


def list_resolver(entity: str) -> Resolver:
    """Resolve `crmDeals(...)`."""

    async def resolve(_source: object, info: Info, **arguments: object) -> Connection:
        request = Question.of(info).page(entity, info.field_nodes, arguments)
        async with info.context.reading() as unit:
            return Connection(await unit.reader.page(entity, request))

    return resolve


def query_resolver(
    query: Query[..., Any],  # of any arguments and result
    parameters: tuple[Parameter, ...],
) -> Resolver:
    """Resolve a plugin's query."""

    async def resolve(_source: object, info: Info, **arguments: object) -> object:
        given: Mapping[str, object] = arguments
        async with info.context.reading() as unit:
            values = await call_arguments(unit, parameters, given)
            return await unit.run_query(query, values)

    return resolve
