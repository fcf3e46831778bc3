"""Users, their passwords, roles and keys: what `hansa user` and `hansa key` do.

Records go through the unit of work, so each change is authorised and told in the ledger; only
secrets, which no ledger may hold, are written beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

import sqlalchemy as sa

from hansa_core.auth.credentials import Credentials
from hansa_core.auth.entity_tables import USER
from hansa_core.auth.passwords import PasswordHash
from hansa_core.auth.sessions import Sessions
from hansa_core.auth.tables import auth_tables
from hansa_core.auth.tokens import key_prefix, new_key
from hansa_core.model.roles import ADMINISTRATOR, EVERYBODY, PERSON
from hansa_core.storage.transaction import Session
from hansa_core.system.entities import ApiKey, Role, RoleAssignment
from hansa_core.system.events import PasswordSet
from hansa_sdk import Context, Email, Invalid, Link, NotFound, User
from hansa_sdk import Role as DeclaredRole

KEYS_MAX: Final = 10_000
"""How many keys are listed at the most."""
_ROLES_MAX: Final = 1_000


class AccountUnit(Context, Protocol):
    """A unit of work, and its transaction for what is no record."""

    @property
    def session(self) -> Session:
        """The open transaction."""
        ...


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A key as a list shows it; `used_at` is exact to the minute."""

    id: UUID
    user_id: UUID
    label: str
    prefix: str
    roles: tuple[str, ...] | None
    documents: str | None
    expires_at: datetime | None
    used_at: datetime | None


async def create_user(
    unit: AccountUnit,
    *,
    email: str,
    name: str,
    password_hash: PasswordHash | None = None,
    roles: Sequence[str] = (),
    language: str = "en",
    time_zone: str = "UTC",
) -> User:
    """Create a user, with a password and roles where given; raises Invalid, Duplicate, NotFound.

    The hash comes from `Passwords.hash`, made before the transaction begins.
    """
    user = User(email=Email(email), name=name, language=language, time_zone=time_zone)
    await unit.save(user)
    if password_hash is not None:
        await set_password(unit, user.id, password_hash)
    for role in roles:
        await assign_role(unit, user.id, role)
    return user


async def user_by_email(unit: Context, email: str) -> User:
    """Return the user who signs in with `email`; raises NotFound."""
    found = await unit.find(User, User.email == Email(email.strip().lower()), limit=1)
    if not found:
        raise NotFound(f"There is no user {email}.", next_step="`hansa user list` shows them all.")
    return found[0]


async def set_password(unit: AccountUnit, user_id: UUID, password_hash: PasswordHash) -> None:
    """Give a user a new password and end every session of his; raises NotFound, Denied."""
    user = await unit.get(User, user_id)
    # Saved unchanged: the unit of work decides whether the caller may change this user.
    await unit.save(user)
    await Credentials().store(unit.session, user_id, password_hash, unit.now)
    await Sessions().close_all(unit.session, user_id)
    unit.emit(PasswordSet(user_id=user_id))


async def somebody_signs_in(unit: AccountUnit) -> bool:
    """Tell whether any active user has a password."""
    credential = auth_tables(sa.MetaData()).credential
    found = await unit.session.fetch_one(
        sa.select(USER.c.id)
        .select_from(USER.join(credential, credential.c.user_id == USER.c.id))
        .where(USER.c.active, ~USER.c.archived)
        .limit(1)
    )
    return found is not None


async def sync_roles(unit: Context, roles: Mapping[str, DeclaredRole]) -> None:
    """Write the shape's roles as records; those of disabled plugins stay and grant nothing."""
    known = {role.name: role for role in await unit.find(Role, limit=_ROLES_MAX)}
    for name, declared in sorted(roles.items()):
        label = declared.label or name
        role = known.get(name)
        if role is None:
            await unit.save(Role(name=name, label=label, plugin=name.partition(".")[0]))
        elif role.label != label:
            role.label = label
            await unit.save(role)


async def assign_role(unit: Context, user_id: UUID, role_name: str) -> None:
    """Give a user a role, from his next request on; nothing changes when he has it.

    Raises NotFound for a role no enabled plugin declares.
    """
    role = await _role(unit, role_name)
    if await _assignment(unit, user_id, role) is None:
        await unit.save(RoleAssignment(user=Link(id=user_id), role=role))


