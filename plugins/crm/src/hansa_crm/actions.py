"""What people do with deals and activities besides editing them."""

from __future__ import annotations

from typing import Final

from hansa_crm.entities import Activity, ActivityKind, Deal, DealStatus
from hansa_crm.events import DealLost, DealReopened, DealWon
from hansa_sdk import Context, Invalid, action

_REASON_LENGTH_MAX: Final = 400


@action(Deal, name="win", permission="crm.deal.close", label="Mark as won")
async def win_deal(ctx: Context, deal: Deal) -> Deal:
    """Close an open deal as won; raises Invalid for a closed one."""
    _require_open(deal, "won")
    deal.status = DealStatus.WON
    deal.closed_at = ctx.now
    await ctx.save(deal)
    ctx.emit(DealWon(deal_id=deal.id, party_id=deal.party.id, amount=deal.amount))
    return deal


@action(Deal, name="lose", permission="crm.deal.close", label="Mark as lost")
async def lose_deal(ctx: Context, deal: Deal, *, reason: str) -> Deal:
    """Close an open deal as lost for `reason`; raises Invalid for a closed one or no reason."""
    _require_open(deal, "lost")
    said = reason.strip()
    if not 0 < len(said) <= _REASON_LENGTH_MAX:
        raise Invalid(
            f"The reason for losing deal {deal.title!r} must have 1 to {_REASON_LENGTH_MAX} "
            f"characters; it has {len(said)}.",
            next_step="Say in a few words why the customer declined.",
            path=("reason",),
        )
    deal.status = DealStatus.LOST
    deal.lost_reason = said
    deal.closed_at = ctx.now
    await ctx.save(deal)
    ctx.emit(DealLost(deal_id=deal.id, party_id=deal.party.id, reason=said))
    return deal


@action(Deal, name="reopen", permission="crm.deal.reopen", label="Reopen")
async def reopen_deal(ctx: Context, deal: Deal) -> Deal:
    """Make a closed deal open again; raises Invalid for an open one."""
    if deal.status is DealStatus.OPEN:
        raise Invalid(
            f"Deal {deal.title!r} is open; only a won or lost deal can be reopened.",
            next_step="Nothing needs to be done.",
            path=("status",),
        )
    deal.status = DealStatus.OPEN
    deal.lost_reason = None
    deal.closed_at = None
    await ctx.save(deal)
    ctx.emit(DealReopened(deal_id=deal.id, party_id=deal.party.id))
    return deal


@action(Activity, name="complete", permission="crm.activity.complete", label="Mark as done")
async def complete_activity(ctx: Context, activity: Activity) -> Activity:
    """Mark an activity as done now; raises Invalid when it is done already."""
    if activity.done:
        raise Invalid(
            f"Activity {activity.subject!r} is done already.",
            next_step="Reopen it first if there is more to do.",
            path=("done",),
        )
    activity.done = True
    await ctx.save(activity)
    return activity


@action(Activity, name="reopen", permission="crm.activity.complete", label="Reopen")
async def reopen_activity(ctx: Context, activity: Activity) -> Activity:
    """Mark an activity as not done; raises Invalid for an open one and for a note."""
    if activity.kind is ActivityKind.NOTE:
        raise Invalid(
            f"{activity.subject!r} is a note, and a note has nothing left to do.",
            next_step="Make a task for what is to do.",
            path=("kind",),
        )
    if not activity.done:
        raise Invalid(
            f"Activity {activity.subject!r} is open; only one that is done can be reopened.",
            next_step="Nothing needs to be done.",
            path=("done",),
        )
    activity.done = False
    await ctx.save(activity)
    return activity


def _require_open(deal: Deal, outcome: str) -> None:
    if deal.status is not DealStatus.OPEN:
        raise Invalid(
            f"Deal {deal.title!r} is {deal.status.value}; only an open deal can be {outcome}.",
            next_step="Reopen it first to change how it ended.",
            path=("status",),
        )
