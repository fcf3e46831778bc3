"""What contacts declares: import headings, seeds, and the rules of single records."""

from __future__ import annotations

import pytest

from hansa_contacts.api import Address, Affiliation, LegalEntity, Party, PartyKind, Tag, demo_party
from hansa_contacts.plugin import plugin
from hansa_core.plugins.compile import compile_shape
from hansa_core.system.plugin import plugin as system
from hansa_core.transfer.mapping import Origin, map_columns
from hansa_sdk import Check, Currency, Entity

CUSTOMERS = {
    "customer_id": "external_id",
    "company_name": "name",
    "contact_name": "contacts.person[kind=person].name",
    "contact_title": "contacts.title",
    "address": "addresses.street",
    "city": "addresses.city",
    "region": "addresses.region",
    "postal_code": "addresses.postal_code",
    "country": "addresses.country",
    "phone": "phones[kind=phone].number",
    "fax": "phones[kind=fax].number",
    "homepage": "website",
}
GERMAN = {
    "Kundennummer": "external_id",
    "Firma": "name",
    "Ansprechpartner": "contacts.person[kind=person].name",
    "Straße": "addresses.street",
    "PLZ": "addresses.postal_code",
    "Ort": "addresses.city",
    "Land": "addresses.country",
    "Telefon": "phones[kind=phone].number",
    "E-Mail": "emails.email",
}


@pytest.mark.parametrize("columns", [CUSTOMERS, GERMAN], ids=["english", "german"])
def test_headings_are_mapped_without_help(columns: dict[str, str]) -> None:
    shape = compile_shape([system, plugin])
    mapping = map_columns(shape, shape.entity("contacts.party"), list(columns), {})
    assert {each.column: str(each.target.path) for each in mapping.columns} == columns
    assert {each.origin for each in mapping.columns} == {Origin.PLUGIN}
    assert mapping.unmapped == ()


def test_seeds_refer_only_to_records_seeded_before_them() -> None:
    seen: set[int] = set()
    for seed in plugin.seeds:
        values: dict[str, object] = seed.record.__dict__["values"]
        records = [getattr(value, "record", None) for value in values.values()]
        assert all(id(record) in seen for record in records if record is not None), seed.key
        seen.add(id(seed.record))


def test_demo_has_a_dozen_organisations_with_people() -> None:
    records = [seed.record for seed in plugin.seeds if seed.demo]
    kinds = [record.kind for record in records if isinstance(record, Party)]
    assert kinds.count(PartyKind.ORGANISATION) == 13  # with the company itself
    people = sum(isinstance(record, Affiliation) for record in records)
    assert kinds.count(PartyKind.PERSON) == people >= 12
    assert demo_party("alster").name == "Alster Yachtbedarf GmbH"
    with pytest.raises(KeyError):
        demo_party("nobody")


def _broken(record: Entity) -> list[str]:
    checks: tuple[Check, ...] = record.__declared_checks__
    return [check.message for check in checks if not check.holds(record)]


def test_party_is_refused_when_blank_or_without_a_source() -> None:
    assert _broken(Party(name="A")) == []
    assert _broken(Party(name=" \n")) == ["a name must have at least one visible character"]
    assert len(_broken(Party(name="A", external_id="7"))) == 1
    assert _broken(Party(name="A", external_id="7", source="shop")) == []


def test_address_is_refused_when_it_says_nothing() -> None:
    party = Party(name="A")
    assert _broken(Address(party=party, city="Lübeck")) == []
    assert len(_broken(Address(party=party, street=" "))) == 1


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "#12345g", "1234567", "#+12345"])
def test_tag_is_refused_when_its_colour_is_none(colour: str) -> None:
    assert _broken(Tag(name="A", colour="#0aF9b3")) == []
    assert len(_broken(Tag(name="A", colour=colour))) == 1


@pytest.mark.parametrize(
    ("month", "day", "holds"),
    [
        *((1, 1, True), (12, 31, True), (2, 28, True)),
        *((2, 29, False), (4, 31, False), (13, 1, False), (0, 1, False), (1, 0, False)),
    ],
)
def test_fiscal_year_starts_on_a_day_of_every_year(month: int, day: int, holds: bool) -> None:
    record = LegalEntity(
        name="A",
        currency=Currency("EUR"),
        fiscal_year_start_month=month,
        fiscal_year_start_day=day,
    )
    assert (_broken(record) == []) is holds
