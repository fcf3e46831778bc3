"""The demo's records pass every rule of the kernel and the plugins, and are planted once."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from hansa_contacts.api import Address, Party
from hansa_core.lifecycle import plant_seeds
from hansa_core.records.unit import UnitOfWork
from hansa_crm.api import Deal, DealStatus
from tests.contacts.tenant import Company


class _Undo(Exception):
    """Ends the transaction without keeping the demo."""


async def test_demo_is_planted_once_and_obeys_every_rule(company: Company) -> None:
    seeds = [seed for _, seed in company.shape.seeds]
    found: list[int] = []

    async def work(unit: UnitOfWork) -> None:
        found.append(await plant_seeds(unit, company.shape, demo=True))
        found.append(await plant_seeds(unit, company.shape, demo=True))
        deals = await unit.find(Deal, Deal.party.to(Party.source) == "demo")
        statuses = Counter(deal.status for deal in deals)
        assert statuses == {DealStatus.OPEN: 6, DealStatus.WON: 2, DealStatus.LOST: 1}
        assert all((deal.closed_at is None) == (deal.status is DealStatus.OPEN) for deal in deals)
        winches = next(deal for deal in deals if deal.title.startswith("Winches"))
        assert winches.weighted is not None
        assert winches.weighted.value == Decimal(38560)
        of_demo = Address.party.to(Party.source) == "demo"
        assert await unit.count(Address, of_demo) == 13
        assert await unit.count(Address, of_demo & Address.country_code.is_null()) == 0
        raise _Undo

    with pytest.raises(_Undo):
        await company.runtime.write(company.kernel, work, timeout_seconds=60)
    assert found == [len(seeds), 0]
