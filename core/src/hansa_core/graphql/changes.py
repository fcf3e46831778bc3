"""Subscriptions in the schema: what a change is, and the root fields that tell of changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)

from hansa_core.graphql.scalars import DATE_TIME
from hansa_core.model.meta import EntityMeta

KINDS: Final = ("created", "updated", "archived", "restored", "deleted")
"""What is done to records; events of any other kind tell of no record's change."""
CHANGES: Final = "changes"
"""The extension of a root field that tells of changes."""
RECORD: Final = "record"
"""The field of a change that is the record."""

_KIND: Final = GraphQLEnumType(
    "ChangeKind",
    {kind.upper(): GraphQLEnumValue(kind) for kind in KINDS},
    description="What was done to a record.",
)
_COMMON: Final = {
    "cursor": GraphQLField(
        GraphQLNonNull(GraphQLString),
        description="Where to go on: `since` of a later subscription, of any kind of change.",
    ),
    "kind": GraphQLField(GraphQLNonNull(_KIND)),
    "id": GraphQLField(GraphQLNonNull(GraphQLID)),
    "version": GraphQLField(
        GraphQLNonNull(GraphQLInt), description="The record's version after this change."
    ),
    "at": GraphQLField(GraphQLNonNull(DATE_TIME)),
}
_CHANGE: Final = GraphQLObjectType(
    "Change",
    {
        **_COMMON,
        "entity": GraphQLField(
            GraphQLNonNull(GraphQLString), description="As `meta` names it: crm.deal."
        ),
    },
    description="A change of a record of any kind.",
)
_SINCE: Final = GraphQLArgument(
    GraphQLString,
    description="The cursor of the last change you got; left out, changes from now on are told.",
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a root field of subscriptions tells of: one entity, or (None) all of them."""

    entity: str | None


def changes_name(meta: EntityMeta) -> str:
    """Return the name of an entity's subscription: crmDealChanges."""
    return f"{meta.single_api_name}Changes"


def changes_field() -> GraphQLField:
    """Return the subscription to all changes the caller may see."""
    return GraphQLField(
        GraphQLNonNull(_CHANGE),
        {"since": _SINCE},
        extensions={CHANGES: Changes(None)},
        description="Changes of every record you may see.",
    )


def entity_changes_field(
    meta: EntityMeta, where: GraphQLArgument, record: GraphQLObjectType
) -> GraphQLField:
    """Return the subscription to the changes of one entity."""
    change = GraphQLObjectType(
        f"{meta.type_name}Change",
        {
            **_COMMON,
            RECORD: GraphQLField(
                record, description="As it is now, which may be newer; null once it is deleted."
            ),
        },
    )
    return GraphQLField(
        GraphQLNonNull(change),
        {"where": where, "since": _SINCE},
        extensions={CHANGES: Changes(meta.name)},
        description=f"Changes of {meta.label} that you may see and that meet `where` now.",
    )
