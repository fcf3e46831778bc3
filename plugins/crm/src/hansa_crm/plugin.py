"""The manifest of crm: what the plugin brings."""

from __future__ import annotations

from hansa_crm import actions, events, hooks, roles
from hansa_crm.entities import Activity, Deal, Pipeline, Stage
from hansa_crm.seeds import seeds
from hansa_crm.views import views
from hansa_sdk import Plugin

plugin = Plugin(
    name="crm",
    label="CRM",
    requires=("contacts>=0.1,<1",),
    migrations="hansa_crm.migrations",
    entities=(Pipeline, Stage, Deal, Activity),
    events=(events.DealWon, events.DealLost, events.DealReopened),
    actions=(
        actions.win_deal,
        actions.lose_deal,
        actions.reopen_deal,
        actions.complete_activity,
        actions.reopen_activity,
    ),
    hooks=(
        hooks.give_deals_an_owner,
        hooks.place_deals,
        hooks.check_contact_persons,
        hooks.give_activities_an_assignee,
        hooks.complete_records_of_activities,
    ),
    roles=(roles.viewer, roles.sales_rep, roles.sales_manager),
    views=views,
    seeds=seeds,
)
