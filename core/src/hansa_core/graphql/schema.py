"""From a shape to its GraphQL schema: operations by the names of the design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

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
)

from hansa_core.graphql.api import Api, EntityApi
from hansa_core.graphql.arguments import FunctionTypes, parameters_of, result_of
from hansa_core.graphql.errors import USER_ERROR
from hansa_core.graphql.filters import EnumTypes, FilterTypes
from hansa_core.graphql.inputs import InputTypes
from hansa_core.graphql.outputs import OutputType, OutputTypes
from hansa_core.graphql.reads import list_resolver, query_resolver, record_resolver
from hansa_core.graphql.writes import (
    action_resolver,
    archive_resolver,
    create_resolver,
    delete_resolver,
    resolve_payload_record,
    update_resolver,
)
from hansa_core.model.meta import camel, pascal
from hansa_core.model.shape import Shape
from hansa_sdk import Action, Entity

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
class CompiledSchema:
    """A shape's GraphQL schema and the names it answers by."""

    key: str
    schema: GraphQLSchema
    api: Api


def build_schema(shape: Shape, kernel: Mapping[str, GraphQLField]) -> CompiledSchema:
    """Make the schema of a shape; `kernel` are the root fields every schema has.

    The shape's names were checked at boot (names.check_names), so graphql-core does not check the
    schema again; a test does.
    """
    api = Api.of(shape)
    builder = _Builder(api)
    queries: dict[str, GraphQLField] = dict(kernel)
    mutations: dict[str, GraphQLField] = {}
    for one in api.entities.values():
        queries.update(builder.queries(one))
        mutations.update(builder.mutations(one))
        for action in shape.actions.get(one.meta.name, ()):
            mutations[one.meta.single_api_name + pascal(action.name)] = builder.action(one, action)
    queries.update(builder.hand_written(shape))
    return CompiledSchema(
        shape.key,
        GraphQLSchema(
            GraphQLObjectType("Query", queries),
            GraphQLObjectType("Mutation", mutations) if mutations else None,
            assume_valid=True,
        ),
        api,
    )


class _Builder:
    """Makes the operations of one schema."""

    def __init__(self, api: Api) -> None:
        enums = EnumTypes(api)
        self._outputs = OutputTypes(api, enums, FilterTypes(api, enums))
        self._inputs = InputTypes(api, enums)
        self._functions = FunctionTypes(api, enums, self._outputs)

    def queries(self, one: EntityApi) -> dict[str, GraphQLField]:
        """Return `crmDeal` and `crmDeals`."""
        meta = one.meta
        return {
            meta.single_api_name: GraphQLField(
                self._outputs.record(meta.name),
                args={"id": _ID},
                resolve=record_resolver(meta.name),
                description=f"{meta.label} by id; null where there is none to see.",
            ),
            meta.plural_api_name: GraphQLField(
                GraphQLNonNull(self._outputs.connection(meta.name)),
                args={**self._outputs.list_arguments(meta.name), "archived": _ARCHIVED},
                resolve=list_resolver(meta.name),
            ),
        }

    def mutations(self, one: EntityApi) -> dict[str, GraphQLField]:
        """Return the creates, updates, deletes and archives of an entity.

        There are none where no field is writable: such records are kept by the kernel or a plugin.
        """
        meta, name = one.meta, one.meta.single_api_name
        if not any(field.writable for field in meta.fields.values()):
            return {}
        record = self._outputs.record(meta.name)
        payload = GraphQLNonNull(_payload(f"{meta.type_name}Payload", "record", record))
        by_version = {"id": _ID, "version": _VERSION}
        new = {"input": GraphQLArgument(GraphQLNonNull(self._inputs.create(meta.name)))}
        changed = {"input": GraphQLArgument(GraphQLNonNull(self._inputs.update(meta.name)))}
        fields = {
            f"{name}Create": GraphQLField(payload, new, resolve=create_resolver(meta.name)),
            f"{name}Update": GraphQLField(
                payload, {**by_version, **changed}, resolve=update_resolver(meta.name)
            ),
            f"{name}Delete": GraphQLField(payload, by_version, resolve=delete_resolver(meta.name)),
        }
        if meta.archivable:
            for verb, archived in (("Archive", True), ("Restore", False)):
                resolver = archive_resolver(meta.name, archived=archived)
                fields[name + verb] = GraphQLField(payload, by_version, resolve=resolver)
        return fields

    def action(
        self,
        one: EntityApi,
        action: Action[Any, ..., Any],  # of any entity, arguments and result
    ) -> GraphQLField:
        """Return an action's mutation: crmDealWin(id, version, ...)."""
        meta = one.meta
        parameters = parameters_of(action.function, skip=2)
        arguments = {p.api_name: self._functions.argument(meta.plugin, p) for p in parameters}
        answers = answered_entity(meta.name, result_of(action.function))
        name = f"{meta.type_name}{pascal(action.name)}Payload"
        if answers is None:
            result = self._functions.result(meta.plugin, result_of(action.function))
            payload = _payload(name, "result", result)
        else:
            payload = _payload(name, "record", self._outputs.record(answers))
        return GraphQLField(
            GraphQLNonNull(payload),
            {"id": _ID, "version": _ANY_VERSION, **arguments},
            resolve=action_resolver(meta.name, action, parameters, answers),
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


def answered_entity(entity: str, annotation: Any) -> str | None:  # Any: an annotation
    """Return the entity whose record an action's payload shows; None for a plain result."""
    if annotation is None or annotation is type(None):
        return entity
    if isinstance(annotation, type) and issubclass(annotation, Entity):
        return annotation.__entity_name__
    return None


def _payload(name: str, key: str, type_: OutputType) -> GraphQLObjectType:
    resolve = resolve_payload_record if key == "record" else None
    errors = GraphQLNonNull(GraphQLList(GraphQLNonNull(USER_ERROR)))
    return GraphQLObjectType(
        name,
        {key: GraphQLField(type_, resolve=resolve), "errors": GraphQLField(errors)},
    )
