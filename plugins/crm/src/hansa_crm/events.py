"""What happened to deals, told after commit."""

from __future__ import annotations

from uuid import UUID

from hansa_sdk import Event, Money


class DealWon(Event):
    """The customer agreed."""

    deal_id: UUID
    party_id: UUID
    amount: Money | None


class DealLost(Event):
    """The deal will not come about."""

    deal_id: UUID
    party_id: UUID
    reason: str


class DealReopened(Event):
    """A closed deal is worked on again."""

    deal_id: UUID
    party_id: UUID
