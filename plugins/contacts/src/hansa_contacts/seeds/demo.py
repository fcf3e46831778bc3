"""The demo company's contacts. All of it is invented; the domains exist nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hansa_contacts.entities import (
    Address,
    AddressKind,
    Affiliation,
    EmailAddress,
    LegalEntity,
    Party,
    PartyKind,
    PartyTag,
    PhoneKind,
    PhoneNumber,
    Tag,
)
from hansa_sdk import Currency, Email, Entity, Phone, Seed

_SOURCE: Final = "demo"


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    title: str
    email: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class _Organisation:
    key: str
    name: str
    street: str
    postal_code: str
    city: str
    country: str
    phone: str
    tags: tuple[str, ...]
    people: tuple[_Person, ...]
    region: str | None = None


_ORDER: Final[Sequence[type[Entity]]] = (
    *(Tag, Party, Affiliation, Address, PhoneNumber, EmailAddress, PartyTag),
)

_TAGS: Final = {
    "customer": ("Customer", "#2f6f4f"),
    "prospect": ("Prospect", "#b3701f"),
    "supplier": ("Supplier", "#2f4f8f"),
    "partner": ("Partner", "#6f2f6f"),
}

_OWN: Final = _Organisation(
    "own", "Nordlicht Handel GmbH", "An der Untertrave 17", "23552", "Lübeck", "Germany",
    "+49 30 23125 100", (),
    (
        _Person("Anke Petersen", "Managing Director", "anke.petersen@nordlicht.example"),
        _Person("Jonas Brandt", "Sales", "jonas.brandt@nordlicht.example"),
    ),
)  # fmt: skip

_OTHERS: Final = (
    _Organisation(
        "alster", "Alster Yachtbedarf GmbH", "Hafenstraße 88\nHalle 3", "20457", "Hamburg",
        "Germany", "+49 40 66969 120", ("customer",),
        (
            _Person("Meike Sörensen", "Purchasing Manager", "m.soerensen@alster-yacht.example",
                    "+49 40 66969 121"),
            _Person("Tim Kröger", "Accounting", "buchhaltung@alster-yacht.example"),
        ),
    ),
    _Organisation(
        "isar", "Isar Lichttechnik AG", "Lindwurmstraße 201", "80337", "München", "Germany",
        "+49 89 99998 210", ("customer",),
        (_Person("Dr. Katharina Huber", "Head of Procurement", "k.huber@isar-licht.example"),),
    ),
    _Organisation(
        "domplatz", "Café am Domplatz", "Domplatz 4", "50667", "Köln", "Germany",
        "+49 221 4710 330", ("prospect",),
        (_Person("Yusuf Demir", "Owner", "yusuf@cafe-domplatz.example", "+49 221 4710 331"),),
    ),
    _Organisation(
        "main", "Mainkontor Logistik KG", "Osthafen 12", "60314", "Frankfurt am Main", "Germany",
        "+49 69 90009 440", ("partner", "supplier"),
        (_Person("Sabine Vogt", "Dispatch", "dispo@mainkontor.example"),),
    ),
    _Organisation(
        "harbour", "Harbour & Wells Ltd", "14 Quayside", "NE1 3DX", "Newcastle upon Tyne", "UK",
        "+44 1632 960210", ("customer",),
        (
            _Person("Eleanor Wells", "Director", "eleanor@harbourwells.example",
                    "+44 1632 960211"),
            _Person("Samir Patel", "Warehouse Manager", "samir@harbourwells.example"),
        ),
    ),
    _Organisation(
        "quincaillerie", "Quincaillerie Lefèvre", "22, rue du Faubourg Saint-Antoine", "75012",
        "Paris", "France", "+33 1 99 00 12 34", ("customer",),
        (_Person("Amélie Lefèvre", "Gérante", "amelie@lefevre.example"),),
    ),
    _Organisation(
        "norrsken", "Norrsken Möbler AB", "Storgatan 31", "903 26", "Umeå", "Sweden",
        "+46 8 465 004 10", ("supplier",),
        (_Person("Göran Åkesson", "Export Manager", "goran@norrsken.example"),),
    ),
    _Organisation(
        "ebro", "Distribuciones Ebro S.L.", "Paseo de la Independencia 9", "50001", "Zaragoza",
        "España", "+34 976 000 155", ("prospect",),
        (_Person("Lucía Fernández Ortiz", "Jefa de compras", "lucia@ebro.example"),),
    ),
    _Organisation(
        "lakeside", "Lakeside Outfitters, Inc.", "1200 Shoreline Drive\nSuite 400", "60611",
        "Chicago", "USA", "+1 312 555 0142", ("prospect",),
        (_Person("Denise Walker", "VP Merchandising", "dwalker@lakeside.example",
                 "+1 312 555 0143"),),
        region="IL",
    ),
    _Organisation(
        "tulp", "Tulp & Zonen B.V.", "Herengracht 410", "1017 BX", "Amsterdam", "Netherlands",
        "+31 20 000 1160", ("customer", "partner"),
        (_Person("Joost van Dijk", "Operations", "joost@tulp.example"),),
    ),
    _Organisation(
        "baltica", "Baltica Drewno Sp. z o.o.", "ul. Długa 45", "80-831", "Gdańsk", "Poland",
        "+48 58 000 0170", ("supplier",),
        (_Person("Agnieszka Wiśniewska", "Sales", "a.wisniewska@baltica.example"),),
    ),
    _Organisation(
        "salzach", "Salzach Sporthaus OG", "Linzer Gasse 20", "5020", "Salzburg", "Österreich",
        "+43 662 000 180", ("customer",),
        (_Person("Florian Eder", "Inhaber", "eder@salzach-sport.example"),),
    ),
)  # fmt: skip


def demo_seeds() -> tuple[Seed, ...]:
    """Return the demo's records, each after those it refers to."""
    tags = {key: Tag(name=name, colour=colour) for key, (name, colour) in _TAGS.items()}
    made: list[Seed] = [_seed(f"tag.{key}", tag) for key, tag in tags.items()]
    for organisation in (_OWN, *_OTHERS):
        made += _organisation(organisation, tags)
    own = next(seed.record for seed in made if seed.key.endswith("demo.party.own"))
    assert isinstance(own, Party)
    company = LegalEntity(
        name="Nordlicht",
        legal_name=_OWN.name,
        currency=Currency("EUR"),
        country="DE",
        time_zone="Europe/Berlin",
        party=own,
    )
    return (*sorted(made, key=_turn), _seed("legal_entity", company))


