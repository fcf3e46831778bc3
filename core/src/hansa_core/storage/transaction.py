"""One open transaction of one tenant, as the tenant's role."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final, Literal, Protocol, cast
from uuid import UUID

import asyncpg
import sqlalchemy as sa

from hansa_core.storage.refusals import in_doubt, is_lost, told
from hansa_core.storage.statements import Statement, compile_statement, quote_name
from hansa_sdk.errors import Unavailable

Isolation = Literal["read committed", "repeatable read", "serializable"]
Row = Mapping[str, object]
_EXPLAIN: Final = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"

LOCK_MILLISECONDS: Final = 2000
"""How long a statement waits for a lock."""


class Connection(Protocol):
    """The part of an asyncpg connection a session uses."""

    async def execute(self, query: str, *args: object) -> str:
        """Run SQL and return its command tag."""
        ...

    async def executemany(self, command: str, args: Iterable[Sequence[object]]) -> None:
        """Run SQL once per argument list, pipelined."""
        ...

    async def fetch(self, query: str, *args: object) -> list[Row]:
        """Run SQL and return all its rows."""
        ...

    async def prepare(self, query: str) -> Prepared:
        """Have the server read a statement without running it."""
        ...

    def query_logger(self, callback: Callable[[Logged], None]) -> AbstractContextManager[None]:
        """Tell of every statement that ends inside the block, soon after it did."""
        ...


class Prepared(Protocol):
    """What the server says of a statement."""

    def get_parameters(self) -> Sequence[asyncpg.Type]:
        """Return the types of its parameters."""
        ...


class Logged(Protocol):
    """A statement that ran."""

    @property
    def query(self) -> str:
        """Its text."""
        ...

    @property
    def elapsed(self) -> float:
        """How many seconds it took, with the network."""
        ...


@dataclass(frozen=True, slots=True)
class Ran:
    """A statement that ran: its text, without the values of its parameters."""

    sql: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Explained:
    """A statement as the database sees it: the types of its parameters, and what it did, as JSON.

    The second is what `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)` says.
    """

    sql: str
    types: tuple[str, ...]
    text: bytes


@dataclass(frozen=True, slots=True)
class Tenant:
    """A company on this installation: where its data lives and as which role it is read."""

    id: UUID
    slug: str
    schema: str
    role: str


class Session:
    """An open transaction of `tenant`. Made by `Database.transaction`, never kept past it.

    Statements run one after the other, also those of tasks that share a session. A failure of the
    database is raised as Busy, Unavailable or Invalid; a broken constraint, what makes a
    transaction be repeated, and a mistake in a statement stay errors of asyncpg.
    """

    def __init__(self, connection: Connection, tenant: Tenant) -> None:
        self._connection = connection
        self.tenant = tenant
        self.statement_count = 0
        self.failed = False
        """Whether a `fetch` did not come to its end: asyncpg may have left something open."""
        self._turn = asyncio.Lock()

    async def fetch(
        self, statement: sa.Executable | Statement, params: Mapping[str, object] | None = None
    ) -> list[Row]:
        """Run a statement and return its rows as mappings by column name."""
        ready = _ready(statement)
        self.statement_count += 1
        text, values = ready.text(self.tenant.schema), ready.bind(params or {})
        async with self._turn:
            try:
                with told():
                    return await self._connection.fetch(text, *values)
            except BaseException:
                self.failed = True
                raise

    async def change(self, statement: Statement, params: Mapping[str, object]) -> list[Row]:
        """Run a statement that is a transaction of its own and writes (`Database.writing`).

        Returns its rows. Unavailable says whether the change may have been made all the same.
        """
        try:
            return await self.fetch(statement, params)
        except Unavailable as error:
            if isinstance(error.__cause__, Exception) and is_lost(error.__cause__):
                raise in_doubt() from error
            raise

    async def fetch_one(
        self, statement: sa.Executable | Statement, params: Mapping[str, object] | None = None
    ) -> Row | None:
        """Run a statement and return its first row, or None."""
        rows = await self.fetch(statement, params)
        return rows[0] if rows else None

    async def fetch_value(
        self, statement: sa.Executable | Statement, params: Mapping[str, object] | None = None
    ) -> object:
        """Run a statement and return the first value of its first row, or None."""
        row = await self.fetch_one(statement, params)
        return next(iter(row.values())) if row is not None else None

    async def execute(
        self, statement: sa.Executable | Statement, params: Mapping[str, object] | None = None
    ) -> int:
        """Run a statement and return how many rows it changed."""
        ready = _ready(statement)
        self.statement_count += 1
        tag = await self._run(ready.text(self.tenant.schema), *ready.bind(params or {}))
        count = re.search(r"(\d+)$", tag)
        return int(count[1]) if count else 0

    async def execute_many(
        self, statement: sa.Executable | Statement, rows: Sequence[Mapping[str, object]]
    ) -> None:
        """Run a statement once per row in one pipelined batch."""
        if not rows:
            return
        ready = _ready(statement)
        self.statement_count += 1
        text, values = ready.text(self.tenant.schema), [ready.bind(row) for row in rows]
        async with self._turn:
            with told():
                await self._connection.executemany(text, values)

    async def explain(
        self, statement: Statement, params: Mapping[str, object] | None = None
    ) -> Explained:
        """Run a statement to see how the database does it; its rows are thrown away.

        It does all that it does otherwise: only for statements that read.
        """
        text, values = statement.text(self.tenant.schema), statement.bind(params or {})
        async with self._turn:
            with told():
                prepared = await self._connection.prepare(text)
                types = tuple(each.name for each in prepared.get_parameters())
                explaining = f"{_EXPLAIN} {text}"
                rows = await self._connection.fetch(explaining, *values)
        return Explained(text, types, cast(bytes, rows[0]["QUERY PLAN"]))

    @contextmanager
    def watched(self, ran: Callable[[Ran], None]) -> Generator[None]:
        """Tell of every statement of the block. The last of them is told soon after its end."""
        with self._connection.query_logger(lambda each: ran(Ran(each.query, each.elapsed))):
            yield

    @asynccontextmanager
    async def savepoint(self, name: str = "hansa") -> AsyncGenerator[None]:
        """Undo what the block wrote when it raises, and keep the transaction usable.

        They may be nested, also under one name. Tasks that share a session must not each open one.
        """
        quoted = quote_name(name)
        await self._run(f"SAVEPOINT {quoted}")
        try:
            yield
        except BaseException:
            # Rolled back to, a savepoint still hides an outer one of its name until released.
            await self._undo(f"ROLLBACK TO SAVEPOINT {quoted}; RELEASE SAVEPOINT {quoted}")
            raise
        await self._run(f"RELEASE SAVEPOINT {quoted}")

    async def _run(self, text: str, *values: object) -> str:
        async with self._turn:
            with told():
                return await self._connection.execute(text, *values)

    async def _undo(self, text: str) -> None:
        """Run `text`; on a connection that ended there is nothing to undo, and why is raised."""
        try:
            await self._run(text)
        except Unavailable:
            return


def begin_text(
    tenant: Tenant, *, isolation: Isolation, read_only: bool, timeout_seconds: float
) -> str:
    """Return the SQL that opens a transaction as the tenant's role, in one round trip."""
    mode = "READ ONLY" if read_only else "READ WRITE"
    return (
        f"BEGIN ISOLATION LEVEL {isolation.upper()} {mode}; "
        f"SET LOCAL ROLE {quote_name(tenant.role)}; "
        f"SET LOCAL statement_timeout = {int(timeout_seconds * 1000)}; "
        f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}"
    )


def reading_text(tenant: Tenant, timeout_seconds: float) -> str:
    """Return the SQL that makes every further statement a read as the tenant's role."""
    return (
        f"SET ROLE {quote_name(tenant.role)}; "
        "SET default_transaction_read_only = on; "
        f"SET statement_timeout = {int(timeout_seconds * 1000)}"
    )


def writing_text(tenant: Tenant, timeout_seconds: float) -> str:
    """Return the SQL that makes every further statement a transaction of the tenant's role."""
    return (
        f"SET ROLE {quote_name(tenant.role)}; "
        "SET default_transaction_read_only = off; "
        f"SET statement_timeout = {int(timeout_seconds * 1000)}; "
        f"SET lock_timeout = {LOCK_MILLISECONDS}"
    )


LOGIN_TEXT: Final = (
    "RESET ROLE; SET default_transaction_read_only = off; SET statement_timeout = 0; "
    "SET lock_timeout = 0"
)
"""The SQL that ends what `reading_text` and `writing_text` begin."""


def _ready(statement: sa.Executable | Statement) -> Statement:
    return statement if isinstance(statement, Statement) else compile_statement(statement)
