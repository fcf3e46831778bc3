"""People and organisations: the party, who works where, and how to reach each of them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from hansa_sdk import Email, Entity, Field, Many, Phone, Ref, check, field, many, ref


class PartyKind(StrEnum):
    """What a party is."""

    ORGANISATION = "organisation"
    PERSON = "person"


class AddressKind(StrEnum):
    """What an address is used for."""

    MAIN = "main"
    BILLING = "billing"
    SHIPPING = "shipping"
    OTHER = "other"


class PhoneKind(StrEnum):
    """What answers at a number."""

    PHONE = "phone"
    MOBILE = "mobile"
    FAX = "fax"
    OTHER = "other"


class Party(
    Entity,
    name="contacts.party",
    plural="parties",
    label="Party",
    subject="self",
    unique=(("source", "external_id"),),
):
    """An organisation or a person that the company deals with.

    `source` and `external_id` say where a record came from and its key there, so that a second
    import finds it again. `website` is kept as it was written, whatever its form.
    """

    kind: Field[PartyKind] = field(default=PartyKind.ORGANISATION, index=True, label="Kind")
    name: Field[str] = field(max_length=200, search=True, personal=True, label="Name")
    legal_name: Field[str | None] = field(
        default=None, max_length=200, search=True, personal=True, label="Legal name"
    )
    source: Field[str | None] = field(default=None, max_length=80, label="Source")
    external_id: Field[str | None] = field(default=None, max_length=120, label="External ID")
    website: Field[str | None] = field(
        default=None, max_length=2000, personal=True, label="Website"
    )
    language: Field[str | None] = field(
        default=None, max_length=35, label="Language", help="A language tag such as en or de-AT"
    )
    notes: Field[str | None] = field(default=None, personal=True, label="Notes")

    addresses: Many[Address] = many("party", owned=True, label="Addresses")
    emails: Many[EmailAddress] = many("party", owned=True, label="E-mail addresses")
    phones: Many[PhoneNumber] = many("party", owned=True, label="Phone numbers")
    contacts: Many[Affiliation] = many("organisation", owned=True, label="People")
    memberships: Many[Affiliation] = many("person", owned=True, label="Organisations")
    tags: Many[PartyTag] = many("party", owned=True, label="Tags")

    @check("a name must have at least one visible character")
    def name_not_blank(self) -> bool:
        """Blank names cannot be found or told apart."""
        return bool(self.name.strip())

    @check("external ID needs a source: the system or file that gave it")
    def external_id_has_source(self) -> bool:
        """An identifier means something only where it came from."""
        return self.external_id is None or self.source is not None


class Affiliation(
    Entity,
    name="contacts.affiliation",
    plural="affiliations",
    label="Affiliation",
    subject="person",
):
    """A person's place in an organisation, with a title, over time."""

    organisation: Ref[Party] = ref(on_delete="cascade", label="Organisation")
    person: Ref[Party] = ref(on_delete="cascade", label="Person")
    title: Field[str | None] = field(
        default=None, max_length=120, search=True, personal=True, label="Title"
    )
    since: Field[date | None] = field(default=None, label="Since")
    until: Field[date | None] = field(default=None, label="Until")

    @check("the last day must not be before the first")
    def ends_after_it_begins(self) -> bool:
        """Either end may be open."""
        return self.since is None or self.until is None or self.until >= self.since


class Address(
    Entity, name="contacts.address", plural="addresses", label="Address", subject="party"
):
    """A postal address, as written; only the country's code is derived from it."""

    party: Ref[Party] = ref(on_delete="cascade", label="Party")
    kind: Field[AddressKind] = field(default=AddressKind.MAIN, label="Kind")
    street: Field[str | None] = field(
        default=None,
        max_length=400,
        personal=True,
        label="Street",
        help="Street, house number and what else stands above the town; may have several lines",
    )
    city: Field[str | None] = field(
        default=None, max_length=120, search=True, personal=True, label="City"
    )
    region: Field[str | None] = field(
        default=None, max_length=120, personal=True, label="Region or state"
    )
    postal_code: Field[str | None] = field(
        default=None, max_length=32, personal=True, label="Postal code"
    )
    country: Field[str | None] = field(default=None, max_length=120, personal=True, label="Country")
    country_code: Field[str | None] = field(
        default=None,
        max_length=2,
        index=True,
        readonly=True,
        label="Country code",
        help="ISO 3166 code of the country, where its name is known",
    )

    @check("an address needs at least a street, a city, a postal code or a country")
    def says_where(self) -> bool:
        """An address of nothing leads nowhere."""
        parts = (self.street, self.city, self.region, self.postal_code, self.country)
        return any(part and part.strip() for part in parts)


class EmailAddress(
    Entity,
    name="contacts.email_address",
    plural="emailAddresses",
    label="E-mail address",
    subject="party",
):
    """An e-mail address of a party; consent and failures belong to the address, not the party."""

    party: Ref[Party] = ref(on_delete="cascade", label="Party")
    email: Field[Email] = field(
        max_length=254, index=True, search=True, personal=True, label="E-mail"
    )
    label: Field[str | None] = field(default=None, max_length=60, label="Label")
    primary: Field[bool] = field(default=False, label="Primary")
    opted_out: Field[bool] = field(
        default=False, label="Opted out", help="The owner wants no advertising at this address"
    )
    bounced: Field[bool] = field(
        default=False, label="Bounced", help="Mail to this address came back for good"
    )


class PhoneNumber(
    Entity, name="contacts.phone", plural="phones", label="Phone number", subject="party"
):
    """A phone or fax number of a party, as written."""

    party: Ref[Party] = ref(on_delete="cascade", label="Party")
    number: Field[Phone] = field(
        max_length=60, index=True, search=True, personal=True, label="Number"
    )
    kind: Field[PhoneKind] = field(default=PhoneKind.PHONE, label="Kind")
    primary: Field[bool] = field(default=False, label="Primary")
    do_not_call: Field[bool] = field(
        default=False, label="Do not call", help="The owner wants no advertising at this number"
    )


class Tag(Entity, name="contacts.tag", plural="tags", label="Tag"):
    """A word that groups parties."""

    name: Field[str] = field(max_length=60, unique=True, search=True, label="Name")
    colour: Field[str | None] = field(
        default=None, max_length=7, label="Colour", help="Like #2f6f4f"
    )

    @check("a colour is written like #2f6f4f")
    def colour_is_hexadecimal(self) -> bool:
        """The form screens understand."""
        if self.colour is None:
            return True
        digits = self.colour.removeprefix("#").lower()
        return len(self.colour) == 7 and len(digits) == 6 and set(digits) <= set("0123456789abcdef")


class PartyTag(
    Entity,
    name="contacts.party_tag",
    plural="partyTags",
    label="Tag of a party",
    subject="party",
    unique=(("party", "tag"),),
):
    """One tag on one party."""

    party: Ref[Party] = ref(on_delete="cascade", label="Party")
    tag: Ref[Tag] = ref(on_delete="cascade", label="Tag")
