"""The GraphQL interface on a tenant with contacts and crm, and people of different roles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from hansa_core.auth.principal import Principal
from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.kernel import kernel_fields
from hansa_core.graphql.schema import CompiledSchema, build_schema
from hansa_core.plugins.compile import compile_shape
from hansa_core.policy.grants import Grants
from hansa_core.storage.tables import build_metadata
from hansa_core.storage.transaction import Tenant
from hansa_core.system.plugin import plugin as SYSTEM
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.platform import Platform
from hansa_sdk.predicates import Everything
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


@pytest.fixture(scope="session")
async def keeper(platform: Platform) -> Caller:
    """Who may do everything on a tenant that has the synthetic plugin's tables."""
    tenant = await platform.tenant()
    shape = compile_shape([SYSTEM, PLUGIN])
    with owner_engine(platform.owner_url) as engine, engine.begin() as owner:
        for table in build_metadata(shape.entities).sorted_tables:
            if table.name.startswith("lab_"):
                statements: list[ExecutableDDLElement] = [CreateTable(table)]
                for ddl in (*statements, *map(CreateIndex, table.indexes)):
                    text = str(ddl.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy leaves dialect constructors untyped
                    owner.exec_driver_sql(text.replace('"__tenant__"', tenant.schema))
        owner.exec_driver_sql(
            f'GRANT ALL ON ALL TABLES IN SCHEMA {tenant.schema} TO "{tenant.role}"'
        )
    everything = Grants("all", {pair: Everything() for pair in shape.permissions})
    return Caller(tenant, Principal(uuid4(), name="Keeper"), shape, everything)
