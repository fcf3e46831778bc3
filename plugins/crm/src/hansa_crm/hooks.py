"""What crm checks and fills in before its records are written.

A refusal names the record by its position in the batch, then the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from hansa_contacts.api import Party, PartyKind
from hansa_crm.entities import Activity, ActivityKind, Deal, DealStatus, Pipeline, Stage
from hansa_sdk import Context, Invalid, Link, before

_MANY: Final = 10_000


@before(Deal, "create")
async def give_deals_an_owner(ctx: Context, batch: Sequence[Deal]) -> None:
    """Who makes a deal works on it, unless it says otherwise."""
    if ctx.user_id is None:
        return
    for deal in batch:
        if deal.owner is None:
            deal.owner = Link(id=ctx.user_id)


@before(Deal)
async def place_deals(ctx: Context, batch: Sequence[Deal]) -> None:
    """A deal stands in a stage of its pipeline, and its likelihood follows."""
    if any(deal.pipeline is None and deal.stage is None for deal in batch):
        await _choose_pipeline(ctx, batch)
    stages = await _stages(ctx, batch)
    for position, deal in enumerate(batch):
        if deal.stage is None:
            _enter_first_stage(deal, position, stages)
        stage = stages.get(deal.stage.id) if deal.stage else None
        if stage is None:
            continue  # the check of references has the answer for a stage that is not there
        if deal.pipeline is None:
            deal.pipeline = stage.pipeline
        elif deal.pipeline.id != stage.pipeline.id:
            raise Invalid(
                f"The stage of deal {deal.title!r} must be one of its pipeline; {stage.name!r} "
                "belongs to another.",
                next_step="Choose a stage of the pipeline, or change both together.",
                path=(position, "stage"),
            )
        deal.likelihood = _likelihood(deal, stage)


@before(Deal)
async def check_contact_persons(ctx: Context, batch: Sequence[Deal]) -> None:
    """The contact person of a deal is a person."""
    ids = {deal.contact_person.id for deal in batch if deal.contact_person}
    if not ids:
        return
    parties = await ctx.find(Party, Party.id.one_of(ids), limit=len(ids))
    wrong = {party.id: party.name for party in parties if party.kind is not PartyKind.PERSON}
    for position, deal in enumerate(batch):
        if deal.contact_person and deal.contact_person.id in wrong:
            raise Invalid(
                f"The contact person of deal {deal.title!r} must be a person; "
                f"{wrong[deal.contact_person.id]!r} is an organisation.",
                next_step="Choose a person, for example one of the customer's contacts.",
                path=(position, "contact_person"),
            )


@before(Activity, "create")
async def give_activities_an_assignee(ctx: Context, batch: Sequence[Activity]) -> None:
    """Who makes an activity does it, unless it says otherwise."""
    if ctx.user_id is None:
        return
    for activity in batch:
        if activity.assignee is None:
            activity.assignee = Link(id=ctx.user_id)


@before(Activity)
async def complete_records_of_activities(ctx: Context, batch: Sequence[Activity]) -> None:
    """An activity of a deal is one with its customer; `done_at` follows `done`."""
    ids = {each.deal.id for each in batch if each.deal and each.party is None}
    deals = await ctx.find(Deal, Deal.id.one_of(ids), limit=len(ids)) if ids else []
    customers = {deal.id: deal.party for deal in deals}
    for activity in batch:
        if activity.deal and activity.party is None:
            activity.party = customers.get(activity.deal.id)
        activity.done = activity.done or activity.kind is ActivityKind.NOTE
        activity.done_at = (activity.done_at or ctx.now) if activity.done else None


async def _choose_pipeline(ctx: Context, batch: Sequence[Deal]) -> None:
    found = await ctx.find(
        Pipeline,
        Pipeline.active == True,  # noqa: E712  # a predicate
        order_by=(Pipeline.position.ascending(), Pipeline.created_at.ascending()),
        limit=1,
    )
    for position, deal in enumerate(batch):
        if deal.pipeline is None and deal.stage is None:
            if not found:
                raise Invalid(
                    f"Deal {deal.title!r} needs a pipeline; none is active.",
                    next_step="Make a pipeline with stages, or activate one.",
                    path=(position, "pipeline"),
                )
            deal.pipeline = found[0]


async def _stages(ctx: Context, batch: Sequence[Deal]) -> Mapping[UUID, Stage]:
    """Fetch the stages named, and those of pipelines where a first one is wanted, in order."""
    named = {deal.stage.id for deal in batch if deal.stage}
    wanted = {deal.pipeline.id for deal in batch if deal.pipeline and not deal.stage}
    stages = await ctx.find(
        Stage,
        Stage.id.one_of(named) | Stage.pipeline.one_of(wanted),
        order_by=(Stage.position.ascending(), Stage.created_at.ascending()),
        limit=_MANY,
    )
    return {stage.id: stage for stage in stages}


def _enter_first_stage(deal: Deal, position: int, stages: Mapping[UUID, Stage]) -> None:
    assert deal.pipeline is not None
    pipeline_id = deal.pipeline.id
    first = next((each for each in stages.values() if each.pipeline.id == pipeline_id), None)
    if first is None:
        raise Invalid(
            f"The pipeline of deal {deal.title!r} has no stage.",
            next_step="Give the pipeline a stage, or choose another pipeline.",
            path=(position, "pipeline"),
        )
    deal.stage = first


def _likelihood(deal: Deal, stage: Stage) -> int:
    if deal.status is not DealStatus.OPEN:
        return 100 if deal.status is DealStatus.WON else 0
    return stage.probability if deal.probability is None else deal.probability
