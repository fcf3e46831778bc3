"""What contacts checks and fills in before its records are written.

A refusal names the record by its position in the batch, then the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID
from zoneinfo import available_timezones

from hansa_contacts.countries import country_code, is_country_code
from hansa_contacts.entities import (
    Address,
    Affiliation,
    EmailAddress,
    KnownCurrency,
    LegalEntity,
    Party,
    PartyKind,
    PhoneNumber,
)
from hansa_sdk import Context, Invalid, before


@before(Address)
async def derive_country_code(ctx: Context, batch: Sequence[Address]) -> None:
    """Keep the country as written and note its code where the name is known."""
    for address in batch:
        address.country_code = country_code(address.country)


@before(Affiliation)
async def check_sides(ctx: Context, batch: Sequence[Affiliation]) -> None:
    """An affiliation leads from an organisation to a person."""
    ids = {side.id for record in batch for side in (record.organisation, record.person)}
    kinds = {
        party.id: (party.kind, party.name)
        for party in await ctx.find(Party, Party.id.one_of(ids), limit=len(ids))
    }
    for position, record in enumerate(batch):
        sides = (
            ("organisation", record.organisation.id, PartyKind.ORGANISATION),
            ("person", record.person.id, PartyKind.PERSON),
        )
        for field_name, party_id, expected in sides:
            # A party that is not there is left to the check of references, which has one answer
            # for a missing record and for one the caller may not see.
            kind, name = kinds.get(party_id, (expected, ""))
            if kind is not expected:
                raise Invalid(
                    f"The {field_name} of an affiliation must be of the kind "
                    f"{expected.value}; {name!r} is of the kind {kind.value}.",
                    next_step=f"Choose a party of the kind {expected.value}.",
                    path=(position, field_name),
                )


@before(Party, "update")
async def check_kind_change(ctx: Context, batch: Sequence[Party]) -> None:
    """A party keeps its kind while affiliations rest on it."""
    persons = [party.id for party in batch if party.kind is PartyKind.PERSON]
    organisations = [party.id for party in batch if party.kind is PartyKind.ORGANISATION]
    against = Affiliation.organisation.one_of(persons) | Affiliation.person.one_of(organisations)
    for found in await ctx.find(Affiliation, against, limit=1):
        wrong = {found.organisation.id} & {*persons} or {found.person.id}
        position = next(index for index, party in enumerate(batch) if party.id in wrong)
        raise Invalid(
            f"{batch[position].name!r} has affiliations and must keep its kind; "
            f"found {batch[position].kind.value}.",
            next_step="Remove its affiliations first, or make a new party.",
            path=(position, "kind"),
        )


@before(LegalEntity)
async def check_legal_entity(ctx: Context, batch: Sequence[LegalEntity]) -> None:
    """Currency, country and time zone are ones the world knows."""
    codes = {record.currency for record in batch}
    active = {
        currency.code
        for currency in await ctx.find(
            KnownCurrency, KnownCurrency.code.one_of(codes), limit=len(codes)
        )
        if currency.active
    }
    zones = available_timezones()
    for position, record in enumerate(batch):
        if record.currency not in active:
            raise Invalid(
                f"The currency of legal entity {record.name!r} must be an active one; "
                f"found {str(record.currency)!r}.",
                next_step="Choose another, or make it active among the currencies.",
                path=(position, "currency"),
            )
        if record.country is not None and not is_country_code(record.country):
            raise Invalid(
                f"The country of legal entity {record.name!r} must be an ISO 3166 code; "
                f"found {record.country!r}.",
                next_step="Write two capital letters, like DE.",
                path=(position, "country"),
            )
        if record.time_zone not in zones:
            raise Invalid(
                f"The time zone of legal entity {record.name!r} must be one of the IANA "
                f"database; found {record.time_zone!r}.",
                next_step="Write it like Europe/Berlin.",
                path=(position, "time_zone"),
            )


@before(EmailAddress)
async def keep_one_primary_email(ctx: Context, batch: Sequence[EmailAddress]) -> None:
    """A party has one primary e-mail address: the one said last."""
    last = {record.party.id: record for record in batch if record.primary}
    if not last:
        return
    for record in batch:
        record.primary = record.primary and last[record.party.id] is record
    among = EmailAddress.party.one_of(last.keys()) & (EmailAddress.primary == True)  # noqa: E712  # a predicate
    before_now = await ctx.find(EmailAddress, among, limit=10_000)
    others = [record for record in before_now if record.id not in _ids(batch)]
    for record in others:
        record.primary = False
    if others:
        await ctx.save_all(others)


@before(PhoneNumber)
async def keep_one_primary_phone(ctx: Context, batch: Sequence[PhoneNumber]) -> None:
    """A party has one primary phone number: the one said last."""
    last = {record.party.id: record for record in batch if record.primary}
    if not last:
        return
    for record in batch:
        record.primary = record.primary and last[record.party.id] is record
    among = PhoneNumber.party.one_of(last.keys()) & (PhoneNumber.primary == True)  # noqa: E712  # a predicate
    before_now = await ctx.find(PhoneNumber, among, limit=10_000)
    others = [record for record in before_now if record.id not in _ids(batch)]
    for record in others:
        record.primary = False
    if others:
        await ctx.save_all(others)


def _ids(batch: Sequence[EmailAddress] | Sequence[PhoneNumber]) -> set[UUID | None]:
    """A record that is being created may have no id yet."""
    return {getattr(record, "id", None) for record in batch}
