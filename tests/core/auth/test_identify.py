"""Who a key or session belongs to: one statement, and one answer for whoever is not let in."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from hansa_core.auth.identify import Identifier
from hansa_core.auth.sessions import IDLE, LIFETIME, Sessions
from hansa_core.auth.tokens import Credential, SessionCredential, new_key, read_key, refused
from hansa_core.records.unit import UnitOfWork
from hansa_core.storage.transaction import Tenant
from hansa_core.system.accounts import assign_role, create_key, revoke_key, withdraw_role
from hansa_core.system.entities import ApiKey
from hansa_sdk import Invalid, Link, Team, Unauthenticated, User, UserTeam
from tests.core.auth.office import Office


async def make_key(office: Office, user_id: UUID, roles: list[str] | None = None) -> Credential:
    token = await office.runtime.write(
        office.administrator(),
        lambda unit: create_key(
            unit,
            user_id=user_id,
            label="test",
            roles=roles,
            expires_at=office.clock.now() + timedelta(days=7),
        ),
    )
    return read_key(token)


async def make_session(office: Office, user_id: UUID) -> Credential:
    async with office.database.transaction(office.tenant) as session:
        token = await Sessions().open(
            session, user_id, office.clock.now(), user_agent="test", address="127.0.0.1"
        )
    return SessionCredential(token)


async def refuse(office: Office, credential: Credential, tenant: Tenant | None = None) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await office.identify(credential, tenant)
    assert str(caught.value) == str(refused())


async def test_key_acts_as_its_user_with_all_his_roles(office: Office) -> None:
    user_id, email = await office.add_user("system.administrator")
    principal = (await office.identify(await make_key(office, user_id))).principal
    assert (principal.user_id, principal.email) == (user_id, email)
    assert principal.roles == ("system.administrator", "system.person", "system.user")
    assert principal.key_id is not None
    assert principal.session_id is None


async def test_key_narrowed_to_a_role_holds_no_other(office: Office) -> None:
    user_id, _ = await office.add_user("system.administrator", "system.person")
    key = await make_key(office, user_id, roles=["system.person"])
    assert (await office.identify(key)).principal.roles == ("system.person", "system.user")
    nothing = await make_key(office, user_id, roles=[])
    assert (await office.identify(nothing)).principal.roles == ("system.user",)


async def test_administrators_key_may_be_narrowed_to_any_role(office: Office) -> None:
    user_id, _ = await office.add_user("system.administrator")
    key = await make_key(office, user_id, roles=["system.person"])
    assert (await office.identify(key)).principal.roles == ("system.person", "system.user")
    with pytest.raises(Invalid, match=r"does not hold crm\.unknown"):
        await make_key(office, user_id, roles=["crm.unknown"])


async def test_key_loses_a_role_when_its_user_does(office: Office) -> None:
    user_id, _ = await office.add_user("system.administrator")
    key = await make_key(office, user_id, roles=["system.administrator"])
    admin = office.administrator()
    await office.runtime.write(
        admin, lambda unit: withdraw_role(unit, user_id, "system.administrator")
    )
    assert (await office.identify(key)).principal.roles == ("system.user",)
    await office.runtime.write(
        admin, lambda unit: assign_role(unit, user_id, "system.administrator")
    )
    assert "system.administrator" in (await office.identify(key)).principal.roles


async def test_session_knows_the_teams_of_its_user_and_those_below(office: Office) -> None:
    user_id, _ = await office.add_user()

    async def work(unit: UnitOfWork) -> list[UUID]:
        top, mine = Team(name=f"top {user_id}"), Team(name=f"mine {user_id}")
        await unit.save(top)
        mine.parent = Link(id=top.id)
        await unit.save(mine)
        below = Team(name=f"below {user_id}", parent=Link(id=mine.id))
        gone = Team(name=f"gone {user_id}", parent=Link(id=mine.id))
        await unit.save_all([below, gone])
        await unit.archive(gone)
        await unit.save(UserTeam(user=Link(id=user_id), team=Link(id=mine.id)))
        mine.parent = Link(id=below.id)  # a circle must not hang the look-up
        await unit.save(mine)
        return [mine.id, below.id]

    expected = await office.runtime.write(office.administrator(), work)
    identified = await office.identify(await make_session(office, user_id))
    assert identified.principal.teams == tuple(sorted(expected))
    assert identified.principal.session_id is not None


async def test_one_answer_for_credentials_that_were_never_good(office: Office) -> None:
    user_id, _ = await office.add_user()
    key = await make_key(office, user_id)
    await refuse(office, read_key(new_key(office.tenant.slug)))
    await refuse(office, SessionCredential("nothing"))
    await refuse(office, key, office.other)
    await refuse(office, read_key(new_key(office.other.slug)))


async def test_deactivated_user_is_out_with_sessions_and_keys(office: Office) -> None:
    user_id, _ = await office.add_user()
    credentials = [await make_key(office, user_id), await make_session(office, user_id)]
    (deactivate, reactivate) = office.shape.actions["system.user"]
    admin = office.administrator()
    await office.runtime.write(admin, lambda unit: unit.run_action(deactivate, user_id, {}))
    for credential in credentials:
        await refuse(office, credential)
    await office.runtime.write(admin, lambda unit: unit.run_action(reactivate, user_id, {}))
    for credential in credentials:
        assert (await office.identify(credential)).principal.user_id == user_id


async def test_archived_user_and_archived_key_are_refused(office: Office) -> None:
    user_id, _ = await office.add_user()
    key, session = await make_key(office, user_id), await make_session(office, user_id)

    async def archive_key(unit: UnitOfWork) -> None:
        (record,) = await unit.find(ApiKey, ApiKey.user == user_id)
        await unit.archive(record)

    async def archive_user(unit: UnitOfWork) -> None:
        await unit.archive(await unit.get(User, user_id))

    await office.runtime.write(office.administrator(), archive_key)
    await refuse(office, key)
    await office.identify(session)
    await office.runtime.write(office.administrator(), archive_user)
    await refuse(office, session)


async def test_revoked_key_is_refused_at_once(office: Office) -> None:
    user_id, _ = await office.add_user()
    key = await make_key(office, user_id)
    key_id = (await office.identify(key)).principal.key_id
    assert key_id is not None
    await office.runtime.write(office.administrator(), lambda unit: revoke_key(unit, key_id))
    await refuse(office, key)


async def test_key_ends_at_its_expiry(office: Office) -> None:
    user_id, _ = await office.add_user()
    key = await make_key(office, user_id)
    office.clock.advance(timedelta(days=7) - timedelta(seconds=1))
    await office.identify(key)
    office.clock.advance(timedelta(seconds=1))
    await refuse(office, key)


async def test_session_ends_when_idle_and_at_its_end(office: Office) -> None:
    user_id, _ = await office.add_user()
    session = await make_session(office, user_id)
    end = office.clock.now() + LIFETIME
    while office.clock.now() + IDLE < end:
        office.clock.advance(IDLE - timedelta(minutes=1))
        identified = await office.identify(session)
        async with office.database.transaction(office.tenant) as transaction:
            await Identifier().touch(transaction, identified.principal, office.clock.now())
    office.clock.advance(end - office.clock.now())
    await refuse(office, session)
    idle = await make_session(office, user_id)
    office.clock.advance(IDLE)
    await refuse(office, idle)


async def test_use_is_noted_once_a_minute(office: Office) -> None:
    user_id, _ = await office.add_user()
    for credential in (await make_key(office, user_id), await make_session(office, user_id)):
        office.clock.advance(timedelta(minutes=1))
        identified = await office.identify(credential)
        assert identified.touch_due
        async with office.database.transaction(office.tenant) as transaction:
            await Identifier().touch(transaction, identified.principal, office.clock.now())
        office.clock.advance(timedelta(seconds=59))
        assert not (await office.identify(credential)).touch_due
        office.clock.advance(timedelta(seconds=1))
        assert (await office.identify(credential)).touch_due


async def test_counters_of_the_tenant_come_with_the_caller(office: Office) -> None:
    user_id, _ = await office.add_user()
    session = await make_session(office, user_id)
    before = await office.identify(session)
    async with office.database.transaction(office.tenant) as transaction:
        await transaction.execute(
            sa.text(
                'INSERT INTO "__tenant__".system_state AS s (id, generation, policy_epoch)'
                " VALUES (1, 2, 1) ON CONFLICT (id) DO UPDATE"
                " SET generation = s.generation + 2, policy_epoch = s.policy_epoch + 1"
            )
        )
    after = await office.identify(session)
    assert after.generation == before.generation + 2
    assert after.policy_epoch == before.policy_epoch + 1


async def test_old_sessions_go_when_a_new_one_opens(office: Office) -> None:
    user_id, _ = await office.add_user()
    first = await make_session(office, user_id)
    for _ in range(49):
        office.clock.advance(timedelta(seconds=1))
        await make_session(office, user_id)
    await office.identify(first)
    office.clock.advance(timedelta(seconds=1))
    await make_session(office, user_id)
    await refuse(office, first)
