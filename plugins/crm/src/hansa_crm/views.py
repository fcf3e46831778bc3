"""How screens show crm."""

from __future__ import annotations

from hansa_crm.entities import Activity, Deal, Pipeline, Stage
from hansa_sdk import BoardView, FormView, ListView

views = (
    ListView(
        Deal,
        (
            Deal.title,
            Deal.party,
            Deal.owner,
            Deal.stage,
            Deal.status,
            Deal.amount,
            Deal.weighted,
            Deal.expected_close,
            Deal.next_due,
        ),
        order=(Deal.expected_close.ascending(),),
    ),
    FormView(
        Deal,
        (
            Deal.title,
            Deal.party,
            Deal.contact_person,
            Deal.owner,
            Deal.team,
            Deal.pipeline,
            Deal.stage,
            Deal.currency,
            Deal.amount,
            Deal.probability,
            Deal.likelihood,
            Deal.weighted,
            Deal.expected_close,
            Deal.status,
            Deal.lost_reason,
            Deal.closed_at,
            Deal.notes,
        ),
    ),
    BoardView(Deal, by=Deal.stage, card=(Deal.title, Deal.party, Deal.amount, Deal.expected_close)),
    ListView(
        Activity,
        (
            Activity.kind,
            Activity.subject,
            Activity.party,
            Activity.deal,
            Activity.assignee,
            Activity.due_at,
            Activity.done,
        ),
        order=(Activity.done.ascending(), Activity.due_at.ascending()),
    ),
    FormView(
        Activity,
        (
            Activity.kind,
            Activity.subject,
            Activity.body,
            Activity.party,
            Activity.deal,
            Activity.assignee,
            Activity.due_at,
            Activity.done,
            Activity.done_at,
        ),
    ),
    ListView(
        Pipeline,
        (Pipeline.name, Pipeline.position, Pipeline.active, Pipeline.open_deals),
        order=(Pipeline.position.ascending(),),
    ),
    FormView(Pipeline, (Pipeline.name, Pipeline.position, Pipeline.active, Pipeline.stages)),
    ListView(
        Stage,
        (Stage.pipeline, Stage.name, Stage.position, Stage.probability, Stage.open_deals),
        order=(Stage.position.ascending(),),
    ),
    FormView(Stage, (Stage.pipeline, Stage.name, Stage.position, Stage.probability)),
)
