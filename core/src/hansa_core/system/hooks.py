"""What happens to users before they are written."""

from __future__ import annotations

from collections.abc import Sequence

from hansa_sdk import Context, Email, User, before


@before(User, "create", "update")
async def write_email_small(ctx: Context, users: Sequence[User]) -> None:
    """Keep addresses in small letters, so that signing in finds them and none is taken twice."""
    for user in users:
        user.email = Email(user.email.strip().lower())
