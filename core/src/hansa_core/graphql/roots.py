"""What a root field asks of the database: a record, a page, groups, or a record of any kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from hansa_core.caller import Caller
from hansa_core.graphql.groups import group_request
from hansa_core.graphql.root_fields import Root
from hansa_core.graphql.selection import Nodes, Question
from hansa_core.graphql.where import late_id
from hansa_core.query.compose import Column, Composer
from hansa_core.query.counted import group_places, page_places, record_places
from hansa_core.query.groups import GroupRequest
from hansa_core.query.late import Late, pinned
from hansa_core.query.plan import PageRequest, Selection


@dataclass(frozen=True, slots=True)
class WantedRecord:
    """One record by id."""

    entity: str
    id: UUID | Late
    selection: Selection


@dataclass(frozen=True, slots=True)
class WantedNode:
    """The record with an id, whichever of these entities has it."""

    id: UUID | Late
    selections: tuple[tuple[str, Selection], ...]


@dataclass(frozen=True, slots=True)
class WantedPage:
    """A page of an entity's records."""

    entity: str
    page: PageRequest


@dataclass(frozen=True, slots=True)
class WantedGroups:
    """Groups of an entity's records."""

    entity: str
    groups: GroupRequest


Wanted: TypeAlias = WantedRecord | WantedNode | WantedPage | WantedGroups


def wanted(question: Question, caller: Caller, type_name: str, root: Root, nodes: Nodes) -> Wanted:
    """Read what a root field of the type `type_name` asks for.

    Raises Denied without a grant to read, Invalid and LimitExceeded for what cannot be meant.
    """
    arguments = question.arguments(type_name, nodes[0])
    if root.kind == "node":
        return _node(question, caller, nodes, arguments)
    caller.grants.rows_for(root.entity, "read")
    if root.kind == "groups":
        return WantedGroups(root.entity, group_request(question, root.entity, nodes, arguments))
    if root.kind == "record":
        selection = question.record(root.entity, nodes)
        return WantedRecord(root.entity, late_id(arguments["id"], ("id",)), selection)
    return WantedPage(root.entity, question.page(root.entity, nodes, arguments))


def column_of(composer: Composer, found: Wanted) -> Column:
    """Return the JSON of what is wanted; raises what composing it raises."""
    match found:
        case WantedRecord():
            return composer.record(found.entity, found.id, found.selection)
        case WantedNode():
            return composer.first(found.selections, found.id)
        case WantedPage():
            return composer.page(found.entity, found.page)
        case WantedGroups():
            return composer.groups(found.entity, found.groups)


def places_of(found: Wanted) -> Iterator[str]:
    """Yield where records, or groups, stand in the answer to what is wanted."""
    match found:
        case WantedRecord():
            yield from record_places(found.selection)
        case WantedNode():
            for _, selection in found.selections:
                yield from record_places(selection)
        case WantedPage():
            yield from page_places(found.page)
        case WantedGroups():
            yield from group_places(found.groups)


def _node(
    question: Question, caller: Caller, nodes: Nodes, arguments: Mapping[str, object]
) -> WantedNode:
    """Look for a record among all kinds the caller may read some of.

    Those that fragments are on are looked at first; what nobody finds is null.
    """
    readable = {
        one.meta.type_name: entity
        for entity, one in question.api.entities.items()
        if caller.grants.allows(entity, "read")
    }
    given = pinned(arguments.get("type"))
    named = question.types(nodes) if given is None else [str(given)]
    others = readable if given is None else ()
    id = late_id(arguments["id"], ("id",))
    return WantedNode(
        id,
        tuple(
            (readable[name], question.record(readable[name], nodes))
            for name in dict.fromkeys((*named, *others))
            if name in readable
        ),
    )
