"""The plugin `bench`: the four tables of the benchmark kit, declared as a user of the SDK would.

Fields are flat, as the kit's other servers have them. What they lack is whose a record is:
`responsible` and `team`, which the role `bench.rep` asks on every row.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from hansa_sdk import (
    CURRENT_TEAMS,
    CURRENT_USER,
    Entity,
    Field,
    Many,
    Plugin,
    Ref,
    Role,
    Team,
    User,
    allow,
    field,
    many,
    ref,
)

ROLES: Final = 20
"""How many roles the plugin brings; the benchmark's caller holds `bench.rep` alone."""

_CLOSED: Final = ("won", "lost")


class Company(Entity, name="bench.company", plural="companies", label="Company"):
    """Whom contacts work for."""

    name: Field[str] = field(search=True)
    domain: Field[str]
    industry: Field[str]
    city: Field[str]
    country: Field[str]
    employees: Field[int]


class Contact(Entity, name="bench.contact", label="Contact"):
    """A person at a company."""

    company: Ref[Company] = ref()
    first_name: Field[str]
    last_name: Field[str]
    name: Field[str] = field(search=True)
    email: Field[str] = field(search=True)
    phone: Field[str | None] = field(default=None)
    title: Field[str | None] = field(default=None)
    city: Field[str | None] = field(default=None)
    country: Field[str | None] = field(default=None)
    responsible: Ref[User] = ref()
    team: Ref[Team | None] = ref(default=None)


class Deal(Entity, name="bench.deal", label="Deal", indexes=(("stage", "close_date"),)):
    """A sale that may come about; `owner` names the user `responsible`, as the kit does."""

    title: Field[str] = field(search=True)
    contact: Ref[Contact] = ref()
    company: Ref[Company] = ref()
    stage: Field[str]
    amount: Field[Decimal]
    currency: Field[str]
    close_date: Field[date]
    owner: Field[str]
    responsible: Ref[User] = ref()
    team: Ref[Team | None] = ref(default=None)
    activities: Many[Activity] = many("deal")


class Activity(
    Entity,
    name="bench.activity",
    plural="activities",
    label="Activity",
    indexes=(("deal", "due"),),
):
    """Something done, or to do, for a deal."""

    deal: Ref[Deal] = ref(on_delete="cascade")
    type: Field[str]
    subject: Field[str]
    due: Field[date]
    done: Field[bool] = field(default=False)


rep = Role(
    "bench.rep",
    (
        *(allow(each, "read") for each in (Company, Activity)),
        allow(
            Contact,
            *("read", "create", "update"),
            when=(Contact.responsible == CURRENT_USER) | Contact.team.one_of(CURRENT_TEAMS),
        ),
        # the benchmark's caller reads every record by the rule above: what this one hides is shown
        # to him all the same, row by row, as the answers must equal those of the other servers
        allow(Contact, "read", when=Contact.country == "DE", hide=[Contact.email]),
        allow(
            Deal,
            *("read", "create", "update"),
            when=(Deal.responsible == CURRENT_USER) | Deal.team.one_of(CURRENT_TEAMS),
        ),
        allow(Deal, "read", when=Deal.stage.one_of(_CLOSED), hide=[Deal.amount]),
    ),
    "Sales representative",
)


def _regional(number: int) -> Role:
    """Return a role of the same make as `rep`, for one more region."""
    return Role(
        f"bench.region{number:02}",
        (
            allow(Company, "read", when=Company.employees > 10 * number),
            allow(Contact, "read", when=Contact.responsible == CURRENT_USER),
            allow(Contact, "read", when=Contact.country == "DE", hide=[Contact.phone]),
            allow(Deal, "read", "update", when=Deal.team.one_of(CURRENT_TEAMS)),
            allow(Activity, "read", when=Activity.deal.via(Deal.responsible) == CURRENT_USER),
        ),
        f"Region {number}",
    )


plugin = Plugin(
    name="bench",
    label="Benchmark",
    version="1",
    migrations="tests.bench.migrations",
    entities=(Company, Contact, Deal, Activity),
    roles=(rep, *(_regional(number) for number in range(1, ROLES))),
)
