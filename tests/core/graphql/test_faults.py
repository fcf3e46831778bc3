"""Faults outside of resolvers: still one answer with a code, and no inner text."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar

from hansa_core.auth.tokens import Credential
from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.http import graphql_handlers
from hansa_core.graphql.schemas import Schemas
from hansa_core.records.unit import UnitOfWork
from hansa_core.storage.transaction import Session, Tenant
from hansa_core.testing.platform import Platform
from hansa_sdk import Busy, Unavailable

READ = "{ contactsParties(first: 1) { nodes { id } } }"
WRITE = 'contactsPartyCreate(input: {name: "x"}) { record { id } }'
GRAPHQL = "application/graphql-response+json"
FAULTS = [
    (Unavailable("The database does not answer."), "unavailable", 503),
    (Busy("Others kept winning."), "busy", 503),
    (OSError("secret of the house"), "internal", 0),
]


class Failing:
    """A platform that fails where it is told to, after all its work."""

    def __init__(self, platform: Platform, fault: Exception, at: str) -> None:
        self._runtime = platform.runtime
        self._fault, self._at = fault, at
        self.shapes = platform.runtime.shapes
        self.cursors, self.clock = platform.runtime.cursors, platform.runtime.clock

    @asynccontextmanager
    async def read(self, caller: Caller) -> AsyncGenerator[UnitOfWork]:
        async with self._runtime.read(caller) as unit:
            if self._at == "begin":
                raise self._fault
            yield unit
        if self._at == "commit":
            raise self._fault

    @asynccontextmanager
    async def looking(self, caller: Caller) -> AsyncGenerator[Session]:
        async with self._runtime.looking(caller) as session:
            if self._at == "begin":
                raise self._fault
            yield session
        if self._at == "commit":
            raise self._fault

    async def write(self, caller: Caller, work: object, *, timeout_seconds: float = 5) -> Any:
        raise self._fault

    async def authenticate(self, tenant: Tenant, credential: Credential) -> Caller:
        if self._at == "authenticate":
            raise self._fault
        return await self._runtime.authenticate(tenant, credential)


async def sent(platform: Failing, tenant: Tenant, key: str, query: str) -> httpx.Response:
    async def tenant_of(_: str) -> Tenant:
        return tenant

    app = Litestar(
        graphql_handlers(cast(Any, platform), tenant_of), openapi_config=None
    )  # no streams
    transport = httpx.ASGITransport(cast(Any, app))  # Litestar types its scope more closely
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        return await client.post(
            "/graphql",
            content=json.dumps({"query": query}),
            headers={
                "content-type": "application/json",
                "accept": GRAPHQL,
                "authorization": f"Bearer {key}",
            },
        )


@pytest.mark.parametrize("at", ["begin", "commit", "authenticate"])
@pytest.mark.parametrize(("fault", "code", "status"), FAULTS, ids=["unavailable", "busy", "fault"])
async def test_a_fault_is_one_answer_with_a_code(
    platform: Platform,
    tenant: Tenant,
    manager: Caller,
    at: str,
    fault: Exception,
    code: str,
    status: int,
) -> None:
    key = await platform.key(manager)
    response = await sent(Failing(platform, fault, at), tenant, key, READ)
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == code
    if code == "internal":
        assert response.status_code == (500 if at == "authenticate" else 200)
        assert "secret" not in response.text
        assert error["extensions"]["reference"] in error["message"]
    else:
        assert (response.status_code, response.headers["retry-after"]) == (status, "2")
        assert error["message"] == str(fault)


async def test_a_mutation_is_503_only_where_it_stands_alone(
    platform: Platform, tenant: Tenant, manager: Caller
) -> None:
    key = await platform.key(manager)
    busy = Failing(platform, Busy("Others kept winning."), "write")
    assert (await sent(busy, tenant, key, f"mutation {{ {WRITE} }}")).status_code == 503
    several = await sent(busy, tenant, key, f"mutation {{ {WRITE} b: {WRITE} }}")
    assert (several.status_code, several.json()["data"]) == (200, None)  # one may be written


async def test_a_schema_that_cannot_be_built_is_an_answer(
    platform: Platform, manager: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise TypeError("secret of the house")

    monkeypatch.setattr(Schemas, "of", broken)
    answer = await GraphQL(platform.runtime).execute(manager, READ)
    (error,) = cast("list[dict[str, Any]]", answer["errors"])
    assert error["extensions"]["code"] == "internal"
