"""Actions on users that administrators take."""

from __future__ import annotations

from hansa_sdk import Context, Invalid, User, action


@action(User, permission="system.user.deactivate")
async def deactivate_user(ctx: Context, user: User) -> User:
    """Keep a user out from the next request on, sessions and keys included."""
    if user.id == ctx.user_id:
        raise Invalid(
            "You cannot deactivate yourself.", next_step="Ask another administrator to do it."
        )
    user.active = False
    await ctx.save(user)
    return user


@action(User, permission="system.user.deactivate", name="reactivate")
async def reactivate_user(ctx: Context, user: User) -> User:
    """Let a deactivated user in again."""
    user.active = True
    await ctx.save(user)
    return user
