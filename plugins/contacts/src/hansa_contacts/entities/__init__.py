"""The entities of contacts."""

from hansa_contacts.entities.companies import KnownCurrency, LegalEntity
from hansa_contacts.entities.parties import (
    Address,
    AddressKind,
    Affiliation,
    EmailAddress,
    Party,
    PartyKind,
    PartyTag,
    PhoneKind,
    PhoneNumber,
    Tag,
)

__all__ = (
    "Address",
    "AddressKind",
    "Affiliation",
    "EmailAddress",
    "KnownCurrency",
    "LegalEntity",
    "Party",
    "PartyKind",
    "PartyTag",
    "PhoneKind",
    "PhoneNumber",
    "Tag",
)
