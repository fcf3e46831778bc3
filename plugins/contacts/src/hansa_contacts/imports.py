"""Where columns of other programs' files go. Headings are lower case with _ between words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hansa_contacts.entities import Party
from hansa_sdk import ImportMap

_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": (
        *("name", "company_name", "company", "organisation", "organization", "account_name"),
        *("customer_name", "supplier_name", "firma", "firmenname", "unternehmen"),
    ),
    "legal_name": ("legal_name", "registered_name", "firmierung"),
    "external_id": (
        *("external_id", "id", "customer_id", "supplier_id", "customer_number"),
        *("supplier_number", "kundennummer", "kundennr", "lieferantennummer", "lieferantennr"),
    ),
    "website": ("website", "homepage", "home_page", "web", "url", "webseite", "internet"),
    "language": ("language", "sprache"),
    "notes": ("notes", "note", "comment", "comments", "bemerkung", "bemerkungen", "notiz"),
    "contacts.person[kind=person].name": (
        *("contact_name", "contact", "contact_person", "person", "ansprechpartner"),
        *("ansprechpartnerin", "kontakt", "kontaktperson"),
    ),
    "contacts.title": (
        *("contact_title", "title", "job_title", "position"),
        *("funktion", "stellung", "titel"),
    ),
    "addresses.street": (
        *("address", "street", "street_address", "address_line", "address1", "address_line_1"),
        *("strasse", "straße", "anschrift", "adresse", "strasse_hausnummer"),
    ),
    "addresses.city": ("city", "town", "ort", "stadt"),
    "addresses.region": ("region", "state", "province", "county", "bundesland", "kanton"),
    "addresses.postal_code": ("postal_code", "postcode", "zip", "zip_code", "plz", "postleitzahl"),
    "addresses.country": ("country", "country_name", "land", "staat"),
    "phones[kind=phone].number": (
        *("phone", "phone_number", "telephone", "tel", "telefon", "telefonnummer"),
    ),
    "phones[kind=mobile].number": (
        *("mobile", "mobile_phone", "cell", "cell_phone", "mobil", "handy", "mobiltelefon"),
    ),
    "phones[kind=fax].number": ("fax", "fax_number", "telefax", "faxnummer"),
    "emails.email": ("email", "e_mail", "mail", "email_address", "e_mail_address", "emailadresse"),
}

parties = ImportMap(
    Party, {heading: path for path, headings in _PATHS.items() for heading in headings}
)