def _turn(seed: Seed) -> int:
    """Seeds of one entity stand together, so that they are written together."""
    return _ORDER.index(type(seed.record))


def _organisation(given: _Organisation, tags: dict[str, Tag]) -> Iterator[Seed]:
    party = Party(
        name=given.name,
        source=_SOURCE,
        external_id=given.key,
        website=f"https://www.{given.people[0].email.partition('@')[2]}",
    )
    yield _seed(f"party.{given.key}", party)
    yield _seed(
        f"address.{given.key}",
        Address(
            party=party,
            kind=AddressKind.MAIN,
            street=given.street,
            postal_code=given.postal_code,
            city=given.city,
            region=given.region,
            country=given.country,
        ),
    )
    yield _seed(
        f"phone.{given.key}", PhoneNumber(party=party, number=Phone(given.phone), primary=True)
    )
    for tag in given.tags:
        yield _seed(f"party_tag.{given.key}.{tag}", PartyTag(party=party, tag=tags[tag]))
    for index, person in enumerate(given.people, start=1):
        yield from _person(f"{given.key}.{index}", person, party)


def _person(key: str, given: _Person, organisation: Party) -> Iterator[Seed]:
    party = Party(
        kind=PartyKind.PERSON, name=given.name, source=_SOURCE, external_id=key.replace(".", "-")
    )
    yield _seed(f"party.{key}", party)
    yield _seed(
        f"affiliation.{key}",
        Affiliation(organisation=organisation, person=party, title=given.title),
    )
    yield _seed(f"email.{key}", EmailAddress(party=party, email=Email(given.email), primary=True))
    if given.phone:
        direct = PhoneNumber(party=party, number=Phone(given.phone), kind=PhoneKind.PHONE)
        yield _seed(f"phone.{key}", direct)


def _seed(key: str, record: Entity) -> Seed:
    return Seed(f"contacts.demo.{key}", record, demo=True)
