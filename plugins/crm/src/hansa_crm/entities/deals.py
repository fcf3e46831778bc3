"""Deals, and the pipelines and stages they move through."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from hansa_contacts.api import Party
from hansa_sdk import (
    Currency,
    Entity,
    Field,
    Many,
    Money,
    Ref,
    Team,
    User,
    check,
    computed,
    field,
    many,
    money,
    ref,
)

_STORED_DECIMALS: Final = Decimal("0.0001")


class DealStatus(StrEnum):
    """Whether a deal is still worked on, and how it ended."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Pipeline(Entity, name="crm.pipeline", plural="pipelines", label="Pipeline"):
    """A way of selling with its own stages; new deals go to the first active one."""

    name: Field[str] = field(max_length=120, unique=True, search=True, label="Name")
    position: Field[int] = field(default=0, label="Position")
    active: Field[bool] = field(default=True, label="Active")

    stages: Many[Stage] = many("pipeline", owned=True, label="Stages")


class Stage(
    Entity,
    name="crm.stage",
    plural="stages",
    label="Stage",
    unique=(("pipeline", "name"),),
):
    """A step of a pipeline; `probability` is how many percent of its deals are usually won."""

    pipeline: Ref[Pipeline] = ref(on_delete="cascade", label="Pipeline")
    name: Field[str] = field(max_length=120, search=True, label="Name")
    position: Field[int] = field(default=0, label="Position")
    probability: Field[int] = field(default=0, label="Probability %")

    @check("probability must be between 0 and 100")
    def probability_is_percent(self) -> bool:
        """Percent of deals that are won from here."""
        return 0 <= self.probability <= 100


class Deal(Entity, name="crm.deal", plural="deals", label="Deal", subject="party"):
    """A sale that may come about.

    `probability` overrides the stage's; `likelihood` is what holds: that one, else the stage's at
    the last change of the deal, 100 when won and 0 when lost.
    """

    title: Field[str] = field(max_length=200, search=True, label="Title")
    party: Ref[Party] = ref(label="Customer")
    contact_person: Ref[Party | None] = ref(default=None, label="Contact person")
    owner: Ref[User | None] = ref(
        default=None, label="Owner", help="Who works on it; at first who made it"
    )
    team: Ref[Team | None] = ref(default=None, label="Team")
    pipeline: Ref[Pipeline | None] = ref(
        default=None, label="Pipeline", help="At first the stage's, else the first active one"
    )
    stage: Ref[Stage | None] = ref(
        default=None, label="Stage", help="At first the first one of the pipeline"
    )
    currency: Field[Currency] = field(label="Currency")
    amount: Field[Money | None] = money(currency="currency", default=None, label="Amount")
    expected_close: Field[date | None] = field(default=None, index=True, label="Expected close")
    probability: Field[int | None] = field(default=None, label="Probability %")
    likelihood: Field[int] = field(default=0, readonly=True, label="Likelihood %")
    status: Field[DealStatus] = field(
        default=DealStatus.OPEN, index=True, readonly=True, label="Status"
    )
    lost_reason: Field[str | None] = field(
        default=None, max_length=400, readonly=True, label="Reason for the loss"
    )
    closed_at: Field[datetime | None] = field(default=None, readonly=True, label="Closed at")
    notes: Field[str | None] = field(default=None, personal=True, label="Notes")

    @computed
    def weighted(self) -> Money | None:
        """The amount times the likelihood, to four decimals."""
        if self.amount is None:
            return None
        value = (self.amount.value * self.likelihood / 100).quantize(_STORED_DECIMALS)
        return Money(value, self.amount.currency)

    @check("a title must have at least one visible character")
    def title_not_blank(self) -> bool:
        """Blank titles cannot be found or told apart."""
        return bool(self.title.strip())

    @check("the amount must be zero or more")
    def amount_not_negative(self) -> bool:
        """A deal brings money in."""
        return self.amount is None or self.amount.value >= 0

    @check("probability must be between 0 and 100")
    def probability_is_percent(self) -> bool:
        """Empty means: the stage's."""
        return self.probability is None or 0 <= self.probability <= 100
