"""References as they stand on a record: an id, never a hidden query."""

from __future__ import annotations

from typing import Generic, TypeVar
from uuid import UUID

T_co = TypeVar("T_co", covariant=True)


class Link(Generic[T_co]):
    """A reference to one record; `await ctx.load(link)` is the only way to fetch it.

    Make one by `id` to refer to a record that was not fetched. Read back from the record it was
    given to it can be loaded; to load it without that, say its entity as `target`.

    >>> Link(id=UUID(int=7)).id
    UUID('00000000-0000-0000-0000-000000000007')
    """

    __slots__ = ("_id", "_record", "target")

    def __init__(
        self,
        *,
        id: UUID | None = None,
        record: T_co | None = None,
        target: type[T_co] | None = None,
    ) -> None:
        if (id is None) == (record is None):
            raise TypeError("Link takes either id or record")
        self._id = id
        self._record = record
        self.target: type[object] | None = type(record) if record is not None else target

    @property
    def record(self) -> T_co | None:
        """The record itself, where the link was made from one and not from an id."""
        return self._record

    @property
    def id(self) -> UUID:
        """The record's id; raises LookupError while the record is not saved."""
        if self._id is not None:
            return self._id
        value: object = getattr(self._record, "id", None)
        if not isinstance(value, UUID):
            raise LookupError("the record referred to has no id yet; save it first")
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Link) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Link({self._id if self._id is not None else self._record!r})"


class Lines(Generic[T_co]):
    """The records of a to-many relation of one record; `await ctx.load_all(lines)` fetches them.

    >>> Lines("crm.deal", "activities", UUID(int=1)).name
    'activities'
    """

    __slots__ = ("entity", "name", "record_id")

    def __init__(self, entity: str, name: str, record_id: UUID) -> None:
        self.entity = entity
        self.name = name
        self.record_id = record_id


def is_link(value: object) -> bool:
    """Tell whether a value is a reference.

    >>> is_link(Link(id=UUID(int=1)))
    True
    """
    return isinstance(value, Link)