async def withdraw_role(unit: Context, user_id: UUID, role_name: str) -> None:
    """Take a role from a user, from his next request on; nothing changes when he has it not."""
    assignment = await _assignment(unit, user_id, await _role(unit, role_name))
    if assignment is not None:
        await unit.delete(assignment)


async def roles_of(unit: Context, user_id: UUID) -> tuple[str, ...]:
    """Return the names of the roles assigned to a user, sorted."""
    held = await unit.find(RoleAssignment, RoleAssignment.user == user_id, limit=_ROLES_MAX)
    ids = [assignment.role.id for assignment in held]
    roles = await unit.find(Role, Role.id.one_of(ids), limit=_ROLES_MAX) if ids else []
    return tuple(sorted(role.name for role in roles))


async def create_key(
    unit: AccountUnit,
    *,
    user_id: UUID,
    label: str,
    roles: Sequence[str] | None = None,
    expires_at: datetime | None = None,
    documents: str | None = None,
) -> str:
    """Make an API key of a user and return it: it cannot be shown again.

    `roles` narrows it to some of the user's; None means all he has at the time of each request.
    `documents` narrows it to a collection of persisted documents, also to one still to be filled.
    Raises Invalid for a role he does not hold or an expiry that is past, NotFound for the user.
    """
    await unit.get(User, user_id)
    if expires_at is not None and expires_at <= unit.now:
        raise Invalid(
            f"The key would expire at {expires_at.isoformat()}, which is past.",
            next_step="Give a later time.",
            path=("expires_at",),
        )
    if roles is not None:
        await _check_held(unit, user_id, roles)
    token = new_key(unit.session.tenant.slug)
    key = ApiKey(
        user=Link(id=user_id),
        label=label,
        prefix=key_prefix(token),
        roles=None if roles is None else sorted(set(roles)),
        expires_at=expires_at,
        documents=documents,
    )
    await unit.save(key)
    await Credentials().store_key(unit.session, key.id, token)
    return token


async def list_keys(unit: AccountUnit, user_id: UUID | None = None) -> list[KeyLine]:
    """Return the keys of one user or of all, oldest first."""
    where = None if user_id is None else ApiKey.user == user_id
    keys = await unit.find(ApiKey, where, order_by=(ApiKey.id.ascending(),), limit=KEYS_MAX)
    used = await Credentials().keys_used_at(unit.session)
    return [
        KeyLine(
            id=key.id,
            user_id=key.user.id,
            label=key.label,
            prefix=key.prefix,
            roles=None if key.roles is None else tuple(key.roles),
            documents=key.documents,
            expires_at=key.expires_at,
            used_at=used.get(key.id),
        )
        for key in keys
    ]


async def revoke_key(unit: Context, key_id: UUID) -> None:
    """Delete a key and its secret: the next request with it is refused. Raises NotFound."""
    await unit.delete(await unit.get(ApiKey, key_id))


async def _role(unit: Context, name: str) -> Role:
    found = await unit.find(Role, Role.name == name, limit=1)
    if not found:
        raise NotFound(
            f"There is no role {name}.",
            next_step="Write it like crm.manager, and enable the plugin that declares it.",
            path=("role",),
        )
    return found[0]


async def _assignment(unit: Context, user_id: UUID, role: Role) -> RoleAssignment | None:
    pair = (RoleAssignment.user == user_id) & (RoleAssignment.role == role.id)
    found = await unit.find(RoleAssignment, pair, limit=1)
    return found[0] if found else None


async def _check_held(unit: Context, user_id: UUID, roles: Sequence[str]) -> None:
    held = {*await roles_of(unit, user_id), EVERYBODY, PERSON}
    if ADMINISTRATOR in held:
        held |= {role.name for role in await unit.find(Role, limit=_ROLES_MAX)}
    strange = sorted(set(roles) - held)
    if strange:
        raise Invalid(
            f"A key can have roles its user holds; he does not hold {', '.join(strange)}.",
            next_step=f"Choose from {', '.join(sorted(held))}, or assign the role first.",
            path=("roles",),
        )
