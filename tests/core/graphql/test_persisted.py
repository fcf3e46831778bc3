"""Persisted documents: run by their SHA-256, alone allowed to keys narrowed to a collection."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import partial
from typing import Any

import pytest

from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.wire import GraphQLRequest
from hansa_core.records.unit import UnitOfWork
from hansa_core.storage.transaction import Tenant
from hansa_core.system import accounts
from hansa_core.system.documents import add_documents, remove_document
from hansa_core.testing.platform import Platform
from hansa_core.testing.waiting import eventually
from tests.core.graphql.conftest import Ask

SHOP = "query Tags($n: Int) { contactsTags(first: $n) { totalCount } }"
OTHER = "{ me { name } }"
UNKNOWN = "{ me { email } }"


def identifier(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def by_id(text: str, **given: Any) -> GraphQLRequest:
    return GraphQLRequest("", document_id=identifier(text), **given)


@pytest.fixture(scope="module")
async def stored(platform: Platform, tenant: Tenant) -> None:
    caller = await platform.system(tenant)
    for collection, text in (("shop", SHOP), ("desk", OTHER), ("desk", SHOP)):
        await platform.runtime.write(caller, partial(add, collection, text))


async def add(collection: str, text: str, unit: UnitOfWork) -> None:
    await add_documents(unit, collection, [text])


@pytest.fixture(scope="module")
async def narrowed(platform: Platform, tenant: Tenant, manager: Caller) -> Caller:
    """The manager by a key of the collection shop."""
    user_id = manager.principal.user_id
    assert user_id is not None
    key = await platform.runtime.write(
        await platform.system(tenant),
        lambda unit: accounts.create_key(unit, user_id=user_id, label="shop", documents="shop"),
    )
    return await platform.caller(tenant, key)


pytestmark = pytest.mark.usefixtures("stored")


async def test_document_is_run_by_its_identifier(graphql: GraphQL, manager: Caller) -> None:
    answer = await graphql.answer_request(manager, by_id(SHOP, variables={"n": 0}))
    assert "errors" not in answer
    answer = await graphql.answer_request(manager, by_id(SHOP, operation_name="Nothing"))
    assert "called Nothing" in _error(answer)["message"]


async def test_unknown_document_is_one_error(graphql: GraphQL, manager: Caller) -> None:
    answer = await graphql.answer_request(manager, by_id(UNKNOWN))
    assert list(answer) == ["errors"]
    assert _error(answer)["extensions"] == {"code": "not_found", "argument": ["documentId"]}
    assert "hansa document add" in _error(answer)["message"]


@pytest.mark.parametrize(
    "written", ["", "x", "md5:1", identifier(SHOP).upper(), identifier(SHOP)[7:], "sha256:\x00"]
)
async def test_identifier_of_another_kind_is_invalid(
    graphql: GraphQL, manager: Caller, written: str
) -> None:
    answer = await graphql.answer_request(manager, GraphQLRequest("", document_id=written))
    assert _error(answer)["extensions"]["code"] == "invalid"


async def test_key_of_a_collection_runs_its_documents(graphql: GraphQL, narrowed: Caller) -> None:
    assert narrowed.principal.documents == "shop"
    assert "errors" not in await graphql.answer_request(narrowed, by_id(SHOP))


@pytest.mark.parametrize(
    "asked",
    [GraphQLRequest(SHOP), GraphQLRequest("{ __schema { queryType { name } } }")],
    ids=["same text", "introspection"],
)
async def test_key_of_a_collection_is_denied_any_text(
    graphql: GraphQL, narrowed: Caller, asked: GraphQLRequest
) -> None:
    answer = await graphql.answer_request(narrowed, asked)
    assert list(answer) == ["errors"]
    assert _error(answer)["extensions"]["code"] == "denied"
    assert "collection shop only" in _error(answer)["message"]


async def test_door_that_forgets_to_ask_is_denied(graphql: GraphQL, narrowed: Caller) -> None:
    answer = await graphql.answer(narrowed, SHOP)
    assert _error(answer)["extensions"]["code"] == "denied"


async def test_key_of_a_collection_is_denied_other_collections(
    graphql: GraphQL, narrowed: Caller, manager: Caller
) -> None:
    assert "errors" not in await graphql.answer_request(manager, by_id(OTHER))  # known by now
    answer = await graphql.answer_request(narrowed, by_id(OTHER))
    assert _error(answer)["extensions"]["code"] == "not_found"
    assert "in the collection shop" in _error(answer)["message"]


async def test_document_of_another_tenant_is_not_found(
    platform: Platform, graphql: GraphQL, manager: Caller
) -> None:
    assert "errors" not in await graphql.answer_request(manager, by_id(OTHER))
    elsewhere = await platform.user(await platform.tenant(), "system.administrator")
    answer = await graphql.answer_request(elsewhere, by_id(OTHER))
    assert _error(answer)["extensions"]["code"] == "not_found"


async def test_removed_document_runs_no_more(
    platform: Platform, tenant: Tenant, graphql: GraphQL, manager: Caller
) -> None:
    text = "{ me { roles } }"
    caller = await platform.system(tenant)
    await platform.runtime.write(caller, partial(add, "gone", text))
    assert "errors" not in await graphql.answer_request(manager, by_id(text))
    await platform.runtime.write(
        caller, lambda unit: remove_document(unit, "gone", identifier(text))
    )

    async def refused() -> bool:
        return "errors" in await graphql.answer_request(manager, by_id(text))

    await eventually(refused, timeout_seconds=2, what="the end of the document")


async def test_document_is_stored_by_an_administrators_mutation_only(
    platform: Platform, tenant: Tenant, ask: Ask
) -> None:
    document = """mutation { systemPersistedDocumentCreate(input: {collection: "api",
      text: "{ me { language } }"}) { record { documentId } errors { code } } }"""
    refused = await ask(document)
    assert refused["data"]["systemPersistedDocumentCreate"]["errors"][0]["code"] == "denied"
    administrator = await platform.user(tenant, "system.administrator")
    made = (await ask(document, caller=administrator))["data"]["systemPersistedDocumentCreate"]
    assert made["record"]["documentId"] == identifier("{ me { language } }")
    again = (await ask(document, caller=administrator))["data"]["systemPersistedDocumentCreate"]
    assert again["errors"][0]["code"] == "duplicate"


async def test_look_up_is_one_statement_and_then_none(
    platform: Platform, tenant: Tenant, manager: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = platform.runtime.clock
    at = clock.now()

    def stopped(_: object) -> datetime:
        return at

    monkeypatch.setattr(type(clock), "now", stopped)
    engine = GraphQL(platform.runtime)
    counted: list[str] = []
    read = platform.runtime.read

    def noted(caller: Caller) -> Any:
        counted.append("read")
        return read(caller)

    monkeypatch.setattr(platform.runtime, "read", noted)
    for _ in range(3):
        assert "errors" not in await engine.answer_request(manager, by_id(OTHER))
    assert counted == ["read"]  # `me` needs none


def _error(answer: dict[str, Any]) -> Any:
    (error,) = answer["errors"]
    return error
