"""From a shape to its GraphQL schema: operations by the names of the design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLDefaultInput,
    GraphQLField,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from hansa_core.graphql.api import Api, EntityApi, Hidden
from hansa_core.graphql.arguments import FunctionTypes, answered_entity, parameters_of, result_of
from hansa_core.graphql.bulk_types import BulkTypes, payload_type
from hansa_core.graphql.changes import changes_field, changes_name, entity_changes_field
from hansa_core.graphql.directives import DIRECTIVES
from hansa_core.graphql.filters import EnumTypes, FilterTypes
from hansa_core.graphql.groups import GroupTypes
from hansa_core.graphql.inputs import InputTypes
from hansa_core.graphql.outputs import NODE, OutputTypes
from hansa_core.graphql.payloads import RECORD
from hansa_core.graphql.reads import query_resolver
from hansa_core.graphql.writes import act, archive, create, delete, update, writing
from hansa_core.model.meta import camel, pascal
from hansa_core.model.shape import Shape
from hansa_sdk import Action

_ID: Final = GraphQLArgument(GraphQLNonNull(GraphQLID))
_VERSION: Final = GraphQLArgument(
    GraphQLNonNull(GraphQLInt), description="The version that was read; another is refused."
)
_ANY_VERSION: Final = GraphQLArgument(
    GraphQLInt, description="The version that was read; left out, the newest is taken."
)
_ARCHIVED: Final = GraphQLArgument(
    GraphQLNonNull(GraphQLBoolean),
    default=GraphQLDefaultInput(value=False),
    description="true: archived records too.",
)


@dataclass(frozen=True, slots=True)
class Root:
    """What a root field that the database answers asks for of an entity, or (node) of any."""

    entity: str
    kind: Literal["record", "page", "groups", "node"]


_NODE: Final = GraphQLField(
    NODE,
    args={
        "id": _ID,
        "type": GraphQLArgument(
            GraphQLString,
            description="The record's type by its __typename: it is then looked for nowhere else.",
        ),
    },
    extensions={"root": Root("", "node")},
    description="A record of any kind by id; null where there is none to see.",
)


@dataclass(frozen=True, slots=True)
class CompiledSchema:
    """A shape's GraphQL schema and the names it answers by."""

    key: str
    schema: GraphQLSchema
    api: Api


def build_schema(
    shape: Shape, kernel: Mapping[str, GraphQLField], hidden: Hidden = frozenset()
) -> CompiledSchema:
    """Make the schema of a shape; `kernel` are the root fields every schema has.

    There is one for all callers. One without what is `hidden` says what a caller is told who asks
    for it: the same as for what does not exist.

    The shape's names were checked at boot (names.check_names), so graphql-core does not check the
    schema again; a test does.
    """
    api = Api.of(shape, hidden)
    builder = _Builder(api)
    declarers = {
        action: plugin.name for plugin in shape.plugins.values() for action in plugin.actions
    }
    queries: dict[str, GraphQLField] = {**kernel, "node": _NODE}
    mutations: dict[str, GraphQLField] = {}
    subscriptions: dict[str, GraphQLField] = {"changes": changes_field()}
    for one in api.entities.values():
        queries.update(builder.queries(one))
        mutations.update(builder.mutations(one))
        subscriptions[changes_name(one.meta)] = builder.changes(one)
        for action in shape.actions.get(one.meta.name, ()):
            name = one.meta.single_api_name + pascal(action.name)
            mutations[name] = builder.action(one, action, declarers[action])
    queries.update(builder.hand_written(shape))
    return CompiledSchema(
        shape.key,
        GraphQLSchema(
            GraphQLObjectType("Query", queries),
            GraphQLObjectType("Mutation", mutations) if mutations else None,
            GraphQLObjectType("Subscription", subscriptions),
            directives=DIRECTIVES,
            assume_valid=True,
        ),
        api,
    )


