"""The demo company's salespeople, deals and activities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from hansa_contacts.api import demo_party
from hansa_crm.entities import Activity, ActivityKind, Deal, DealStatus, Stage
from hansa_sdk import Currency, Email, Entity, Money, Seed, Team, User, UserTeam

_USERS: Final = {
    "jonas": User(email=Email("jonas@demo.example"), name="Jonas Brandt", language="de"),
    "mira": User(email=Email("mira@demo.example"), name="Mira Lindqvist"),
}


@dataclass(frozen=True, slots=True)
class _Deal:
    key: str
    title: str
    party: str
    person: str | None
    owner: str
    stage: str
    amount: str
    currency: str
    close: date
    status: DealStatus = DealStatus.OPEN
    reason: str | None = None


_DEALS: Final = (
    _Deal("winches", "Winches for the spring fleet", "alster", "alster.1", "jonas",
          "negotiation", "48200.00", "EUR", date(2026, 12, 18)),
    _Deal("dock_lights", "Dock lighting, 40 lamps", "isar", "isar.1", "jonas",
          "proposal", "15750.00", "EUR", date(2027, 1, 22)),
    _Deal("terrace", "Terrace furniture", "domplatz", "domplatz.1", "mira",
          "new", "6300.00", "EUR", date(2027, 2, 26)),
    _Deal("quayside", "Quayside shop fitting", "harbour", "harbour.1", "mira",
          "qualified", "32500.00", "GBP", date(2027, 2, 12)),
    _Deal("hinges", "Brass hinges, yearly contract", "quincaillerie", "quincaillerie.1", "mira",
          "proposal", "9840.50", "EUR", date(2027, 1, 15)),
    _Deal("outdoor", "Outdoor range for 12 stores", "lakeside", "lakeside.1", "jonas",
          "qualified", "118000.00", "USD", date(2027, 3, 31)),
    _Deal("crates", "Flower crates", "tulp", "tulp.1", "mira",
          "negotiation", "12600.00", "EUR", date(2026, 10, 9), DealStatus.WON),
    _Deal("ski_racks", "Ski racks, season 2026", "salzach", "salzach.1", "jonas",
          "negotiation", "7425.00", "EUR", date(2026, 9, 25), DealStatus.WON),
    _Deal("kitchen", "Kitchen lamps", "ebro", None, "mira",
          "proposal", "21900.00", "EUR", date(2026, 10, 30), DealStatus.LOST,
          "Bought from a supplier nearby"),
)  # fmt: skip

_ACTIVITIES: Final = (
    ("winches", ActivityKind.CALL, "Terms of payment", date(2026, 11, 12), True),
    ("winches", ActivityKind.TASK, "Send the revised offer", date(2026, 11, 27), False),
    ("dock_lights", ActivityKind.MEETING, "Visit the site", date(2026, 12, 3), False),
    ("dock_lights", ActivityKind.EMAIL, "Data sheets sent", date(2026, 11, 9), True),
    ("terrace", ActivityKind.NOTE, "Opens a second terrace in May", None, True),
    ("quayside", ActivityKind.CALL, "Ask for the floor plan", date(2026, 11, 24), False),
    ("hinges", ActivityKind.TASK, "Check stock for a yearly contract", None, False),
    ("outdoor", ActivityKind.MEETING, "Present the range", date(2026, 12, 10), False),
    ("outdoor", ActivityKind.NOTE, "Budget is released in January", None, True),
    ("crates", ActivityKind.TASK, "Ask whether all arrived well", date(2026, 11, 30), False),
)


def demo_seeds(stages: Mapping[str, Stage]) -> tuple[Seed, ...]:
    """Return the demo's records, each after those it refers to; `stages` by key."""
    team = Team(name="Sales")
    deals = {given.key: _deal(given, stages, team) for given in _DEALS}
    return (
        *(_seed(f"user.{key}", user) for key, user in _USERS.items()),
        _seed("team.sales", team),
        *(
            _seed(f"user_team.{key}", UserTeam(user=user, team=team))
            for key, user in _USERS.items()
        ),
        *(_seed(f"deal.{key}", deal) for key, deal in deals.items()),
        *_activities(deals),
    )


def _deal(given: _Deal, stages: Mapping[str, Stage], team: Team) -> Deal:
    currency = Currency(given.currency)
    is_open = given.status is DealStatus.OPEN
    return Deal(
        title=given.title,
        party=demo_party(given.party),
        contact_person=demo_party(given.person) if given.person else None,
        owner=_USERS[given.owner],
        team=team,
        stage=stages[given.stage],
        currency=currency,
        amount=Money(Decimal(given.amount), currency),
        expected_close=given.close,
        status=given.status,
        lost_reason=given.reason,
        closed_at=None if is_open else _at(given.close),
    )


def _activities(deals: Mapping[str, Deal]) -> Iterator[Seed]:
    owners = {given.key: _USERS[given.owner] for given in _DEALS}
    for number, (deal, kind, subject, due, done) in enumerate(_ACTIVITIES, start=1):
        yield _seed(
            f"activity.{number}",
            Activity(
                kind=kind,
                subject=subject,
                deal=deals[deal],
                assignee=owners[deal],
                due_at=_at(due) if due else None,
                done=done,
                done_at=_at(due) if due and done else None,
            ),
        )


def _at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, 30, tzinfo=UTC)


def _seed(key: str, record: Entity) -> Seed:
    return Seed(f"crm.demo.{key}", record, demo=True)
