"""What each role of contacts is refused, and that the next role up is not."""

from __future__ import annotations

import uuid

import pytest

from hansa_sdk import Denied
from tests.contacts.tenant import Company, row_id


async def test_reading_is_denied_without_a_role(company: Company) -> None:
    nobody = await company.user()
    with pytest.raises(Denied):
        await company.rows(nobody, "contacts.party")


async def test_creating_a_party_is_denied_to_readers(company: Company) -> None:
    with pytest.raises(Denied):
        await company.create(await company.user("contacts.reader"), "contacts.party", name="A")
    made = await company.create(await company.user("contacts.editor"), "contacts.party", name="A")
    assert made["kind"] == "organisation"


async def test_changing_a_party_is_denied_to_readers(company: Company) -> None:
    party = await company.party()
    with pytest.raises(Denied):
        await company.update(
            await company.user("contacts.reader"), "contacts.party", party, name="B"
        )
    editor = await company.user("contacts.editor")
    assert (await company.update(editor, "contacts.party", party, name="B"))["name"] == "B"


async def test_deleting_a_party_is_denied_to_editors(company: Company) -> None:
    party = await company.party()
    editor, manager = await company.user("contacts.editor"), await company.user("contacts.manager")
    phone = await company.create(editor, "contacts.phone", party=party, number="1")
    with pytest.raises(Denied):
        await company.delete(editor, "contacts.party", party)
    await company.delete(manager, "contacts.party", party)
    phones = await company.rows(manager, "contacts.phone")
    assert row_id(phone) not in {row["id"] for row in phones}


@pytest.mark.parametrize("role", ["contacts.reader", "contacts.editor"])
async def test_currencies_and_legal_entities_are_denied_to_all_but_managers(
    company: Company, role: str
) -> None:
    user = await company.user(role)
    with pytest.raises(Denied):
        await company.create(user, "contacts.currency", code="ZZC", name="C", symbol="C")
    with pytest.raises(Denied):
        await company.create(user, "contacts.legal_entity", name=uuid.uuid4().hex, currency="EUR")


async def test_changing_a_tag_is_denied_to_editors(company: Company) -> None:
    editor = await company.user("contacts.editor")
    tag = await company.create(editor, "contacts.tag", name=uuid.uuid4().hex)
    with pytest.raises(Denied):
        await company.update(editor, "contacts.tag", row_id(tag), colour="#000000")
