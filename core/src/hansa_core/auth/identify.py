"""Who presents a key or a session: everything a request needs to know of them, in one statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa

from hansa_core.auth.entity_tables import API_KEY, ROLE, ROLE_ASSIGNMENT, TEAM, USER, USER_TEAM
from hansa_core.auth.principal import Principal
from hansa_core.auth.sessions import IDLE
from hansa_core.auth.tables import AuthTables, auth_tables
from hansa_core.auth.tokens import Credential, KeyCredential, refused, token_hash
from hansa_core.model.roles import ADMINISTRATOR, EVERYBODY, PERSON
from hansa_core.storage.statements import FIRST, Statement, beside, compile_statement
from hansa_core.storage.transaction import Row, Session

_TOUCH_EVERY: Final = timedelta(minutes=1)
_INSTANT: Final = sa.DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class Identified:
    """A caller, and which shape and policy of the tenant count now.

    `touch_due` says that `Identifier.touch` should note the use (at most once a minute).
    """

    principal: Principal
    generation: int
    policy_epoch: int
    touch_due: bool
    known_by: tuple[object, ...] = field(repr=False, compare=False)
    """All of the above but `touch_due`, as the database said it."""


class Identifier:
    """Looks up credentials. One for the whole process: it keeps nothing but its statements."""

    async def identify(self, session: Session, credential: Credential, now: datetime) -> Identified:
        """Return who presents `credential`, by one statement.

        Raises Unauthenticated, with one and the same text, for an unknown, expired or foreign
        credential and for a user who is not active.
        """
        by_key = isinstance(credential, KeyCredential)
        if isinstance(credential, KeyCredential) and credential.tenant != session.tenant.slug:
            raise refused()
        values = {"hash": token_hash(credential.token), "now": now, "idle_since": now - IDLE}
        row = await session.fetch_one(self._by_key if by_key else self._by_session, values)
        if row is None:
            raise refused()
        return Identified(
            _principal(row),
            cast(int, row["generation"]),
            cast(int, row["policy_epoch"]),
            _is_touch_due(row["used_at"], now),
            tuple(row.values())[1:],
        )

    async def is_still(
        self,
        session: Session,
        credential: KeyCredential,
        now: datetime,
        expected: Identified,
        asking: tuple[Statement, Mapping[str, object]],
    ) -> tuple[Identified, Sequence[object]] | None:
        """Return what a statement answers, and who presents the key; None if not the one expected.

        One exchange with the database instead of two. `asking` is a statement of the kind that
        `statements.beside` takes second, made by `together`, and its parameters.
        """
        if credential.tenant != session.tenant.slug:
            return None
        statement, params = asking
        hashed = token_hash(credential.token)
        values = {FIRST + "hash": hashed, FIRST + "now": now, **params}
        row = await session.fetch_one(statement, values)
        if row is None:
            return None
        used_at, *found = row.values()
        count = len(expected.known_by)
        if tuple(found[:count]) != expected.known_by:
            return None
        return replace(expected, touch_due=_is_touch_due(used_at, now)), found[count:]

    def together(self, statement: Statement) -> Statement:
        """Return a look-up of a key that runs `statement` where it finds one."""
        return beside(self._by_key, statement)

    async def standing(
        self, session: Session, credentials: Collection[Credential], now: datetime
    ) -> dict[Credential, frozenset[str]]:
        """Return the roles of each of `credentials` that `identify` would let in.

        At most two statements, however many.
        """
        found: dict[Credential, frozenset[str]] = {}
        for by_key in (True, False):
            asked = {
                token_hash(credential.token): credential
                for credential in credentials
                if isinstance(credential, KeyCredential) == by_key
            }
            if not asked:
                continue
            values = {"hashes": list(asked), "now": now, "idle_since": now - IDLE}
            statement = self._keys_standing if by_key else self._sessions_standing
            for row in await session.fetch(statement, values):
                found[asked[cast(bytes, row["hash"])]] = frozenset(_held(row))
        return found

    async def touch(self, session: Session, principal: Principal, now: datetime) -> None:
        """Note that the principal's session or key was used; needs a transaction that writes."""
        used = {"id": principal.key_id or principal.session_id, "now": now}
        await session.execute(self._touch_key if principal.key_id else self._touch_session, used)

    @cached_property
    def _tables(self) -> AuthTables:
        return auth_tables(sa.MetaData())

    @cached_property
    def _by_session(self) -> Statement:
        login = _session_login(self._tables).where(self._tables.session.c.token_hash == _hash())
        return compile_statement(_identity(login.cte("login"), self._tables))

    @cached_property
    def _by_key(self) -> Statement:
        login = _key_login(self._tables).where(self._tables.key_secret.c.hash == _hash())
        return compile_statement(_identity(login.cte("login"), self._tables))

    @cached_property
    def _sessions_standing(self) -> Statement:
        token = self._tables.session.c.token_hash
        return compile_statement(_standing(_session_login(self._tables), token))

    @cached_property
    def _keys_standing(self) -> Statement:
        return compile_statement(
            _standing(_key_login(self._tables), self._tables.key_secret.c.hash)
        )

    @cached_property
    def _touch_session(self) -> Statement:
        table = self._tables.session
        return compile_statement(
            sa.update(table)
            .where(table.c.id == sa.bindparam("id", type_=sa.Uuid), table.c.seen_at < _now())
            .values(seen_at=_now())
        )

    @cached_property
    def _touch_key(self) -> Statement:
        table = self._tables.key_secret
        return compile_statement(
            sa.update(table)
            .where(table.c.key_id == sa.bindparam("id", type_=sa.Uuid))
            .values(used_at=_now())
        )


