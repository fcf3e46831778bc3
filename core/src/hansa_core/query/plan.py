"""Plans: what a read asks for, as values, before and independent of SQL.

Readers (GraphQL, records, imports, desk) build these; `hansa_core.query.reader` authorises and
runs them. Names are Python field names of the entity; `key` is where the answer goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from hansa_sdk import Order, Predicate


@dataclass(frozen=True, slots=True)
class FieldSelection:
    """A field of the record, answered under `key`."""

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
class Selection:
    """What is asked of one record."""

    fields: tuple[FieldSelection, ...] = ()
    references: tuple[RefSelection, ...] = ()
    relations: tuple[ManySelection, ...] = ()


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page of a list: Relay's first/after or last/before, at most 200 records.

    Without a size it holds 50 records, 20 in a relation. `order` is completed with the
    id. `total` asks for the capped count.
    """

    selection: Selection
    where: Predicate | None = None
    search: str | None = None
    order: tuple[Order, ...] = ()
    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None
    total: bool = False
    with_archived: bool = False


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
