"""What happens to users and persisted documents before they are written."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import available_timezones

from hansa_core.system.documents import document_id
from hansa_core.system.entities import PersistedDocument
from hansa_sdk import Context, Email, Invalid, User, before


@before(User, "create", "update")
async def write_email_small(ctx: Context, users: Sequence[User]) -> None:
    """Keep addresses in small letters, so that signing in finds them and none is taken twice."""
    for user in users:
        user.email = Email(user.email.strip().lower())


@before(User, "create", "update")
async def check_time_zone(ctx: Context, users: Sequence[User]) -> None:
    """Refuse a zone nobody knows: today's date of the user is reckoned in it."""
    for index, user in enumerate(users):
        if user.time_zone != "UTC" and user.time_zone not in available_timezones():
            raise Invalid(
                f"Time zone: expected a name like Europe/Berlin, got {user.time_zone!r}.",
                next_step="See the list of the IANA time zone database.",
                path=(index, "time_zone"),
            )


@before(PersistedDocument, "create", "update")
async def identify_document(ctx: Context, documents: Sequence[PersistedDocument]) -> None:
    """Keep a document's identifier that of its text."""
    for document in documents:
        document.document_id = document_id(document.text)
