"""Subject keys: bound to tenant, person, event and field, and to nothing else."""

from __future__ import annotations

import base64
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from hansa_core.events.crypto import (
    ENCRYPTED,
    ERASED,
    Keyring,
    Place,
    Subject,
    Unreadable,
    encrypted_subject,
)
from hansa_sdk.errors import Misconfigured

TENANT = UUID(int=1)
ANNA = Subject("contacts.party", UUID(int=2))
PLACE = Place(TENANT, UUID(int=3), "contacts.party", ANNA.record_id, "after.name")
RING = Keyring(b"m" * 32)


def test_a_value_comes_back_where_it_was_written() -> None:
    key = RING.unwrap(TENANT, ANNA, RING.new_wrapped_key(TENANT, ANNA))
    form = key.encrypt("Anna Müller", PLACE)
    assert encrypted_subject(form) == ANNA
    assert "Anna" not in str(form)
    assert key.decrypt(form, PLACE) == "Anna Müller"


@pytest.mark.parametrize(
    "place",
    [
        replace(PLACE, tenant_id=uuid4()),
        replace(PLACE, event_id=uuid4()),
        replace(PLACE, entity="contacts.person"),
        replace(PLACE, record_id=uuid4()),
        replace(PLACE, field="before.name"),
    ],
)
def test_a_value_is_unreadable_when_moved(place: Place) -> None:
    key = RING.unwrap(TENANT, ANNA, RING.new_wrapped_key(TENANT, ANNA))
    form = key.encrypt("Anna", PLACE)
    with pytest.raises(Unreadable):
        key.decrypt(form, place)


def test_a_value_is_unreadable_when_any_byte_changed() -> None:
    key = RING.unwrap(TENANT, ANNA, RING.new_wrapped_key(TENANT, ANNA))
    form = key.encrypt("Anna", PLACE)
    blob = base64.b64decode(str(form[ENCRYPTED]))
    for index in range(6, len(blob)):
        changed = blob[:index] + bytes([blob[index] ^ 1]) + blob[index + 1 :]
        with pytest.raises(Unreadable):
            key.decrypt({**form, ENCRYPTED: base64.b64encode(changed).decode()}, PLACE)


def test_an_earlier_keys_value_is_erased_when_a_new_key_was_made() -> None:
    old = RING.unwrap(TENANT, ANNA, RING.new_wrapped_key(TENANT, ANNA))
    new = RING.unwrap(TENANT, ANNA, RING.new_wrapped_key(TENANT, ANNA))
    assert new.decrypt(old.encrypt("Anna", PLACE), PLACE) is ERASED


def test_a_wrapped_key_opens_only_for_its_own_tenant_subject_and_master() -> None:
    wrapped = RING.new_wrapped_key(TENANT, ANNA)
    for ring, tenant, subject in (
        (Keyring(b"n" * 32), TENANT, ANNA),
        (RING, uuid4(), ANNA),
        (RING, TENANT, Subject("contacts.person", ANNA.record_id)),
        (RING, TENANT, Subject("contacts.party", uuid4())),
    ):
        with pytest.raises(Unreadable):
            ring.unwrap(tenant, subject, wrapped)


def test_a_master_key_of_another_size_is_refused() -> None:
    with pytest.raises(Misconfigured, match="31 bytes; 32"):
        Keyring(b"x" * 31)
