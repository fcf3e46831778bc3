"""Answers on their way into a response: rows and pages, read by response key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from hansa_core.graphql.request import Info
from hansa_core.query.plan import Page


@dataclass(frozen=True, slots=True)
class Node:
    """One record as the reader answered it; `prefix` tells apart two branches of one page."""

    row: Mapping[str, object]
    prefix: str = ""

    def value(self, key: str) -> object:
        """Return what was answered under a response key."""
        return self.row.get(self.prefix + key)


@dataclass(frozen=True, slots=True)
class Connection:
    """A page on its way into a response."""

    page: Page


@dataclass(frozen=True, slots=True)
class Edge:
    """One record of a page by its position; `key` is the response key of its list."""

    page: Page
    position: int
    key: str

    @property
    def row(self) -> Mapping[str, object]:
        """The record."""
        return self.page.nodes[self.position]

    @property
    def cursor(self) -> str:
        """Where the record stands in the list."""
        return self.page.cursors[self.position]


def branch_of_nodes(key: str) -> str:
    """Return the prefix of what is asked under `nodes`, by its response key."""
    return "" if key == "nodes" else f"{key}/"


def branch_of_edge(edges_key: str, node_key: str) -> str:
    """Return the prefix of what is asked under `edges { node }`, by both response keys."""
    return f"{edges_key}.{node_key}/"


def resolve_default(source: object, info: Info, **_arguments: object) -> object:
    """Read a record by response key, a mapping by field name, anything else by attribute."""
    if isinstance(source, Node):
        return info.context.shown(source.value(str(info.path.key)))
    if isinstance(source, Mapping):
        return cast("Mapping[str, object]", source).get(info.field_name)
    return getattr(source, info.field_name, None)


def resolve_reference(source: Node, info: Info, **_arguments: object) -> Node | None:
    """Read the record a reference leads to."""
    row = source.value(str(info.path.key))
    return None if row is None else Node(cast("Mapping[str, object]", row))


def resolve_relation(source: Node, info: Info, **_arguments: object) -> Connection | None:
    """Read a to-many relation's page."""
    page = source.value(str(info.path.key))
    return None if page is None else Connection(cast(Page, page))


def resolve_nodes(source: Connection, info: Info) -> list[Node]:
    """List a page's records."""
    prefix = branch_of_nodes(str(info.path.key))
    return [Node(row, prefix) for row in source.page.nodes]


def resolve_edges(source: Connection, info: Info) -> list[Edge]:
    """List a page's records with their cursors."""
    key = str(info.path.key)
    return [Edge(source.page, position, key) for position in range(len(source.page.nodes))]


def resolve_edge_node(source: Edge, info: Info) -> Node:
    """Return an edge's record."""
    return Node(source.row, branch_of_edge(source.key, str(info.path.key)))


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Where a page begins and ends, and whether there is more, by the API's names."""

    page: Page

    @property
    def hasNextPage(self) -> bool:
        """Whether there are records after the page."""
        return self.page.has_next

    @property
    def hasPreviousPage(self) -> bool:
        """Whether there are records before the page."""
        return self.page.has_previous

    @property
    def startCursor(self) -> str | None:
        """The cursor of the first record."""
        return self.page.cursors[0] if self.page.cursors else None

    @property
    def endCursor(self) -> str | None:
        """The cursor of the last record."""
        return self.page.cursors[-1] if self.page.cursors else None


def resolve_page_info(source: Connection, _info: Info) -> PageInfo:
    """Say where a page begins and ends, and whether there is more."""
    return PageInfo(source.page)


def resolve_total(source: Connection, _info: Info) -> int | None:
    """Return the counted total."""
    return source.page.total


def resolve_total_exact(source: Connection, _info: Info) -> bool | None:
    """Tell whether the total is exact; None where it was not counted."""
    return source.page.total_exact
