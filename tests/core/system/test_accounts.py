"""Users, roles and keys as administrators manage them, and what others may not."""

from __future__ import annotations

from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest

from hansa_core.auth.principal import Principal
from hansa_core.auth.tokens import KeyCredential, read_key
from hansa_core.caller import Caller
from hansa_core.policy.compile import compile_grants
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.system.accounts import (
    assign_role,
    create_key,
    create_user,
    list_keys,
    roles_of,
    set_password,
    sync_roles,
    user_by_email,
    withdraw_role,
)
from hansa_core.system.entities import ApiKey, Role, RoleAssignment
from hansa_core.system.plugin import plugin
from hansa_core.system.roles import ROLES
from hansa_sdk import Denied, HansaError, Invalid, Link, NotFound, Unit, User
from hansa_sdk import Role as DeclaredRole
from tests.core.auth.office import PASSWORD, Office

ADMINISTRATOR = "system.administrator"


def caller_of(office: Office, user_id: UUID, *roles: str) -> Caller:
    principal = Principal(user_id, roles=("system.user", *roles))
    return office.runtime.caller(office.tenant, principal, office.shape)


async def test_created_user_is_found_by_any_spelling_of_his_address(office: Office) -> None:
    async def work(unit: UnitOfWork) -> tuple[UUID, UUID]:
        user = await create_user(unit, email="Grace@Example.ORG", name="Grace")
        return user.id, (await user_by_email(unit, " grace@EXAMPLE.org")).id

    made, found = await office.runtime.write(office.administrator(), work)
    assert made == found


async def test_second_user_with_the_same_address_is_refused(office: Office) -> None:
    _, email = await office.add_user()
    with pytest.raises(HansaError, match=r"(?i)email|e-mail"):
        await office.runtime.write(
            office.administrator(),
            lambda unit: create_user(unit, email=email.upper(), name="Twin"),
        )


async def test_unknown_user_and_role_are_not_found(office: Office) -> None:
    user_id, _ = await office.add_user()
    async with office.runtime.read(office.administrator()) as unit:
        with pytest.raises(NotFound):
            await user_by_email(unit, "nobody@example.org")
        with pytest.raises(NotFound, match=r"crm\.nothing"):
            await assign_role(unit, user_id, "crm.nothing")


async def test_role_is_assigned_once_and_withdrawn(office: Office) -> None:
    user_id, _ = await office.add_user()

    async def assign(unit: UnitOfWork) -> tuple[str, ...]:
        await assign_role(unit, user_id, ADMINISTRATOR)
        await assign_role(unit, user_id, ADMINISTRATOR)
        return await roles_of(unit, user_id)

    async def withdraw(unit: UnitOfWork) -> tuple[str, ...]:
        await withdraw_role(unit, user_id, ADMINISTRATOR)
        await withdraw_role(unit, user_id, ADMINISTRATOR)
        return await roles_of(unit, user_id)

    assert await office.runtime.write(office.administrator(), assign) == (ADMINISTRATOR,)
    assert await office.runtime.write(office.administrator(), withdraw) == ()


async def test_roles_are_synced_and_relabelled_but_never_removed(office: Office) -> None:
    extra = DeclaredRole("demo.clerk", (), label="Clerk")

    async def work(unit: UnitOfWork) -> list[tuple[str, str]]:
        await sync_roles(unit, {**office.shape.roles, extra.name: extra})
        await sync_roles(unit, {extra.name: DeclaredRole("demo.clerk", (), label="Office clerk")})
        return [(role.name, role.label) for role in await unit.find(Role)]

    roles = await office.runtime.write(office.administrator(), work)
    assert ("demo.clerk", "Office clerk") in roles
    assert {name for name, _ in roles} >= {role.name for role in ROLES}


async def test_keys_are_listed_with_their_prefix_and_last_use(office: Office) -> None:
    user_id, _ = await office.add_user(ADMINISTRATOR)
    admin = office.administrator()
    token = await office.runtime.write(
        admin,
        lambda unit: create_key(unit, user_id=user_id, label="import", roles=[ADMINISTRATOR]),
    )
    async with office.runtime.read(admin) as unit:
        (line,) = await list_keys(unit, user_id)
    assert (line.label, line.roles, line.used_at) == ("import", (ADMINISTRATOR,), None)
    assert token.startswith(line.prefix)
    await office.runtime.authenticate(office.tenant, read_key(token))
    async with office.runtime.read(admin) as unit:
        (line,) = await list_keys(unit, user_id)
        assert line.used_at == office.clock.now()
        assert line.id in {other.id for other in await list_keys(unit)}


async def test_key_never_has_a_role_its_user_lacks(office: Office) -> None:
    user_id, _ = await office.add_user()
    with pytest.raises(Invalid, match="does not hold") as caught:
        await office.runtime.write(
            office.administrator(),
            lambda unit: create_key(unit, user_id=user_id, label="x", roles=[ADMINISTRATOR]),
        )
    assert caught.value.path == ("roles",)


