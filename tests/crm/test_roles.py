"""What each role of crm is refused, and that who should may."""

from __future__ import annotations

import uuid
from uuid import UUID

import pytest

from hansa_core.caller import Caller
from hansa_sdk import Denied, HansaError
from tests.contacts.tenant import Company, row_id
from tests.crm.conftest import Sales


async def _deal(company: Company, owner: Caller, team: UUID | None = None) -> UUID:
    values = {"title": "A", "party": await company.party(), "currency": "EUR", "team": team}
    values["owner"] = owner.principal.user_id
    return row_id(await company.create(company.kernel, "crm.deal", **values))


async def test_reading_deals_is_denied_without_a_role(company: Company, sales: Sales) -> None:
    with pytest.raises(Denied):
        await company.rows(await company.user("contacts.manager"), "crm.deal")


async def test_rep_sees_own_and_team_deals_only(company: Company, sales: Sales) -> None:
    team = row_id(await company.create(company.kernel, "system.team", name=uuid.uuid4().hex))
    rep, other = await company.user("crm.sales_rep", teams=(team,)), await company.user()
    own = await _deal(company, rep)
    shared = await _deal(company, other, team)
    foreign = await _deal(company, other)
    seen = {row_id(row) for row in await company.rows(rep, "crm.deal")}
    assert seen == {own, shared}
    viewer = await company.user("crm.viewer")
    assert {own, shared, foreign} <= {row_id(row) for row in await company.rows(viewer, "crm.deal")}


async def test_changing_and_closing_is_denied_when_the_deal_is_a_colleagues(
    company: Company, sales: Sales
) -> None:
    team = row_id(await company.create(company.kernel, "system.team", name=uuid.uuid4().hex))
    rep, other = await company.user("crm.sales_rep", teams=(team,)), await company.user()
    shared, foreign = await _deal(company, other, team), await _deal(company, other)
    with pytest.raises(Denied):
        await company.update(rep, "crm.deal", shared, title="Mine")
    with pytest.raises(Denied):
        await company.act(rep, "crm.deal.win", shared)
    for refused in (
        company.update(rep, "crm.deal", foreign, title="Mine"),
        company.act(rep, "crm.deal.win", foreign),
    ):
        with pytest.raises(HansaError) as error:
            await refused
        assert error.value.code == "not_found"


async def test_creating_or_giving_away_a_deal_is_denied_when_it_is_not_the_reps(
    company: Company, sales: Sales
) -> None:
    rep, other = await company.user("crm.sales_rep"), await company.user()
    party = await company.party()
    values = {"title": "A", "party": party, "currency": "EUR"}
    with pytest.raises(HansaError, match=r"(?i)may not|grant|allow"):
        await company.create(rep, "crm.deal", **values, owner=other.principal.user_id)
    own = row_id(await company.create(rep, "crm.deal", **values))
    with pytest.raises(HansaError, match=r"(?i)may not|grant|allow"):
        await company.update(rep, "crm.deal", own, owner=other.principal.user_id)
    manager = await company.user("crm.sales_manager")
    given = await company.update(manager, "crm.deal", own, owner=other.principal.user_id)
    assert given["owner"] == other.principal.user_id


async def test_reopening_and_deleting_is_denied_to_reps(company: Company, sales: Sales) -> None:
    rep = await company.user("crm.sales_rep")
    manager = await company.user("crm.sales_manager")
    deal = await _deal(company, rep)
    await company.act(rep, "crm.deal.win", deal)
    with pytest.raises(Denied):
        await company.act(rep, "crm.deal.reopen", deal)
    with pytest.raises(Denied):
        await company.delete(rep, "crm.deal", deal)
    await company.act(manager, "crm.deal.reopen", deal)
    await company.delete(manager, "crm.deal", deal)
    assert deal not in {row_id(row) for row in await company.rows(manager, "crm.deal")}


async def test_writing_is_denied_to_viewers(company: Company, sales: Sales) -> None:
    viewer, rep = await company.user("crm.viewer"), await company.user("crm.sales_rep")
    deal = await _deal(company, rep)
    party = await company.party()
    with pytest.raises(Denied):
        await company.create(viewer, "crm.deal", title="A", party=party, currency="EUR")
    with pytest.raises(Denied):
        await company.update(viewer, "crm.deal", deal, title="B")
    for action in ("win", "reopen"):
        with pytest.raises(Denied):
            await company.act(viewer, f"crm.deal.{action}", deal)
    with pytest.raises(Denied):
        await company.create(viewer, "crm.activity", kind="note", subject="A")


@pytest.mark.parametrize("role", ["crm.viewer", "crm.sales_rep"])
async def test_pipelines_and_parties_are_denied_to_all_but_managers(
    company: Company, sales: Sales, role: str
) -> None:
    user = await company.user(role)
    with pytest.raises(Denied):
        await company.create(user, "crm.pipeline", name=uuid.uuid4().hex)
    with pytest.raises(Denied):
        await company.update(user, "crm.stage", sales.new, name="Newer")
    with pytest.raises(Denied):
        await company.create(user, "contacts.party", name="A")


async def test_rep_sees_activities_of_own_deals_and_completes_own_only(
    company: Company, sales: Sales
) -> None:
    rep, other = await company.user("crm.sales_rep"), await company.user()
    deal = await _deal(company, rep)
    values = {"kind": "task", "subject": "A", "assignee": other.principal.user_id}
    on_deal = row_id(await company.create(company.kernel, "crm.activity", **values, deal=deal))
    foreign = row_id(await company.create(company.kernel, "crm.activity", **values))
    own = row_id(await company.create(rep, "crm.activity", kind="task", subject="B"))
    seen = {row_id(row) for row in await company.rows(rep, "crm.activity")}
    assert seen == {on_deal, own}
    with pytest.raises(Denied):
        await company.act(rep, "crm.activity.complete", on_deal)
    with pytest.raises(HansaError) as error:
        await company.act(rep, "crm.activity.complete", foreign)
    assert error.value.code == "not_found"
    await company.act(rep, "crm.activity.complete", own)
    assert (await company.row("crm.activity", own))["done"] is True
