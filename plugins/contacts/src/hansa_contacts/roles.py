"""Who may do what with contacts."""

from __future__ import annotations

from hansa_contacts.entities import (
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
from hansa_sdk import Role, allow

_LINES = (Address, Affiliation, EmailAddress, PhoneNumber, PartyTag)
_EVERYTHING = (Party, *_LINES, Tag, KnownCurrency, LegalEntity)
_ALL = ("read", "create", "update", "archive", "delete")

reader = Role("contacts.reader", tuple(allow(each, "read") for each in _EVERYTHING), "Reader")

editor = Role(
    "contacts.editor",
    (
        allow(Party, "read", "create", "update"),
        *(allow(line, *_ALL) for line in _LINES),
        allow(Tag, "read", "create"),
        allow(KnownCurrency, "read"),
        allow(LegalEntity, "read"),
    ),
    "Editor",
)

manager = Role("contacts.manager", tuple(allow(each, *_ALL) for each in _EVERYTHING), "Manager")
