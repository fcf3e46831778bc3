"""Plans: what a read asks for, as values, before and independent of SQL.

Readers (GraphQL, records, imports, desk) build these; `hansa_core.query.compose` makes one
statement of them. Names are Python field names of the entity; `key` is where the answer goes.
Values a request brings later stand in them as `hansa_core.query.late.Late`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from uuid import UUID

from hansa_core.query.late import Late
from hansa_sdk import Order, Predicate

TYPENAME: Final = "__typename"


@dataclass(frozen=True, slots=True)
class FieldSelection:
    """A field of the record, answered under `key`; `__typename` is the entity's type name."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class RefSelection:
    """A to-one reference and what is asked of the record it refers to."""

    key: str
    name: str
    selection: Selection


@dataclass(frozen=True, slots=True)
class ManySelection:
    """A to-many relation and the page asked of it."""

    key: str
    name: str
    page: PageRequest


@dataclass(frozen=True, slots=True)
class PartsSelection:
    """A field of several values (a quantity) and which of them are asked: (key, name) each."""

    key: str
    name: str
    parts: tuple[tuple[str, str], ...]


Item: TypeAlias = FieldSelection | RefSelection | ManySelection | PartsSelection


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked of one record, in the order it is answered."""

    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class NodesPart:
    """The records of a page."""

    key: str
    selection: Selection


@dataclass(frozen=True, slots=True)
class EdgesPart:
    """The records of a page with their cursors: (key, what) each, None for the cursor."""

    key: str
    items: tuple[tuple[str, Selection | str | None], ...]


@dataclass(frozen=True, slots=True)
class InfoPart:
    """Where a page begins and ends: (key, API name) each."""

    key: str
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CountPart:
    """The capped number of all records of the list, or whether it is exact."""

    key: str
    what: Literal["total", "exact"]


@dataclass(frozen=True, slots=True)
class ConstantPart:
    """A text known beforehand (`__typename`)."""

    key: str
    text: str


Part: TypeAlias = NodesPart | EdgesPart | InfoPart | CountPart | ConstantPart


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page of a list: Relay's first/after or last/before, at most 200 records.

    Without a size it holds 50 records, 20 in a relation. `order` is completed with the id. `total`
    asks for the capped count, `cursors` for the cursor of every record. `parts` says what is
    answered and where; left out, it is what `Page` holds.
    """

    selection: Selection = Selection()
    where: Predicate | None = None
    search: str | Late | None = None
    order: tuple[Order, ...] = ()
    first: int | None = None
    after: str | Late | None = None
    last: int | None = None
    before: str | Late | None = None
    total: bool = False
    with_archived: bool = False
    cursors: bool = False
    parts: tuple[Part, ...] | None = None

    @property
    def answered(self) -> tuple[Part, ...]:
        """The parts of the answer: those asked, or all that a `Page` holds."""
        if self.parts is not None:
            return self.parts
        counts = (CountPart("total", "total"), CountPart("exact", "exact")) if self.total else ()
        edges = (EdgesPart("cursors", (("cursor", None),)),) if self.cursors else ()
        return (
            NodesPart("nodes", self.selection),
            InfoPart("info", (("next", "hasNextPage"), ("previous", "hasPreviousPage"))),
            *edges,
            *counts,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """An answered page. `nodes` are dictionaries by selection key, with nested dictionaries for
    references and nested Pages for relations; `cursors` stand beside them."""

    nodes: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    cursors: Sequence[str] = ()
    has_next: bool = False
    has_previous: bool = False
    total: int | None = None
    total_exact: bool = True


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """One record by id."""

    entity: str
    id: UUID
    selection: Selection