def _session_login(tables: AuthTables) -> sa.Select[*tuple[Any, ...]]:
    """Select the sessions that are not over."""
    table = tables.session
    return sa.select(
        table.c.user_id,
        table.c.id.label("session_id"),
        sa.null().cast(sa.Uuid).label("key_id"),
        sa.null().cast(sa.ARRAY(sa.Text)).label("key_roles"),
        sa.null().cast(sa.Text).label("documents"),
        table.c.seen_at.label("used_at"),
    ).where(
        table.c.expires_at > _now(),
        table.c.seen_at > sa.bindparam("idle_since", type_=_INSTANT),
    )


def _key_login(tables: AuthTables) -> sa.Select[*tuple[Any, ...]]:
    """Select the keys that are neither revoked nor over."""
    secret = tables.key_secret
    return (
        sa.select(
            API_KEY.c.user.label("user_id"),
            sa.null().cast(sa.Uuid).label("session_id"),
            API_KEY.c.id.label("key_id"),
            API_KEY.c.roles.label("key_roles"),
            API_KEY.c.documents,
            secret.c.used_at,
        )
        .select_from(secret.join(API_KEY, API_KEY.c.id == secret.c.key_id))
        .where(
            ~API_KEY.c.archived,
            sa.or_(API_KEY.c.expires_at.is_(None), API_KEY.c.expires_at > _now()),
        )
    )


def _standing(login: sa.Select[*tuple[Any, ...]], secret: sa.ColumnElement[bytes]) -> sa.Executable:
    """Complete a look-up of many credentials by what each one's roles are."""
    hashes = sa.bindparam("hashes", type_=sa.ARRAY(sa.LargeBinary))
    found = login.add_columns(secret.label("hash")).where(secret == sa.any_(hashes)).cte("login")
    return sa.select(found.c.hash, found.c.key_roles, _roles(found).label("roles")).select_from(
        found.join(USER, sa.and_(USER.c.id == found.c.user_id, USER.c.active, ~USER.c.archived))
    )


def _identity(found: sa.CTE, tables: AuthTables) -> sa.Executable:
    """Complete a look-up of one credential by the user, roles, teams and the tenant's state."""
    state = tables.state
    return sa.select(
        found.c.used_at,  # first: of all this it alone changes from request to request
        *(column for column in found.c if column is not found.c.used_at),
        USER.c.email,
        USER.c.name,
        USER.c.language,
        USER.c.time_zone,
        _roles(found).label("roles"),
        _teams(found).label("teams"),
        sa.func.coalesce(state.c.generation, 0).label("generation"),
        sa.func.coalesce(state.c.policy_epoch, 0).label("policy_epoch"),
    ).select_from(
        found.join(
            USER,
            sa.and_(USER.c.id == found.c.user_id, USER.c.active, ~USER.c.archived),
        ).outerjoin(state, sa.true())
    )


def _roles(login: sa.CTE) -> sa.ScalarSelect[object]:
    held = ROLE.join(ROLE_ASSIGNMENT, ROLE_ASSIGNMENT.c.role == ROLE.c.id)
    return (
        sa.select(sa.func.array_agg(ROLE.c.name))
        .select_from(held)
        .where(ROLE_ASSIGNMENT.c.user == login.c.user_id, ~ROLE_ASSIGNMENT.c.archived)
        .scalar_subquery()
    )


def _teams(login: sa.CTE) -> sa.ScalarSelect[object]:
    """Select the user's teams and those below; UNION ends it even when teams form a circle."""
    reach = (
        sa.select(TEAM.c.id)
        .select_from(
            login.join(USER_TEAM, USER_TEAM.c.user == login.c.user_id).join(
                TEAM, TEAM.c.id == USER_TEAM.c.team
            )
        )
        .where(~USER_TEAM.c.archived, ~TEAM.c.archived)
        .cte("reach", recursive=True)
    )
    below = (
        sa.select(TEAM.c.id)
        .select_from(TEAM.join(reach, TEAM.c.parent == reach.c.id))
        .where(~TEAM.c.archived)
    )
    reach = reach.union(below)
    return sa.select(sa.func.array_agg(reach.c.id)).scalar_subquery()


def _held(row: Row) -> set[str]:
    """Return the roles that count for one look-up."""
    roles = set(cast("Iterable[str] | None", row["roles"]) or ())
    only = cast("Iterable[str] | None", row["key_roles"])
    if only is None:
        return roles | {EVERYBODY, PERSON}
    # An administrator holds what every role grants, so his key may be narrowed to any.
    return (set(only) if ADMINISTRATOR in roles else roles & set(only)) | {EVERYBODY}


def _principal(row: Row) -> Principal:
    return Principal(
        user_id=cast(UUID, row["user_id"]),
        name=cast(str, row["name"]),
        email=cast(str, row["email"]),
        roles=tuple(sorted(_held(row))),
        teams=tuple(sorted(cast("Iterable[UUID] | None", row["teams"]) or ())),
        key_id=cast("UUID | None", row["key_id"]),
        session_id=cast("UUID | None", row["session_id"]),
        documents=cast("str | None", row["documents"]),
        language=cast(str, row["language"]),
        time_zone=cast(str, row["time_zone"]),
    )


def _is_touch_due(used_at: object, now: datetime) -> bool:
    return used_at is None or now - cast(datetime, used_at) >= _TOUCH_EVERY


def _hash() -> sa.BindParameter[bytes]:
    return sa.bindparam("hash", type_=sa.LargeBinary)


def _now() -> sa.BindParameter[datetime]:
    return sa.bindparam("now", type_=_INSTANT)
