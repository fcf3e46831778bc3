"""Who may do what in crm. Each role also grants the contacts and colleagues its work shows."""

from __future__ import annotations

from hansa_contacts.api import (
    Address,
    Affiliation,
    EmailAddress,
    KnownCurrency,
    LegalEntity,
    Party,
    PartyTag,
    PhoneNumber,
    Tag,
)
from hansa_crm.entities import Activity, Deal, Pipeline, Stage
from hansa_sdk import CURRENT_TEAMS, CURRENT_USER, Role, Rule, Team, User, allow

_AROUND: tuple[Rule, ...] = tuple(
    allow(each, "read")
    for each in (
        *(Party, Affiliation, Address, EmailAddress, PhoneNumber, Tag, PartyTag),
        *(KnownCurrency, LegalEntity, User, Team),
    )
)

viewer = Role(
    "crm.viewer",
    (*_AROUND, *(allow(each, "read") for each in (Pipeline, Stage, Deal, Activity))),
    "Viewer",
)

sales_rep = Role(
    "crm.sales_rep",
    (
        *_AROUND,
        allow(Pipeline, "read"),
        allow(Stage, "read"),
        allow(Deal, "create", "read", "update", "close", when=Deal.owner == CURRENT_USER),
        allow(Deal, "read", when=Deal.team.one_of(CURRENT_TEAMS)),
        allow(
            Activity,
            *("create", "read", "update", "complete"),
            when=Activity.assignee == CURRENT_USER,
        ),
        allow(
            Activity,
            "read",
            when=(Activity.deal.via(Deal.owner) == CURRENT_USER)
            | Activity.deal.via(Deal.team).one_of(CURRENT_TEAMS),
        ),
    ),
    "Sales representative",
)

_ALL = ("read", "create", "update", "archive", "delete")

sales_manager = Role(
    "crm.sales_manager",
    (
        *_AROUND,
        allow(Pipeline, *_ALL),
        allow(Stage, *_ALL),
        allow(Deal, *_ALL, "close", "reopen"),
        allow(Activity, *_ALL, "complete"),
    ),
    "Sales manager",
)
