"""What the kernel hands to a plugin's code: the caller, the clock, the records, the events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol, TypeVar, overload
from uuid import UUID

from hansa_sdk.columns import AnyColumn, Column, Order
from hansa_sdk.entity import Entity
from hansa_sdk.events import Event
from hansa_sdk.hooks import HookSpec, P, R
from hansa_sdk.links import Lines, Link
from hansa_sdk.predicates import Predicate

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
E = TypeVar("E", bound=Entity)


class Context(Protocol):
    """One caller in one transaction. Every read and write goes by the caller's grants.

    >>> hasattr(Context, "save")
    True
    """

    @property
    def user_id(self) -> UUID | None:
        """The signed-in user's id, or None for the system itself."""
        ...

    @property
    def now(self) -> datetime:
        """The present instant in UTC."""
        ...

    @property
    def today(self) -> date:
        """The present date in the caller's zone."""
        ...

    async def get(self, entity: type[E], id: UUID) -> E:
        """Fetch a record; raises NotFound when there is none the caller may see."""
        ...

    async def find(
        self,
        entity: type[E],
        where: Predicate | None = None,
        *,
        order_by: Sequence[Order] = (),
        limit: int = 200,
    ) -> list[E]:
        """Fetch records that meet `where`, at most `limit` (10,000 at the most)."""
        ...

    async def count(self, entity: type[E], where: Predicate | None = None) -> int:
        """Count the records that meet `where`."""
        ...

    @overload
    async def select(
        self,
        entity: type[Entity],
        columns: tuple[Column[A, Any]],  # Any: of whichever entity, here and below
        *,
        where: Predicate | None = None,
        order_by: Sequence[Order] = (),
        limit: int = 200,
    ) -> list[tuple[A]]: ...
    @overload
    async def select(
        self,
        entity: type[Entity],
        columns: tuple[Column[A, Any], Column[B, Any]],
        *,
        where: Predicate | None = None,
        order_by: Sequence[Order] = (),
        limit: int = 200,
    ) -> list[tuple[A, B]]: ...
    @overload
    async def select(
        self,
        entity: type[Entity],
        columns: tuple[Column[A, Any], Column[B, Any], Column[C, Any]],
        *,
        where: Predicate | None = None,
        order_by: Sequence[Order] = (),
        limit: int = 200,
    ) -> list[tuple[A, B, C]]: ...
    @overload
    async def select(
        self,
        entity: type[Entity],
        columns: Sequence[AnyColumn],
        *,
        where: Predicate | None = None,
        order_by: Sequence[Order] = (),
        limit: int = 200,
    ) -> list[tuple[object, ...]]: ...
    async def select(
        self,
        entity: type[Entity],
        columns: Sequence[AnyColumn],
        *,
        where: Predicate | None = None,
        order_by: Sequence[Order] = (),
        limit: int = 200,
    ) -> Sequence[tuple[object, ...]]:
        """Return columns of records, also across references, as tuples; at most 10,000.

        One statement. A value is None where its row or the field is hidden from the caller.
        Raises Denied for a field that he may read on no row.
        """
        ...

    def source(self, entity: type[Entity]) -> Any:  # an sqlalchemy Subquery; the SDK needs none
        """Return what the caller may read of an entity as a table for a hand-written report.

        Its columns are the stored fields by name (`source.c.amount`), masked ones null, archived
        records left out. It holds for the present transaction.
        """
        ...

    async def report(self, statement: Any) -> list[Mapping[str, object]]:  # an sqlalchemy Select
        """Run a statement over sources, and return its rows by column name, at most 10,000.

        Raises Invalid for a statement that reads anything but sources.
        """
        ...

    async def load(self, link: Link[E]) -> E:
        """Fetch the record a reference points to; raises NotFound."""
        ...

    async def load_all(self, lines: Lines[E], *, limit: int = 1000) -> list[E]:
        """Fetch the records of a to-many relation, oldest first."""
        ...

    async def save(self, record: Entity) -> None:
        """Create a new record, or update a fetched one if nobody changed it since.

        Raises Invalid, Denied, Duplicate, NotFound (a reference) or Stale.
        """
        ...

    async def save_all(self, records: Sequence[Entity]) -> None:
        """Save records of one entity in a constant number of statements; all or none."""
        ...

    async def archive(self, record: Entity, *, archived: bool = True) -> None:
        """Hide a record from lists, or bring it back."""
        ...

    async def delete(self, record: Entity) -> None:
        """Delete a record and its owned lines; raises InUse, Denied or Stale."""
        ...

    def emit(self, event: Event) -> None:
        """Add an event to the transaction; handlers see it after commit."""
        ...

    async def ask(self, hook: HookSpec[P, R], *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """Call every plugin's answer to a hook, in the order of the plugins."""
        ...
