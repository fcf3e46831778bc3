"""The running kernel: a database, the installed plugins, and callers' units of work on them."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeVar, cast
from uuid import UUID

import sqlalchemy as sa

from hansa_core.auth.identify import Identified, Identifier
from hansa_core.auth.principal import Principal
from hansa_core.auth.tokens import Credential, KeyCredential
from hansa_core.caller import Caller
from hansa_core.clock import Clock, SystemClock
from hansa_core.events.crypto import Keyring
from hansa_core.events.record import record_events
from hansa_core.events.tables import EventTables, event_tables
from hansa_core.live.feed import Feeds
from hansa_core.live.gone import Ledger
from hansa_core.model.shape import Shape
from hansa_core.policy.compile import GrantsCache
from hansa_core.presenting import Expected, Presented
from hansa_core.query.cursor import CursorSealer
from hansa_core.query.reader import Reader
from hansa_core.records.changes import origin_of
from hansa_core.records.unit import UnitOfWork
from hansa_core.shapes import Shapes
from hansa_core.storage.database import Database
from hansa_core.storage.statements import TENANT_SCHEMA, compile_statement
from hansa_core.storage.transaction import Isolation, Session, Tenant
from hansa_sdk import DeclarationErrors, Misconfigured

T = TypeVar("T")

_PLUGIN_STATE: Final = sa.table(
    "system_plugin_state", sa.column("plugin"), sa.column("status"), schema=TENANT_SCHEMA
)
_STATE: Final = sa.table("system_state", sa.column("generation"), schema=TENANT_SCHEMA)
_log = logging.getLogger(__name__)

TENANTS_KEPT_MAX: Final = 1000


@dataclass(frozen=True, slots=True)
class _Known:
    """The shape a tenant had at a generation of its metadata."""

    generation: int
    shape: Shape


class Runtime:
    """Everything requests, commands and imports need; one per process and database."""

    def __init__(
        self, database: Database, shapes: Shapes, secret_key: bytes, *, clock: Clock | None = None
    ) -> None:
        self.database = database
        self.shapes = shapes
        self.clock: Clock = clock or SystemClock()
        self.keyring = Keyring(secret_key)
        self.cursors = CursorSealer(secret_key)
        self.events: EventTables = event_tables(sa.MetaData(schema=TENANT_SCHEMA))
        self.ledger = Ledger(self.events, self.keyring)
        self._identifier = Identifier()
        self._expected = Expected()
        self.feeds = Feeds(database, self.events, self._identifier, self.clock)
        self._grants = GrantsCache()
        self._known: dict[str, _Known] = {}
        self._select_enabled = compile_statement(
            sa.select(_PLUGIN_STATE.c.plugin, _STATE.c.generation)
            .select_from(_STATE.outerjoin(_PLUGIN_STATE, _PLUGIN_STATE.c.status == "enabled"))
            .limit(1000)
        )

    async def close(self) -> None:
        """Close the connections."""
        await self.database.close()

    async def authenticate(self, tenant: Tenant, credential: Credential) -> Caller:
        """Return who presents a key or session, under the tenant's present shape.

        Raises Unauthenticated with one and the same text whatever is wrong, Misconfigured when the
        tenant's plugins do not compile here.
        """
        now = self.clock.now()
        async with self.database.reading(tenant) as session:
            identified = await self._identifier.identify(session, credential, now)
            shape = await self._present_shape(session, identified)
        if identified.touch_due:
            await self._touch(tenant, identified)
        return self.caller(tenant, identified.principal, shape)

    @asynccontextmanager
    async def presented(
        self, tenant: Tenant, credential: KeyCredential, *, writes: bool
    ) -> AsyncGenerator[Presented]:
        """Return a key on a borrowed connection, for single statements.

        They only read, if it is not said that it `writes`.
        """
        database = self.database
        async with database.writing(tenant) if writes else database.reading(tenant) as session:
            presented = Presented(session, credential, self._identifier, self._expected, self.clock)
            yield presented
        found = presented.found
        if found is not None and found.touch_due and not writes:
            await self._touch(tenant, found)

    def guessed(self, tenant: Tenant, presented: Presented) -> Caller | None:
        """Return who probably presents a key; None where the shape he would have is not at hand."""
        guess, known = presented.guess(), self._known.get(tenant.schema)
        if guess is None or known is None or known.generation != guess.generation:
            return None
        return self.caller(tenant, guess.principal, known.shape)

    async def signed_in(self, tenant: Tenant, presented: Presented) -> Caller:
        """Return who presents a key. Raises Unauthenticated and Misconfigured as `authenticate`."""
        identified = await presented.look_up()
        shape = await self._present_shape(presented.session, identified)
        return self.caller(tenant, identified.principal, shape)

    async def signed_in_to_write(self, tenant: Tenant, presented: Presented) -> Caller:
        """Return who presents a key, once its use is noted: what he then writes is not undone.

        Raises as `signed_in`, and what a statement of `Database.writing` does.
        """
        caller = await self.signed_in(tenant, presented)
        if presented.found is not None and presented.found.touch_due:
            await self._identifier.touch(presented.session, caller.principal, self.clock.now())
        return caller

    async def _present_shape(self, session: Session, identified: Identified) -> Shape:
        try:
            return await self._shape(session, identified.generation)
        except DeclarationErrors as error:
            _log.exception("the plugins of %s do not compile", session.tenant.slug)
            raise Misconfigured(
                "This company's plugins cannot be run by this server.",
                next_step="Let its operator run `hansa doctor`.",
            ) from error

    async def _touch(self, tenant: Tenant, identified: Identified) -> None:
        now = self.clock.now()
        async with self.database.transaction(tenant) as session:
            await self._identifier.touch(session, identified.principal, now)

    def caller(self, tenant: Tenant, principal: Principal, shape: Shape) -> Caller:
        """Return a principal as a caller under `shape`."""
        return Caller(tenant, principal, shape, self._grants.grants(shape, principal.roles))

    async def system_caller(self, tenant: Tenant, cause: str) -> Caller:
        """Return the kernel itself as a caller with every permission, because of `cause`."""
        return self.caller(tenant, Principal.system(cause), await self.shape_of(tenant))

    async def shape_of(self, tenant: Tenant) -> Shape:
        """Return the tenant's present shape."""
        async with self.database.transaction(tenant, read_only=True) as session:
            return await self._shape(session, None)

    async def _shape(self, session: Session, generation: int | None) -> Shape:
        """Return the shape of a generation; a stale process builds the new one instead of erring.

        The generation that counts is the one read in the same statement as the plugins.
        """
        schema = session.tenant.schema
        known = self._known.get(schema)
        if known is not None and known.generation == generation:
            return known.shape
        rows = await session.fetch(self._select_enabled)
        now = cast(int, rows[0]["generation"]) if rows else 0
        names = [str(row["plugin"]) for row in rows if row["plugin"] is not None]
        try:
            shape = await self.shapes.of(names)
        except DeclarationErrors:
            if known is None:
                raise
            # A plugin installed after this process started: it goes on with what it knows.
            _log.exception("the plugins of %s changed to what this process cannot run", schema)
            shape = known.shape
        if len(self._known) >= TENANTS_KEPT_MAX:
            self._known.clear()
        self._known[schema] = _Known(now, shape)
        return shape

    @asynccontextmanager
    async def read(
        self, caller: Caller, *, timeout_seconds: float = 5
    ) -> AsyncGenerator[UnitOfWork]:
        """Open one snapshot of the caller's data, for reading only."""
        async with self.database.transaction(
            caller.tenant,
            isolation="repeatable read",
            read_only=True,
            timeout_seconds=timeout_seconds,
        ) as session:
            yield self.unit(session, caller)

    def looking(self, caller: Caller) -> AbstractAsyncContextManager[Session]:
        """Borrow a connection for reads of one statement each."""
        return self.database.reading(caller.tenant)

    def writing(self, caller: Caller) -> AbstractAsyncContextManager[Session]:
        """Borrow a connection for writes of one statement each."""
        return self.database.writing(caller.tenant)

    async def write(
        self,
        caller: Caller,
        work: Callable[[UnitOfWork], Awaitable[T]],
        *,
        isolation: Isolation = "read committed",
        timeout_seconds: float = 5,
    ) -> T:
        """Run `work` in one transaction, its events written before it commits.

        The whole is repeated, at most 5 times, when the database asks for it; raises Busy then,
        and whatever `work` raises, with nothing written.
        """

        async def transact(session: Session) -> T:
            unit = self.unit(session, caller)
            result = await work(unit)
            await self.record(session, unit)
            return result

        return await self.database.run(
            caller.tenant, transact, isolation=isolation, timeout_seconds=timeout_seconds
        )

    async def record(self, session: Session, unit: UnitOfWork) -> None:
        """Write a unit's events to the ledger, in the unit's own transaction."""
        origin = origin_of(unit.caller)
        await record_events(session, self.events, self.keyring, unit.events(), origin, self.clock)

    def unit(self, session: Session, caller: Caller) -> UnitOfWork:
        """Return a unit of work on an open transaction; `record` must follow before commit."""
        reader = Reader(session, caller, self.cursors, self.clock)
        return UnitOfWork(session, caller, reader, self.clock)

    async def tenants(self) -> Sequence[Tenant]:
        """Return the active tenants that have a ledger, at most 10,000 (for the sealer)."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(
                # one that is just being made has no ledger yet; the catalogue needs no privilege
                "SELECT id, slug, schema_name, role_name FROM hansa.tenant WHERE status = 'active'"
                " AND EXISTS (SELECT FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace"
                " WHERE relname = 'system_event_pending' AND n.nspname = schema_name)"
                " ORDER BY slug LIMIT 10000"
            )
        return [
            Tenant(
                cast(UUID, row["id"]),
                str(row["slug"]),
                str(row["schema_name"]),
                str(row["role_name"]),
            )
            for row in rows
        ]
