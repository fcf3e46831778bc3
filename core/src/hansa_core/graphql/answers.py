"""Answers on their way into a response: rows and pages, read by response key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

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
    """One record of a page with its cursor; `key` is the response key of its list."""

    row: Mapping[str, object]
    cursor: str
    key: str


def branch_of_nodes(key: str) -> str:
    """Return the prefix of what is asked under `nodes`, by its response key."""
    return "" if key == "nodes" else f"{key}/"


def branch_of_edge(edges_key: str, node_key: str) -> str:
    """Return the prefix of what is asked under `edges { node }`, by both response keys."""
    return f"{edges_key}.{node_key}/"


def resolve_default(source: object, info: Info, **_arguments: object) -> object:
    """Read a record by response key, a mapping by field name, anything else by attribute."""
    if isinstance(source, Node):
        return source.value(str(info.path.key))
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
    page = source.page
    key = str(info.path.key)
    return [Edge(row, cursor, key) for row, cursor in zip(page.nodes, page.cursors, strict=True)]


def resolve_edge_node(source: Edge, info: Info) -> Node:
    """Return an edge's record."""
    return Node(source.row, branch_of_edge(source.key, str(info.path.key)))


def resolve_page_info(source: Connection, _info: Info) -> dict[str, object]:
    """Say where a page begins and ends, and whether there is more."""
    page = source.page
    return {
        "hasNextPage": page.has_next,
        "hasPreviousPage": page.has_previous,
        "startCursor": page.cursors[0] if page.cursors else None,
        "endCursor": page.cursors[-1] if page.cursors else None,
    }


def resolve_total(source: Connection, _info: Info) -> int | None:
    """Return the counted total."""
    return source.page.total


def resolve_total_exact(source: Connection, _info: Info) -> bool | None:
    """Tell whether the total is exact; None where it was not counted."""
    return source.page.total_exact


Arguments = dict[str, Any]  # what graphql-core coerced: any input value
