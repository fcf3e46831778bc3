"""The root fields of a schema by the names of the design, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
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
    GraphQLString,
)

from hansa_core.graphql.api import Api, EntityApi
from hansa_core.graphql.arguments import FunctionTypes, answered_entity, parameters_of, result_of
from hansa_core.graphql.bulk_types import BulkTypes, payload_type
from hansa_core.graphql.changes import CHANGES, changes_field, changes_name, entity_changes_field
from hansa_core.graphql.filters import EnumTypes, FilterTypes
from hansa_core.graphql.groups import GroupTypes
from hansa_core.graphql.inputs import InputTypes
from hansa_core.graphql.lazy import Makers, once, root_type
from hansa_core.graphql.outputs import NODE, OutputTypes
from hansa_core.graphql.payloads import RECORD
from hansa_core.graphql.reads import query_resolver
from hansa_core.graphql.type_names import is_written
from hansa_core.graphql.writes import Write, act, archive, create, delete, update, writing
from hansa_core.model.meta import camel, pascal
from hansa_sdk import Action, Query

_ID: Final = GraphQLArgument(GraphQLNonNull(GraphQLID))
_VERSION: Final = GraphQLArgument(
    GraphQLNonNull(GraphQLInt), description="The version that was read; another is refused."
)
_ANY_VERSION: Final = GraphQLArgument(
    GraphQLInt, description="The version that was read; left out, the newest is taken."
)
_BY_VERSION: Final = {"id": _ID, "version": _VERSION}
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


class RootFields:
    """Makes the root fields of one schema, and keeps what makes their types."""

    def __init__(self, api: Api, kernel: Mapping[str, GraphQLField]) -> None:
        self.api = api
        enums = EnumTypes(api)
        self.filters = FilterTypes(api, enums)
        self.outputs = OutputTypes(api, enums, self.filters)
        self.inputs = InputTypes(api, enums)
        self._groups = GroupTypes(api, self.filters, self.outputs)
        self._bulk = BulkTypes(self.inputs, self.filters, self.outputs)
        self._functions = FunctionTypes(enums)
        self._payloads: dict[str, GraphQLObjectType] = {}
        self._declarers = {
            action: plugin.name
            for plugin in api.shape.plugins.values()
            for action in plugin.actions
        }
        fixed = {name: _given(field) for name, field in {**kernel, "node": _NODE}.items()}
        self._of_none = {**fixed, **self._hand_written()}
        queries = {**fixed}
        mutations: dict[str, Callable[[], GraphQLField]] = {}
        subscriptions = {CHANGES: changes_field}
        for one in api.entities.values():
            queries.update(self._queries(one))
            mutations.update(self._mutations(one))
            subscriptions.update(self._subscriptions(one))
        queries.update(self._hand_written())
        self.query = root_type("Query", queries)
        self.mutation = root_type("Mutation", mutations) if mutations else None
        self.subscription = root_type("Subscription", subscriptions)

    @property
    def roots(self) -> tuple[GraphQLObjectType, GraphQLObjectType | None, GraphQLObjectType]:
        """The types of root fields: of queries, mutations and subscriptions."""
        return self.query, self.mutation, self.subscription

    def of(self, one: EntityApi) -> Iterator[GraphQLField]:
        """Yield the root fields of an entity, those that need the fewest types first."""
        for name in self._subscriptions(one):
            yield self.subscription.fields[name]
        if self.mutation is not None:
            for name in self._mutations(one):
                yield self.mutation.fields[name]
        for name in reversed([*self._queries(one)]):
            yield self.query.fields[name]

    def of_none(self) -> Iterator[GraphQLField]:
        """Yield the root fields that are not an entity's, and those of all actions."""
        for name in self._of_none:
            yield self.query.fields[name]
        yield self.subscription.fields[CHANGES]
        for one in self.api.entities.values():
            for name in self._actions(one):
                assert self.mutation is not None  # it has this one
                yield self.mutation.fields[name]

    def _queries(self, one: EntityApi) -> Makers:
        """Return what makes `crmDealsGroup`, `crmDeal` and `crmDeals`."""
        meta = one.meta
        return {
            f"{meta.plural_api_name}Group": partial(self._group, one),
            meta.single_api_name: partial(self._record, one),
            meta.plural_api_name: partial(self._page, one),
        }

    def _subscriptions(self, one: EntityApi) -> Makers:
        """Return what makes the subscription to an entity's changes."""
        return {changes_name(one.meta): partial(self._changes, one)}

    def _mutations(self, one: EntityApi) -> Makers:
        """Return what makes the creates, updates, deletes and archives of an entity, its actions.

        There are no writes where no field is writable: such records are kept by the kernel or a
        plugin.
        """
        name, makers = one.meta.single_api_name, dict[str, Callable[[], GraphQLField]]()
        if is_written(one):
            makers[f"{name}Create"] = partial(self._create, one)
            makers[f"{name}Update"] = partial(self._update, one)
            makers[f"{name}Delete"] = partial(self._by_version, one, delete(one.meta.name))
            makers.update(self._bulk.mutations(one))
            if one.meta.archivable:
                for verb, archived in (("Archive", True), ("Restore", False)):
                    write = archive(one.meta.name, archived=archived)
                    makers[name + verb] = partial(self._by_version, one, write)
        return {**makers, **self._actions(one)}

    def _actions(self, one: EntityApi) -> Makers:
        return {
            one.meta.single_api_name + pascal(action.name): partial(self._action, one, action)
            for action in self.api.shape.actions.get(one.meta.name, ())
        }

    def _hand_written(self) -> Makers:
        """Return what makes the plugins' queries: financeTrialBalance(...)."""
        return {
            camel(name.replace(".", "_")): partial(self._query, name.partition(".")[0], query)
            for name, query in self.api.shape.queries.items()
        }

    def _group(self, one: EntityApi) -> GraphQLField:
        return GraphQLField(
            GraphQLNonNull(GraphQLList(GraphQLNonNull(self._groups.type(one)))),
            args=self._groups.arguments(one),
            extensions={"root": Root(one.meta.name, "groups")},
            description="Records counted and added up by the values of fields.",
        )

    def _record(self, one: EntityApi) -> GraphQLField:
        return GraphQLField(
            self.outputs.record(one.meta.name),
            args={"id": _ID},
            extensions={"root": Root(one.meta.name, "record")},
            description=f"{one.meta.label} by id; null where there is none to see.",
        )

    def _page(self, one: EntityApi) -> GraphQLField:
        return GraphQLField(
            GraphQLNonNull(self.outputs.connection(one.meta.name)),
            args={**self.outputs.list_arguments(one.meta.name), "archived": _ARCHIVED},
            extensions={"root": Root(one.meta.name, "page")},
        )

    def _changes(self, one: EntityApi) -> GraphQLField:
        where = self.outputs.list_arguments(one.meta.name)["where"]
        return entity_changes_field(one.meta, where, self.outputs.record(one.meta.name))

    def _payload(self, one: EntityApi) -> GraphQLNonNull[GraphQLObjectType]:
        """Return what creates, updates, deletes and archives answer: CrmDealPayload."""
        name, meta = f"{one.meta.type_name}Payload", one.meta

        def make() -> GraphQLObjectType:
            return payload_type(name, {RECORD: self.outputs.record(meta.name)}, meta.name)

        return GraphQLNonNull(once(self._payloads, name, make))

    def _create(self, one: EntityApi) -> GraphQLField:
        new = {"input": GraphQLArgument(GraphQLNonNull(self.inputs.create(one.meta.name)))}
        extensions = writing(create(one.meta.name), creates=one.meta.name)
        return GraphQLField(self._payload(one), new, extensions=extensions)

    def _update(self, one: EntityApi) -> GraphQLField:
        changed = {"input": GraphQLArgument(GraphQLNonNull(self.inputs.update(one.meta.name)))}
        write = update(one.meta.name)
        return GraphQLField(
            self._payload(one), {**_BY_VERSION, **changed}, extensions=writing(write)
        )

    def _by_version(self, one: EntityApi, write: Write) -> GraphQLField:
        return GraphQLField(self._payload(one), _BY_VERSION, extensions=writing(write))

    def _action(
        self,
        one: EntityApi,
        action: Action[Any, ..., Any],  # of any entity, arguments and result
    ) -> GraphQLField:
        """Return the mutation of a plugin's action: crmDealWin(id, version, ...)."""
        meta, plugin = one.meta, self._declarers[action]
        parameters = parameters_of(action.function, skip=2)
        arguments = {p.api_name: self._functions.argument(plugin, p) for p in parameters}
        answers = answered_entity(meta.name, result_of(action.function))
        name = f"{meta.type_name}{pascal(action.name)}Payload"
        if answers is None:
            result = self._functions.result(plugin, result_of(action.function))
            payload = payload_type(name, {"result": result})
        else:
            payload = payload_type(name, {RECORD: self.outputs.record(answers)}, answers)
        return GraphQLField(
            GraphQLNonNull(payload),
            {"id": _ID, "version": _ANY_VERSION, **arguments},
            extensions=writing(act(meta.name, action, parameters, answers)),
            description=action.label,
        )

    def _query(self, plugin: str, query: Query[..., Any]) -> GraphQLField:  # of any result
        parameters = parameters_of(query.function, skip=1)
        return GraphQLField(
            self._functions.result(plugin, result_of(query.function)),
            {p.api_name: self._functions.argument(plugin, p) for p in parameters},
            resolve=query_resolver(query, parameters),
            description=query.label,
        )


def _given(field: GraphQLField) -> Callable[[], GraphQLField]:
    return lambda: field
