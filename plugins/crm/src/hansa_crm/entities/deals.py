"""Deals, the pipelines and stages they move through, and what is done and to do for them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from hansa_contacts.api import Party
from hansa_sdk import (
    Currency,
    Entity,
    Field,
    Many,
    Money,
    Predicate,
    Ref,
    Team,
    User,
    check,
    field,
    formula,
    many,
    money,
    ref,
    rollup,
)


class DealStatus(StrEnum):
    """Whether a deal is still worked on, and how it ended."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class ActivityKind(StrEnum):
    """What kind of activity it is."""

    CALL = "call"
    MEETING = "meeting"
    EMAIL = "email"
    NOTE = "note"
    TASK = "task"


class Pipeline(Entity, name="crm.pipeline", plural="pipelines", label="Pipeline"):
    """A way of selling with its own stages; new deals go to the first active one."""

    name: Field[str] = field(max_length=120, unique=True, search=True, label="Name")
    position: Field[int] = field(default=0, label="Position")
    active: Field[bool] = field(default=True, label="Active")

    stages: Many[Stage] = many("pipeline", owned=True, label="Stages")
    deals: Many[Deal] = many("pipeline", label="Deals")
    open_deals: Field[int] = rollup(
        "count", lambda: Pipeline.deals, where=lambda: Deal.status == DealStatus.OPEN
    )


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

    deals: Many[Deal] = many("stage", label="Deals")
    open_deals: Field[int] = rollup(
        "count", lambda: Stage.deals, where=lambda: Deal.status == DealStatus.OPEN
    )

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

    weighted: Field[Money | None] = formula(
        lambda: Deal.amount * Deal.likelihood / 100,
        label="Weighted",
        help="The amount times the likelihood",
    )
    activities: Many[Activity] = many("deal", label="Activities")
    open_activities: Field[int] = rollup(
        "count", lambda: Deal.activities, where=lambda: _to_do(), label="To do"
    )
    next_due: Field[datetime | None] = rollup(
        "min", lambda: Activity.due_at, where=lambda: _to_do(), label="Next due"
    )

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


class Activity(Entity, name="crm.activity", plural="activities", label="Activity", subject="party"):
    """One call, meeting, e-mail, note or task. A note has nothing left to do and is done at once.

    Without `due_at` it may be done at any time.
    """

    kind: Field[ActivityKind] = field(index=True, label="Kind")
    subject: Field[str] = field(max_length=200, search=True, personal=True, label="Subject")
    body: Field[str | None] = field(default=None, personal=True, label="Text")
    party: Ref[Party | None] = ref(
        default=None, on_delete="cascade", label="Party", help="At first the deal's customer"
    )
    deal: Ref[Deal | None] = ref(default=None, on_delete="cascade", label="Deal")
    assignee: Ref[User | None] = ref(
        default=None, label="Assignee", help="Who does it; at first who made it"
    )
    due_at: Field[datetime | None] = field(default=None, index=True, label="Due")
    done: Field[bool] = field(default=False, index=True, label="Done")
    done_at: Field[datetime | None] = field(default=None, readonly=True, label="Done at")

    @check("a subject must have at least one visible character")
    def subject_not_blank(self) -> bool:
        """Blank subjects cannot be found or told apart."""
        return bool(self.subject.strip())


def _to_do() -> Predicate:
    return Activity.done == False  # noqa: E712  # a predicate, not a truth
