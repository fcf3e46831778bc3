"""An activity's way from made to done, and back."""

from __future__ import annotations

from datetime import datetime

import pytest

from hansa_sdk import HansaError
from tests.contacts.tenant import Company, row_id
from tests.crm.conftest import Sales


async def test_activity_goes_to_its_maker_and_the_deals_customer_when_nothing_is_said(
    company: Company, sales: Sales
) -> None:
    rep = await company.user("crm.sales_rep")
    party = await company.party()
    deal = await company.create(rep, "crm.deal", title="A", party=party, currency="EUR")
    call = await company.create(
        rep, "crm.activity", kind="call", subject="Terms", deal=row_id(deal)
    )
    assert (call["assignee"], call["party"]) == (rep.principal.user_id, party)
    assert (call["done"], call["done_at"]) == (False, None)


async def test_note_is_done_at_once_and_stays_so(company: Company, now: datetime) -> None:
    rep = await company.user("crm.sales_rep")
    note = await company.create(rep, "crm.activity", kind="note", subject="Likes blue")
    assert (note["done"], note["done_at"]) == (True, now)
    with pytest.raises(HansaError, match="is a note"):
        await company.act(rep, "crm.activity.reopen", row_id(note))


async def test_call_is_logged_as_done_when_it_says_so(company: Company, now: datetime) -> None:
    rep = await company.user("crm.sales_rep")
    call = await company.create(rep, "crm.activity", kind="call", subject="Rang", done=True)
    assert (call["done"], call["done_at"]) == (True, now)


async def test_task_is_completed_and_reopened_once_each(company: Company, now: datetime) -> None:
    rep = await company.user("crm.sales_rep")
    id = row_id(await company.create(rep, "crm.activity", kind="task", subject="Offer"))
    with pytest.raises(HansaError, match="'Offer' is open"):
        await company.act(rep, "crm.activity.reopen", id)
    await company.act(rep, "crm.activity.complete", id)
    task = await company.row("crm.activity", id)
    assert (task["done"], task["done_at"]) == (True, now)
    with pytest.raises(HansaError, match="'Offer' is done already"):
        await company.act(rep, "crm.activity.complete", id)
    await company.act(rep, "crm.activity.reopen", id)
    task = await company.row("crm.activity", id)
    assert (task["done"], task["done_at"]) == (False, None)
