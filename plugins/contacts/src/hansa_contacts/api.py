"""What other plugins may import from contacts; a change here is a change of its promise."""

from hansa_contacts.countries import country_code
from hansa_contacts.entities import (
    Address,
    AddressKind,
    Affiliation,
    EmailAddress,
    KnownCurrency,
    LegalEntity,
    Party,
    PartyKind,
    PartyTag,
    PhoneKind,
    PhoneNumber,
    Tag,
)
from hansa_contacts.seeds import demo_party

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
    "country_code",
    "demo_party",
)
