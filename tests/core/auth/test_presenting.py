"""A key looked up in one statement with what is asked: as good as looking it up before."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import sqlalchemy as sa

from hansa_contacts.api import Party
from hansa_core.auth.identify import Identified
from hansa_core.auth.tokens import new_key, read_key
from hansa_core.plugins.discovery import installed_plugins
from hansa_core.presenting import Expected
from hansa_core.records.unit import UnitOfWork
from hansa_core.storage import database
from hansa_core.storage.statements import FIRST, Statement, beside, compile_statement
from hansa_core.storage.transaction import Session, Tenant
from hansa_core.system import accounts
from hansa_core.testing.databases import fresh_database
from hansa_core.testing.platform import Platform, open_platform
from hansa_core.testing.server import Client, WebServer, open_server
from hansa_crm.api import Deal
from hansa_sdk import Currency, Link, Team, User, UserTeam

DEALS = "{ crmDeals(first: 3) { totalCount } }"


Work = Callable[[UnitOfWork], Awaitable[object]]


@dataclass
class Desk:
    """A user with a key who asked twice: from then on his look-ups have a guess."""

    platform: Platform
    tenant: Tenant
    user_id: UUID
    key_id: UUID
    client: Client

    async def write(self, work: Work) -> None:
        await self.platform.runtime.write(await self.platform.system(self.tenant), work)


class Ran(list[Statement]):
    """The statements sessions ran, but for what the server does of its own accord.

    Those with a look-up in them fail once they ran where `fails` is set.
    """

    fails = False

    def together(self) -> int:
        return sum(map(is_wide, self))


def is_wide(statement: Statement) -> bool:
    return any(name.startswith(FIRST) for name in statement.names)


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Ran:
    statements = Ran()

    class Noted(Session):
        async def fetch(self, statement: Any, params: Any = None) -> Any:
            if isinstance(statement, Statement) and "system_event" not in statement.template:
                statements.append(statement)
            found = await super().fetch(statement, params)
            if statements.fails and isinstance(statement, Statement) and is_wide(statement):
                raise asyncpg.DataError("of the database")
            return found

    monkeypatch.setattr(database, "Session", Noted)
    return statements


@pytest.fixture(scope="module")
async def platform(
    postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Platform]:
    with fresh_database(postgres_url) as url:
        home = tmp_path_factory.mktemp("home")
        async with open_platform(url, home, installed_plugins()) as opened:
            yield opened


@pytest.fixture(scope="module")
async def web(platform: Platform) -> AsyncGenerator[WebServer]:
    async with open_server(platform.runtime) as server:
        yield server


@pytest.fixture
async def desk(platform: Platform, web: WebServer) -> Desk:
    tenant = await platform.tenant("crm")
    user = await platform.user(tenant, "crm.sales_manager", "crm.viewer")
    key = await platform.key(user)
    principal = (await platform.caller(tenant, key)).principal
    assert principal.user_id is not None
    assert principal.key_id is not None
    client = await web.client(tenant, key)
    for _ in range(2):
        await client.ask(DEALS)
    return Desk(platform, tenant, principal.user_id, principal.key_id, client)


async def test_request_of_a_key_seen_before_is_one_statement(desk: Desk, ran: Ran) -> None:
    assert await desk.client.ask(DEALS) == {"totalCount": 0}
    assert [len(ran), ran.together()] == [1, 1]


async def test_revoked_key_gets_nothing_of_what_ran_with_its_look_up(desk: Desk, ran: Ran) -> None:
    await desk.write(lambda unit: accounts.revoke_key(unit, desk.key_id))
    ran.clear()
    for tries in (1, 2):
        response = await desk.client.post(DEALS)
        assert response.status_code == 401
        assert "data" not in response.json()
        assert ran.together() == 1, f"no guess is left after try {tries}"


async def test_deactivated_user_is_refused_at_once(desk: Desk) -> None:
    async def deactivate(unit: UnitOfWork) -> None:
        found = await unit.get(User, desk.user_id)
        found.active = False
        await unit.save(found)

    await desk.write(deactivate)
    assert (await desk.client.post(DEALS)).status_code == 401


async def test_withdrawn_role_counts_at_once(desk: Desk) -> None:
    await desk.write(lambda unit: accounts.withdraw_role(unit, desk.user_id, "crm.sales_manager"))
    assert await desk.client.ask(DEALS) == {"totalCount": 0}  # another role still lets him read
    await desk.write(lambda unit: accounts.withdraw_role(unit, desk.user_id, "crm.viewer"))
    for _ in range(2):
        assert (await desk.client.refusal(DEALS))["code"] == "denied"


async def test_row_of_a_team_is_there_once_one_is_in_the_team(
    platform: Platform, web: WebServer
) -> None:
    tenant = await platform.tenant("crm")
    user = await platform.user(tenant, "crm.sales_rep")
    client = await web.client(tenant, await platform.key(user))
    teams: list[UUID] = []

    async def deal_of_a_team(unit: UnitOfWork) -> None:
        team, party = Team(name="North"), Party(name="Acme")
        await unit.save(team)
        await unit.save(party)
        teams.append(team.id)
        await unit.save(Deal(title="Deal", party=party, team=team, currency=Currency("EUR")))

    async def join(unit: UnitOfWork) -> None:
        assert user.principal.user_id is not None
        await unit.save(UserTeam(user=Link(id=user.principal.user_id), team=Link(id=teams[0])))

    await platform.runtime.write(await platform.system(tenant), deal_of_a_team)
    for _ in range(2):
        assert await client.ask(DEALS) == {"totalCount": 0}
    await platform.runtime.write(await platform.system(tenant), join)
    for _ in range(2):
        assert await client.ask(DEALS) == {"totalCount": 1}


async def test_statement_that_fails_is_told_to_the_one_expected_alone(desk: Desk, ran: Ran) -> None:
    ran.fails = True
    assert (await desk.client.refusal(DEALS))["code"] == "internal"
    await desk.write(lambda unit: accounts.revoke_key(unit, desk.key_id))
    assert (await desk.client.post(DEALS)).status_code == 401
    assert ran.together() == 2


async def test_guesses_are_bounded(desk: Desk) -> None:
    expected, credential = Expected(kept=2), read_key(new_key(desk.tenant.slug))
    caller = await desk.platform.caller(
        desk.tenant, await desk.platform.key(await desk.platform.user(desk.tenant, "crm.viewer"))
    )
    found = Identified(caller.principal, 1, 1, touch_due=False, known_by=())
    expected.note(desk.tenant, credential, found)
    for _ in range(2):
        expected.note(desk.tenant, read_key(new_key(desk.tenant.slug)), found)
    assert expected.of(desk.tenant, credential) is None


async def test_two_statements_keep_their_parameters_whatever_is_quoted(
    platform: Platform, desk: Desk
) -> None:
    texts = ("$1", "it's $2", '"$3', "'", "$", "\\", "''$1::TEXT")
    first = compile_statement(sa.select(sa.literal("one").label("a $1"), sa.literal(1).label("b'")))
    columns: list[sa.ColumnElement[Any]] = []
    for number, text in enumerate(texts):
        columns.append(sa.literal(text).label(f"p{number}"))
        quoted = text.replace("'", "''")
        columns.append(sa.literal_column(f"'{quoted}'", sa.Text).label(f"{text} of {number}"))
    second = compile_statement(sa.select(*columns))
    async with platform.runtime.database.reading(desk.tenant) as session:
        row = await session.fetch_one(beside(first, second))
    assert row is not None
    assert list(row.values()) == ["one", 1, *(text for text in texts for _ in range(2))]


async def test_first_use_of_a_key_in_a_minute_is_noted_before_it_writes(
    platform: Platform, desk: Desk
) -> None:
    create = """mutation { contactsTagCreate(input: {name: "note"}) { errors { code } } }"""
    administrator = await platform.user(desk.tenant, "contacts.manager")
    desk.client.http.headers["Authorization"] = f"Bearer {await platform.key(administrator)}"
    used = sa.text(
        'SELECT count(*) FROM "__tenant__".system_key_secret WHERE used_at > :since'
    ).bindparams(sa.bindparam("since", type_=sa.DateTime(timezone=True)))
    unused = sa.text('UPDATE "__tenant__".system_key_secret SET used_at = NULL')
    assert await desk.client.ask(create) == {"errors": []}
    for _ in range(2):
        since = platform.runtime.clock.now()
        async with platform.runtime.database.transaction(desk.tenant) as session:
            await session.execute(unused)
        answer = await desk.client.ask(create.replace("note", str(since)))
        assert answer == {"errors": []}
        async with platform.runtime.database.reading(desk.tenant) as session:
            assert await session.fetch_value(used, {"since": since}) == 1
