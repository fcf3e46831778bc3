"""A deal's way through a pipeline to won or lost, and back."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

import pytest

from hansa_core.caller import Caller
from hansa_sdk import HansaError
from tests.contacts.tenant import Company, Row, row_id
from tests.crm.conftest import Sales


async def _deal(company: Company, caller: Caller, **values: object) -> Row:
    given: dict[str, object] = {"title": "Lamps", "currency": "EUR", "amount": Decimal("100.00")}
    party = values.pop("party", None) or await company.party()
    return await company.create(caller, "crm.deal", **{**given, "party": party, **values})


async def test_deal_starts_in_the_first_stage_with_its_maker_when_nothing_is_said(
    company: Company, sales: Sales
) -> None:
    rep = await company.user("crm.sales_rep")
    deal = await _deal(company, rep)
    assert (deal["pipeline"], deal["stage"]) == (sales.pipeline, sales.new)
    assert (deal["owner"], deal["status"], deal["likelihood"]) == (
        rep.principal.user_id,
        "open",
        10,
    )


async def test_pipeline_is_the_stages_when_only_a_stage_is_given(
    company: Company, sales: Sales
) -> None:
    deal = await _deal(company, company.kernel, stage=sales.negotiation)
    assert (deal["pipeline"], deal["likelihood"]) == (sales.pipeline, 80)
    assert deal["owner"] is None


async def test_likelihood_follows_the_stage_unless_overridden(
    company: Company, sales: Sales
) -> None:
    deal = await _deal(company, company.kernel)
    moved = await company.update(company.kernel, "crm.deal", row_id(deal), stage=sales.negotiation)
    assert moved["likelihood"] == 80
    said = await company.update(company.kernel, "crm.deal", row_id(deal), probability=35)
    assert said["likelihood"] == 35
    with pytest.raises(HansaError, match="between 0 and 100"):
        await company.update(company.kernel, "crm.deal", row_id(deal), probability=101)


async def test_deal_is_refused_when_its_stage_is_of_another_pipeline(
    company: Company, sales: Sales
) -> None:
    other = await company.create(company.kernel, "crm.pipeline", name=uuid.uuid4().hex, position=9)
    with pytest.raises(HansaError, match="'New' belongs to another") as refused:
        await _deal(company, company.kernel, pipeline=row_id(other), stage=sales.new)
    assert refused.value.path == (0, "stage")
    with pytest.raises(HansaError, match="has no stage") as refused:
        await _deal(company, company.kernel, pipeline=row_id(other))
    assert refused.value.path == (0, "pipeline")


async def test_deal_is_refused_when_its_contact_is_no_person(
    company: Company, sales: Sales
) -> None:
    firm, person = await company.party(name="Firm"), await company.party("person")
    deal = await _deal(company, company.kernel, party=firm, contact_person=person)
    assert deal["contact_person"] == person
    with pytest.raises(HansaError, match="'Firm' is an organisation") as refused:
        await company.update(company.kernel, "crm.deal", row_id(deal), contact_person=firm)
    assert refused.value.path == (0, "contact_person")


async def test_deal_is_won_once(company: Company, sales: Sales, now: datetime) -> None:
    rep = await company.user("crm.sales_rep")
    id = row_id(await _deal(company, rep))
    events = await company.act(rep, "crm.deal.win", id)
    assert "crm.deal_won" in events
    deal = await company.row("crm.deal", id)
    assert (deal["status"], deal["closed_at"], deal["likelihood"]) == ("won", now, 100)
    for action, said in (("win", {}), ("lose", {"reason": "late"})):
        with pytest.raises(HansaError, match=r"'Lamps' is won; only an open deal.*Reopen"):
            await company.act(rep, f"crm.deal.{action}", id, **said)
    assert await company.row("crm.deal", id) == deal


async def test_deal_is_lost_for_a_reason(company: Company, sales: Sales, now: datetime) -> None:
    rep = await company.user("crm.sales_rep")
    id = row_id(await _deal(company, rep))
    for reason in ("", "  ", "x" * 401):
        with pytest.raises(HansaError, match="1 to 400 characters") as refused:
            await company.act(rep, "crm.deal.lose", id, reason=reason)
        assert refused.value.path == ("reason",)
    assert "crm.deal_lost" in await company.act(rep, "crm.deal.lose", id, reason=" too dear ")
    deal = await company.row("crm.deal", id)
    assert (deal["status"], deal["lost_reason"], deal["closed_at"]) == ("lost", "too dear", now)
    assert deal["likelihood"] == 0


async def test_deal_is_open_again_when_reopened(company: Company, sales: Sales) -> None:
    manager = await company.user("crm.sales_manager")
    id = row_id(await _deal(company, manager))
    with pytest.raises(HansaError, match="is open; only a won or lost"):
        await company.act(manager, "crm.deal.reopen", id)
    await company.act(manager, "crm.deal.lose", id, reason="late")
    assert "crm.deal_reopened" in await company.act(manager, "crm.deal.reopen", id)
    deal = await company.row("crm.deal", id)
    assert (deal["status"], deal["lost_reason"], deal["closed_at"]) == ("open", None, None)
    assert deal["likelihood"] == 10


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "won"), ("lost_reason", "x"), ("likelihood", 99), ("closed_at", None)],
)
async def test_outcome_is_refused_when_written_past_the_actions(
    company: Company, sales: Sales, field: str, value: object
) -> None:
    manager = await company.user("crm.sales_manager")
    deal = await _deal(company, manager)
    with pytest.raises(HansaError, match="set by actions only"):
        await company.update(manager, "crm.deal", row_id(deal), **{field: value})