class _Builder:
    """Makes the operations of one schema."""

    def __init__(self, api: Api) -> None:
        enums = EnumTypes(api)
        filters = FilterTypes(api, enums)
        self._outputs = OutputTypes(api, enums, filters)
        self._groups = GroupTypes(api, filters, self._outputs)
        self._inputs = InputTypes(api, enums)
        self._bulk = BulkTypes(self._inputs, filters, self._outputs)
        self._functions = FunctionTypes(enums)

    def queries(self, one: EntityApi) -> dict[str, GraphQLField]:
        """Return `crmDeal`, `crmDeals` and `crmDealsGroup`."""
        meta = one.meta
        group = GraphQLNonNull(GraphQLList(GraphQLNonNull(self._groups.type(one))))
        return {
            f"{meta.plural_api_name}Group": GraphQLField(
                group,
                args=self._groups.arguments(one),
                extensions={"root": Root(meta.name, "groups")},
                description="Records counted and added up by the values of fields.",
            ),
            meta.single_api_name: GraphQLField(
                self._outputs.record(meta.name),
                args={"id": _ID},
                extensions={"root": Root(meta.name, "record")},
                description=f"{meta.label} by id; null where there is none to see.",
            ),
            meta.plural_api_name: GraphQLField(
                GraphQLNonNull(self._outputs.connection(meta.name)),
                args={**self._outputs.list_arguments(meta.name), "archived": _ARCHIVED},
                extensions={"root": Root(meta.name, "page")},
            ),
        }

    def changes(self, one: EntityApi) -> GraphQLField:
        """Return the subscription to an entity's changes: crmDealChanges(where, since)."""
        where = self._outputs.list_arguments(one.meta.name)["where"]
        return entity_changes_field(one.meta, where, self._outputs.record(one.meta.name))

    def mutations(self, one: EntityApi) -> dict[str, GraphQLField]:
        """Return the creates, updates, deletes and archives of an entity.

        There are none where no field is writable: such records are kept by the kernel or a plugin.
        """
        meta, name = one.meta, one.meta.single_api_name
        if not any(field.writable for field in meta.fields.values()):
            return {}
        record = self._outputs.record(meta.name)
        payload = GraphQLNonNull(
            payload_type(f"{meta.type_name}Payload", {RECORD: record}, meta.name)
        )
        by_version = {"id": _ID, "version": _VERSION}
        new = {"input": GraphQLArgument(GraphQLNonNull(self._inputs.create(meta.name)))}
        changed = {"input": GraphQLArgument(GraphQLNonNull(self._inputs.update(meta.name)))}
        fields = {
            f"{name}Create": GraphQLField(
                payload, new, extensions=writing(create(meta.name), creates=meta.name)
            ),
            f"{name}Update": GraphQLField(
                payload, {**by_version, **changed}, extensions=writing(update(meta.name))
            ),
            f"{name}Delete": GraphQLField(
                payload, by_version, extensions=writing(delete(meta.name))
            ),
            **self._bulk.mutations(one),
        }
        if meta.archivable:
            for verb, archived in (("Archive", True), ("Restore", False)):
                extensions = writing(archive(meta.name, archived=archived))
                fields[name + verb] = GraphQLField(payload, by_version, extensions=extensions)
        return fields

    def action(
        self,
        one: EntityApi,
        action: Action[Any, ..., Any],  # of any entity, arguments and result
        plugin: str,
    ) -> GraphQLField:
        """Return the mutation of a plugin's action: crmDealWin(id, version, ...)."""
        meta = one.meta
        parameters = parameters_of(action.function, skip=2)
        arguments = {p.api_name: self._functions.argument(plugin, p) for p in parameters}
        answers = answered_entity(meta.name, result_of(action.function))
        name = f"{meta.type_name}{pascal(action.name)}Payload"
        if answers is None:
            result = self._functions.result(plugin, result_of(action.function))
            payload = payload_type(name, {"result": result})
        else:
            payload = payload_type(name, {RECORD: self._outputs.record(answers)}, answers)
        return GraphQLField(
            GraphQLNonNull(payload),
            {"id": _ID, "version": _ANY_VERSION, **arguments},
            extensions=writing(act(meta.name, action, parameters, answers)),
            description=action.label,
        )

    def hand_written(self, shape: Shape) -> dict[str, GraphQLField]:
        """Return the plugins' queries: financeTrialBalance(...)."""
        fields: dict[str, GraphQLField] = {}
        for name, query in shape.queries.items():
            plugin = name.partition(".")[0]
            parameters = parameters_of(query.function, skip=1)
            fields[camel(name.replace(".", "_"))] = GraphQLField(
                self._functions.result(plugin, result_of(query.function)),
                {p.api_name: self._functions.argument(plugin, p) for p in parameters},
                resolve=query_resolver(query, parameters),
                description=query.label,
            )
        return fields
