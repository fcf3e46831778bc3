"""A COPY script in the form of the kit's data/gen.py, of any size, for tests without the kit."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

STAGES: Final = ("lead", "qualified", "proposal", "negotiation", "won", "lost")
_COMPANY: Final = ("id", "name", "domain", "industry", "city", "country", "employees", "created_at")
_CONTACT: Final = (
    *("id", "company_id", "first_name", "last_name", "name", "email", "phone", "title"),
    *("city", "country", "created_at"),
)
_DEAL: Final = (
    *("id", "title", "contact_id", "company_id", "stage", "amount", "currency", "close_date"),
    *("owner", "created_at"),
)
_ACTIVITY: Final = ("id", "deal_id", "type", "subject", "due", "done")
_CITIES: Final = (("Berlin", "DE"), ("Paris", "FR"), ("Oslo", "NO"), ("Boston", "US"))


def sample(companies: int, contacts: int, deals: int, activities: int) -> Iterator[str]:
    """Yield the lines; the same numbers give the same lines."""
    chance = random.Random(1)  # noqa: S311  # data, no secret
    employers = [chance.randint(1, companies) for _ in range(contacts)]
    yield from _table("company", _COMPANY, (_company(n, chance) for n in range(1, companies + 1)))
    lines = (_contact(n, employer, chance) for n, employer in enumerate(employers, start=1))
    yield from _table("contact", _CONTACT, lines)
    yield from _table("deal", _DEAL, (_deal(n, employers, chance) for n in range(1, deals + 1)))
    done = (_activity(n, deals, chance) for n in range(1, activities + 1))
    yield from _table("activity", _ACTIVITY, done)


def _table(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"COPY {name} ({','.join(columns)}) FROM stdin;\n"
    yield from ("\t".join(map(str, row)) + "\n" for row in rows)
    yield "\\.\n"


def _company(number: int, chance: random.Random) -> Sequence[object]:
    city, country = chance.choice(_CITIES)
    domain = f"c{number}.example.com"
    return (
        *(number, f"Company {number}", domain, "retail", city, country),
        *(chance.randint(1, 5000), _instant(chance)),
    )


def _contact(number: int, employer: int, chance: random.Random) -> Sequence[object]:
    city, country = chance.choice(_CITIES)
    return (
        *(number, employer, "Ada", f"Last{number}", f"Ada Last{number}"),
        *(f"ada{number}@c{employer}.example.com", "+49 30 123456", "Buyer"),
        *(city, country, _instant(chance)),
    )


def _deal(number: int, employers: Sequence[int], chance: random.Random) -> Sequence[object]:
    contact = chance.randint(1, len(employers))
    amount = chance.randrange(100_00, 100_000_00)
    return (
        *(number, f"Deal {number}", contact, employers[contact - 1], chance.choice(STAGES)),
        *(f"{amount // 100}.{amount % 100:02}", "EUR", _day(chance)),
        *(f"user{chance.randint(1, 20):02}", _instant(chance)),
    )


def _activity(number: int, deals: int, chance: random.Random) -> Sequence[object]:
    subject = f"Call about item {number}"
    return (number, chance.randint(1, deals), "call", subject, _day(chance), chance.choice("tf"))


def _day(chance: random.Random) -> date:
    return date(2024, 1, 1) + timedelta(days=chance.randrange(730))


def _instant(chance: random.Random) -> str:
    at = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(43_200_000))
    return at.isoformat()
