"""Who holds no role may do nothing: every operation of the API, made from its own description."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from hansa_core.model.meta import pascal
from hansa_core.model.roles import EVERYBODY, PERSON
from hansa_core.model.shape import Shape
from hansa_core.policy.compile import compile_grants
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Client, WebServer
from tests.scenarios.conftest import Ledger
from tests.scenarios.documents import Schema

FREE = {
    ("system.user", "read"),
    ("system.user", "update"),  # himself only
    ("system.team", "read"),
    ("system.user_team", "read"),
    ("system.unit", "read"),
}
"""What everybody who is signed in may do."""


@dataclass(frozen=True)
class Stranger:
    """Somebody with an account, a key of it, and no role, in a company full of data.

    `schema` is what an administrator is told of it, `shown` what he is told himself.
    """

    tenant: Tenant
    shape: Shape
    client: Client
    schema: Schema
    shown: Schema


@pytest.fixture(scope="module")
async def stranger(platform: Platform, web: WebServer) -> Stranger:
    tenant = await platform.tenant("crm", demo=True)
    caller = await platform.user(tenant)
    client = await web.client(tenant, await platform.key(caller))
    return Stranger(
        tenant,
        caller.shape,
        client,
        await whole_schema(platform, web, tenant),
        await Schema.of(client),
    )


async def whole_schema(platform: Platform, web: WebServer, tenant: Tenant) -> Schema:
    """Return the schema as an administrator is told it: all of it."""
    key = await platform.key(await platform.user(tenant, "system.administrator"))
    return await Schema.of(await web.client(tenant, key))


def guarded(shape: Shape) -> Iterator[tuple[str, str, str]]:
    """Yield every operation with the entity and action that must be granted for it."""
    for meta in shape.entities.values():
        name = meta.single_api_name
        yield name, meta.name, "read"
        yield meta.plural_api_name, meta.name, "read"
        yield f"{meta.plural_api_name}Group", meta.name, "read"
        for ending, action in (
            ("Create", "create"),
            ("Update", "update"),
            ("Delete", "delete"),
            ("Archive", "archive"),
            ("Restore", "archive"),
            ("UpsertMany", "create"),
            ("UpdateMany", "update"),
            ("DeleteMany", "delete"),
        ):
            yield name + ending, meta.name, action
        for each in shape.actions.get(meta.name, ()):
            entity, _, verb = each.permission.rpartition(".")
            yield name + pascal(each.name), entity, verb
    for name, query in shape.queries.items():
        entity, _, verb = query.permission.rpartition(".")
        plugin, _, rest = name.partition(".")
        yield plugin + pascal(rest), entity, verb


async def record_ids(ledger: Ledger, stranger: Stranger) -> dict[str, str]:
    """Return the id of a record of each entity, a random one where there is none."""
    found: dict[str, str] = {}
    for meta in stranger.shape.entities.values():
        rows = await ledger.rows(stranger.tenant, f'SELECT id FROM "{meta.table}" LIMIT 1')  # noqa: S608  # our own name
        found[meta.type_name] = str(rows[0]["id"] if rows else uuid4())
    return found


def test_everybody_holds_what_this_test_thinks(stranger: Stranger) -> None:
    assert set(compile_grants(stranger.shape, (EVERYBODY, PERSON)).rows) == FREE


def test_every_operation_has_its_permission(stranger: Stranger) -> None:
    known = {name for name, _, _ in guarded(stranger.shape)}
    offered = {*stranger.schema.queries(), *stranger.schema.mutations()} - {"node"}
    assert offered <= known
    permissions = {(entity, action) for _, entity, action in guarded(stranger.shape)}
    unoffered = {action for _, action in stranger.shape.permissions - permissions}
    assert unoffered <= {"export", "import", "admin"}


async def test_every_read_is_refused(stranger: Stranger, ledger: Ledger) -> None:
    ids = await record_ids(ledger, stranger)
    schema, client = stranger.schema, stranger.client
    types = {meta.name: meta.type_name for meta in stranger.shape.entities.values()}
    permissions = {name: (entity, action) for name, entity, action in guarded(stranger.shape)}
    refused = 0
    for name, query in schema.queries().items():
        if name == "node":  # of any kind: null for what may not be read (test_node.py)
            continue
        entity, action = permissions[name]
        if (entity, action) in FREE:
            continue
        variables = schema.variables(query, ids[types[entity]], ids.__getitem__)
        error = await client.refusal(query.document, **variables)
        assert error["code"] == "denied", (name, error)
        assert f"grant {action} on {entity}" in error["message"]
        refused += 1
    assert refused >= 2 * (len(stranger.shape.entities) - len({entity for entity, _ in FREE}))


async def test_every_write_and_action_is_refused_and_nothing_is_written(
    stranger: Stranger, ledger: Ledger
) -> None:
    ids = await record_ids(ledger, stranger)
    schema, client = stranger.schema, stranger.client
    types = {meta.name: meta.type_name for meta in stranger.shape.entities.values()}
    permissions = {name: (entity, action) for name, entity, action in guarded(stranger.shape)}
    before = await ledger.fingerprint(stranger.tenant)
    for name, mutation in schema.mutations().items():
        entity, action = permissions[name]
        # a row that is there and one that is not: who may do neither learns of neither
        for id in (ids[types[entity]], str(uuid4())):
            variables = schema.variables(mutation, id, ids.__getitem__)
            error = await client.refusal(mutation.document, **variables)
            if (entity, action) in FREE:
                assert error["code"] in ("denied", "not_found"), (name, error)
            else:
                assert error["code"] == "denied", (name, error)
                assert f"grant {action} on {entity}" in error["message"]
    assert await ledger.fingerprint(stranger.tenant) == before


async def test_meta_tells_of_nothing_that_is_not_granted(stranger: Stranger) -> None:
    meta = await stranger.client.ask("{ meta { entities { name actions { name } } permissions } }")
    assert {each["name"] for each in meta["entities"]} == {entity for entity, _ in FREE}
    assert set(meta["permissions"]) == {f"{entity}.{action}" for entity, action in FREE}
    assert not [each for each in meta["entities"] if each["actions"]]


async def test_introspection_tells_of_nothing_that_is_not_granted(stranger: Stranger) -> None:
    granted = {name for name, entity, verb in guarded(stranger.shape) if (entity, verb) in FREE}
    shown = {*stranger.shown.queries(), *stranger.shown.mutations()} - {"node"}
    assert shown - granted == {"systemUserUpsertMany"}  # of users that are there
    offered = {*stranger.schema.queries(), *stranger.schema.mutations()}
    assert granted & offered <= shown
    types = {meta.type_name for meta in stranger.shape.entities.values()}
    told = {name for name in stranger.shown.types if name.startswith(tuple(types))}
    free = {stranger.shape.entities[entity].type_name for entity, _ in FREE}
    assert all(name.startswith(tuple(free)) for name in told)
    assert {name for name in stranger.shown.types if name.startswith(("Crm", "Contacts"))} == set()


ROLES = [
    pytest.param(("crm.viewer", "contacts.reader"), id="viewer"),
    pytest.param(("crm.sales_rep", "contacts.editor"), id="rep"),
    pytest.param(("crm.sales_manager",), id="manager"),
]


@pytest.mark.parametrize("roles", ROLES)
async def test_introspection_shows_what_may_be_used_and_nothing_else(
    platform: Platform, web: WebServer, ledger: Ledger, roles: tuple[str, ...]
) -> None:
    tenant = await platform.tenant("crm", demo=True)
    caller = await platform.user(tenant, *roles)
    client = await web.client(tenant, await platform.key(caller))
    whole, shown = await whole_schema(platform, web, tenant), await Schema.of(client)
    types = {meta.name: meta.type_name for meta in caller.shape.entities.values()}
    permissions = {name: (entity, verb) for name, entity, verb in guarded(caller.shape)}
    ids = await record_ids(ledger, Stranger(tenant, caller.shape, client, whole, shown))
    told = {**shown.queries(), **shown.mutations()}
    assert 20 < len(told) < len({**whole.queries(), **whole.mutations()})
    for name, operation in {**whole.queries(), **whole.mutations()}.items():
        if name in ("node", "systemUserUpsertMany"):  # of any kind; of users that are there
            continue
        entity, action = permissions[name]
        variables = whole.variables(operation, ids[types[entity]], ids.__getitem__)
        answer = await client.answer(operation.document, **variables)
        refused = f"grant {action} on {entity}" in str(answer)
        assert refused == (name not in told), (name, answer)