async def test_key_that_has_expired_already_is_refused(office: Office) -> None:
    user_id, _ = await office.add_user()
    with pytest.raises(Invalid, match="past"):
        await office.runtime.write(
            office.administrator(),
            lambda unit: create_key(
                unit, user_id=user_id, label="x", expires_at=office.clock.now() - timedelta(1)
            ),
        )


async def test_secrets_are_in_no_entity_and_no_event(office: Office) -> None:
    user_id, _ = await office.add_user(password=PASSWORD)
    token = await office.runtime.write(
        office.administrator(), lambda unit: create_key(unit, user_id=user_id, label="x")
    )
    names = {name for meta in office.shape.entities.values() for name in meta.fields}
    assert not names & {"password", "password_hash", "hash", "token", "token_hash", "secret"}
    tables = office.runtime.events
    async with office.database.transaction(office.tenant, read_only=True) as session:
        rows = await session.fetch(tables.event.select())
        bodies = [cast(bytes, row["body"]) for row in rows]
    assert bodies
    for secret in (PASSWORD, token, token[-40:], "argon2id"):
        assert not [body for body in bodies if secret.encode() in body]


async def test_plain_user_reads_colleagues_and_changes_nobody(office: Office) -> None:
    user_id, _ = await office.add_user()
    other_id, _ = await office.add_user()
    caller = caller_of(office, user_id)
    async with office.runtime.read(caller) as unit:
        assert {user_id, other_id} <= {user.id for user in await unit.find(User)}
        assert await unit.find(Unit, limit=1) == []

    async def rename(unit: UnitOfWork) -> None:
        user = await unit.get(User, other_id)
        user.name = "Mallory"
        await unit.save(user)

    async def promote(unit: UnitOfWork) -> None:
        await unit.save(RoleAssignment(user=Link(id=user_id), role=Link(id=other_id)))

    for work in (rename, promote):
        with pytest.raises(Denied):
            await office.runtime.write(caller, work)
    for entity in (Role, RoleAssignment, ApiKey):
        async with office.runtime.read(caller) as unit:
            with pytest.raises(Denied):
                await unit.find(entity)


async def test_person_changes_his_own_record_only(office: Office) -> None:
    user_id, _ = await office.add_user()
    other_id, _ = await office.add_user()
    caller = caller_of(office, user_id, "system.person")

    async def rename(unit: UnitOfWork, target: UUID) -> str:
        user = await unit.get(User, target)
        user.name = "Ada Lovelace"
        await unit.save(user)
        return user.name

    assert await office.runtime.write(caller, lambda unit: rename(unit, user_id)) == "Ada Lovelace"
    with pytest.raises(Denied):
        await office.runtime.write(caller, lambda unit: rename(unit, other_id))


async def test_password_of_another_is_set_by_who_may_change_him(office: Office) -> None:
    user_id, _ = await office.add_user()
    other_id, _ = await office.add_user()
    hashed = await office.passwords.hash(PASSWORD)
    person = caller_of(office, user_id, "system.person")
    await office.runtime.write(person, lambda unit: set_password(unit, user_id, hashed))
    with pytest.raises(Denied):
        await office.runtime.write(person, lambda unit: set_password(unit, other_id, hashed))
    with pytest.raises(Denied):
        await office.runtime.write(
            caller_of(office, user_id), lambda unit: set_password(unit, user_id, hashed)
        )


async def change_key(office: Office, caller: Caller, update: RowUpdate) -> None:
    async def work(unit: UnitOfWork) -> None:
        await unit.update_rows("system.api_key", [update])

    await office.runtime.write(caller, work)


async def test_key_cannot_be_given_to_another_user_by_the_api(office: Office) -> None:
    user_id, _ = await office.add_user()
    token = await office.runtime.write(
        office.administrator(), lambda unit: create_key(unit, user_id=user_id, label="x")
    )
    key_id = (await office.identify(read_key(token))).principal.key_id
    assert key_id is not None
    admin = caller_of(office, user_id, ADMINISTRATOR)
    for values in ({"user": user_id}, {"roles": [ADMINISTRATOR]}, {"expires_at": None}):
        with pytest.raises(HansaError, match="actions only"):
            await change_key(office, admin, RowUpdate(key_id, 1, values))
    assert isinstance(read_key(token), KeyCredential)


async def test_nobody_deactivates_himself(office: Office) -> None:
    user_id, _ = await office.add_user()
    deactivate, _ = plugin.actions
    admin = caller_of(office, user_id, ADMINISTRATOR)
    with pytest.raises(Invalid, match="yourself"):
        await office.runtime.write(admin, lambda unit: unit.run_action(deactivate, user_id, {}))


def test_administrator_holds_every_permission_of_the_shape(office: Office) -> None:
    grants = compile_grants(office.shape, [ADMINISTRATOR])
    assert set(grants.rows) == office.shape.permissions
    assert ("system.user", "deactivate") in grants.rows


async def test_user_in_a_zone_nobody_knows_is_refused(office: Office) -> None:
    with pytest.raises(HansaError, match="expected a name like Europe/Berlin, got 'Mars/Base'"):
        await office.runtime.write(
            office.administrator(),
            lambda unit: create_user(
                unit, email="zone@example.org", name="Zone", time_zone="Mars/Base"
            ),
        )
