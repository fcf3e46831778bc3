"""What contacts checks and fills in before records are written."""

from __future__ import annotations

import uuid
from datetime import date

import pytest

from hansa_contacts.api import EmailAddress, PhoneNumber
from hansa_sdk import HansaError
from tests.contacts.tenant import Company, row_id


async def test_country_code_follows_the_country_when_an_address_is_written(
    company: Company,
) -> None:
    editor = await company.user("contacts.editor")
    party = await company.party()
    made = await company.create(
        editor, "contacts.address", party=party, street="Gate 4\nUnit 7", country="UK"
    )
    assert (made["country"], made["country_code"]) == ("UK", "GB")
    assert made["street"] == "Gate 4\nUnit 7"
    changed = await company.update(editor, "contacts.address", row_id(made), country="Neverland")
    assert (changed["country"], changed["country_code"]) == ("Neverland", None)


async def test_country_code_is_refused_when_given(company: Company) -> None:
    editor = await company.user("contacts.editor")
    party = await company.party()
    with pytest.raises(HansaError) as refused:
        await company.create(
            editor, "contacts.address", party=party, city="Lübeck", country_code="DE"
        )
    assert refused.value.code == "invalid"


async def test_affiliation_is_refused_when_a_side_is_of_the_wrong_kind(company: Company) -> None:
    editor = await company.user("contacts.editor")
    firm, person = await company.party(), await company.party("person")
    await company.create(
        editor, "contacts.affiliation", organisation=firm, person=person, title="Owner"
    )
    other = await company.party(name="Other Ltd")
    with pytest.raises(HansaError, match=r"must be of the kind person; 'Other Ltd'") as refused:
        await company.create_all(
            editor,
            "contacts.affiliation",
            {"organisation": firm, "person": person},
            {"organisation": firm, "person": other},
        )
    assert refused.value.path == (1, "person")


async def test_affiliation_is_refused_when_it_ends_before_it_begins(company: Company) -> None:
    editor = await company.user("contacts.editor")
    firm, person = await company.party(), await company.party("person")
    with pytest.raises(HansaError, match="must not be before the first"):
        await company.create(
            editor,
            "contacts.affiliation",
            organisation=firm,
            person=person,
            since=date(2026, 2, 1),
            until=date(2026, 1, 31),
        )


@pytest.mark.parametrize("side", ["organisation", "person"])
async def test_party_keeps_its_kind_when_affiliations_rest_on_it(
    company: Company, side: str
) -> None:
    editor = await company.user("contacts.editor")
    sides = {"organisation": await company.party(), "person": await company.party("person")}
    other = "person" if side == "organisation" else "organisation"
    made = await company.create(editor, "contacts.affiliation", **sides)
    with pytest.raises(HansaError, match="must keep its kind") as refused:
        await company.update(editor, "contacts.party", sides[side], kind=other)
    assert refused.value.path == (0, "kind")
    await company.delete(editor, "contacts.affiliation", row_id(made))
    changed = await company.update(editor, "contacts.party", sides[side], kind=other)
    assert changed["kind"] == other


async def test_primary_email_moves_when_another_is_made_primary(company: Company) -> None:
    editor = await company.user("contacts.editor")
    party, stranger = await company.party(), await company.party()
    rows = [
        {"party": owner, "email": f"{name}@demo.example", "primary": True}
        for owner, name in ((party, "a"), (stranger, "x"), (party, "b"))
    ]
    await company.create_all(editor, "contacts.email_address", *rows)
    c = await company.create(
        editor, "contacts.email_address", **{**rows[0], "email": "c@d.example"}
    )
    of_party = EmailAddress.party.one_of([party])
    emails = await company.rows(editor, "contacts.email_address", of_party)
    assert len(emails) == 3
    assert [row["id"] for row in emails if row["primary"]] == [c["id"]]
    a = next(row for row in emails if row["email"] == "a@demo.example")
    await company.update(editor, "contacts.email_address", row_id(a), primary=True)
    emails = await company.rows(editor, "contacts.email_address", of_party)
    assert [row["id"] for row in emails if row["primary"]] == [a["id"]]
    of_stranger = EmailAddress.party.one_of([stranger])
    (other,) = await company.rows(editor, "contacts.email_address", of_stranger)
    assert other["primary"] is True


async def test_primary_phone_moves_when_another_is_made_primary(company: Company) -> None:
    editor = await company.user("contacts.editor")
    party = await company.party()
    row = {"party": party, "number": "030-0074321", "primary": True}
    await company.create(editor, "contacts.phone", **row)
    second = await company.create(editor, "contacts.phone", **row, kind="mobile")
    phones = await company.rows(editor, "contacts.phone", PhoneNumber.party.one_of([party]))
    assert [each["id"] for each in phones if each["primary"]] == [second["id"]]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("currency", "XTS", "must be an active one; found 'XTS'"),
        ("currency", "FRF", "must be an active one; found 'FRF'"),
        ("country", "EU", "must be an ISO 3166 code; found 'EU'"),
        ("time_zone", "Mars/Olympus", "found 'Mars/Olympus'"),
    ],
)
async def test_legal_entity_is_refused_when_the_world_does_not_know_it(
    company: Company, field: str, value: str, message: str
) -> None:
    manager = await company.user("contacts.manager")
    for code, active in (("DEM", True), ("FRF", False)):
        if code not in {row["code"] for row in await company.rows(manager, "contacts.currency")}:
            await company.create(
                manager, "contacts.currency", code=code, name=code, symbol=code, active=active
            )
    good = {"currency": "DEM", "country": "DE", "time_zone": "Europe/Berlin"}
    name = uuid.uuid4().hex
    with pytest.raises(HansaError, match=message) as refused:
        await company.create(manager, "contacts.legal_entity", name=name, **{**good, field: value})
    assert refused.value.path == (0, field)
    made = await company.create(manager, "contacts.legal_entity", name=name, **good)
    assert made["fiscal_year_start_month"] == 1
