"""The GraphQL interface on a tenant with contacts and crm, and people of different roles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.kernel import kernel_fields
from hansa_core.graphql.schema import CompiledSchema, build_schema
from hansa_core.plugins.compile import compile_shape
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform
from tests.core.graphql.plugin import PLUGIN

Answer = dict[str, Any]  # JSON, of any document
Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture(scope="session")
def lab() -> CompiledSchema:
    return build_schema(compile_shape([PLUGIN]), kernel_fields())


@pytest.fixture(scope="session")
def graphql(platform: Platform) -> GraphQL:
    return GraphQL(platform.runtime)


@pytest.fixture(scope="session")
async def tenant(platform: Platform) -> Tenant:
    return await platform.tenant("crm")


@pytest.fixture(scope="session")
async def manager(platform: Platform, tenant: Tenant) -> Caller:
    return await platform.user(tenant, "crm.sales_manager", "contacts.manager")


@pytest.fixture(scope="session")
async def rep(platform: Platform, tenant: Tenant) -> Caller:
    return await platform.user(tenant, "crm.sales_rep", "contacts.editor")


@pytest.fixture(scope="session")
async def stranger(platform: Platform, tenant: Tenant) -> Caller:
    return await platform.user(tenant)


@pytest.fixture
def ask(graphql: GraphQL, manager: Caller) -> Ask:
    """Answer a document as the manager, or as `caller`; the data of a clean answer."""

    async def run(
        text: str,
        variables: Mapping[str, object] | None = None,
        *,
        caller: Caller | None = None,
        operation: str | None = None,
    ) -> Answer:
        return await graphql.execute(caller or manager, text, variables, operation)

    return run
