"""Plugins' queries, answered in the request's transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hansa_core.graphql.arguments import Parameter, call_arguments
from hansa_core.graphql.request import Info
from hansa_sdk import Query

Resolver = Callable[..., Awaitable[object]]


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
