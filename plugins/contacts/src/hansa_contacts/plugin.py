"""The manifest of contacts: what the plugin brings."""

from __future__ import annotations

from hansa_contacts import hooks, imports, roles
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
from hansa_contacts.seeds import seeds
from hansa_contacts.views import views
from hansa_sdk import Plugin

plugin = Plugin(
    name="contacts",
    label="Contacts",
    migrations="hansa_contacts.migrations",
    entities=(
        Party,
        Affiliation,
        Address,
        EmailAddress,
        PhoneNumber,
        Tag,
        PartyTag,
        KnownCurrency,
        LegalEntity,
    ),
    hooks=(
        hooks.derive_country_code,
        hooks.check_sides,
        hooks.check_kind_change,
        hooks.check_legal_entity,
        hooks.keep_one_primary_email,
        hooks.keep_one_primary_phone,
    ),
    roles=(roles.reader, roles.editor, roles.manager),
    views=views,
    imports=(imports.parties,),
    seeds=seeds,
)
