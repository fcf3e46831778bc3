"""The kernel's own queries, written with Strawberry: who I am, and what there is for me."""

from __future__ import annotations

from collections.abc import Iterator

import strawberry
from graphql import GraphQLField
from strawberry.types import Info as StrawberryInfo

from hansa_core.caller import Caller
from hansa_core.graphql.request import RequestContext
from hansa_core.model.meta import EntityMeta, FieldMeta, Kind, camel, pascal
from hansa_sdk import AnyColumn, BoardView, FormView, ListView


@strawberry.type(description="The signed-in user.")
class Me:
    """Who calls."""

    id: strawberry.ID | None
    name: str
    email: str
    roles: list[str]
    teams: list[strawberry.ID]
    language: str
    time_zone: str


@strawberry.type(description="An enabled plugin.")
class MetaPlugin:
    """One plugin of the tenant."""

    name: str
    version: str
    label: str


@strawberry.type(description="A field of an entity.")
class MetaField:
    """One field: `required` is meant on create, `values` are an enum's names."""

    name: str
    kind: str
    label: str
    help: str
    required: bool
    readonly: bool
    target: str | None
    values: list[str]
    max_length: int | None


@strawberry.type(description="A to-many relation.")
class MetaRelation:
    """Records of `target` that refer to this one; `owned` lines are written with it."""

    name: str
    label: str
    target: str
    owned: bool


@strawberry.type(description="What can be done with a record beside editing it.")
class MetaAction:
    """One action by the name of its mutation."""

    name: str
    label: str
    mutation: str
    permission: str


@strawberry.type(description="How a user interface shows records.")
class MetaView:
    """One view: kind list, form or board, and its columns as paths."""

    kind: str
    columns: list[str]
    by: str | None


@strawberry.type(description="A kind of record the caller may do something with.")
class MetaEntity:
    """One entity with what the caller may know of it."""

    name: str
    plugin: str
    label: str
    type_name: str
    plural: str
    archivable: bool
    fields: list[MetaField]
    relations: list[MetaRelation]
    actions: list[MetaAction]
    views: list[MetaView]
    permissions: list[str]


@strawberry.type(description="What this Hansa consists of, as far as the caller may see it.")
class Meta:
    """The shape, filtered by the caller's grants. Its hash changes when it does."""

    hash: str
    plugins: list[MetaPlugin]
    entities: list[MetaEntity]
    permissions: list[str]


def _me(info: StrawberryInfo[RequestContext, None]) -> Me:
    principal = info.context.caller.principal
    return Me(
        id=strawberry.ID(str(principal.user_id)) if principal.user_id else None,
        name=principal.name,
        email=principal.email,
        roles=list(principal.roles),
        teams=[strawberry.ID(str(team)) for team in principal.teams],
        language=principal.language,
        time_zone=principal.time_zone,
    )


def _meta(info: StrawberryInfo[RequestContext, None]) -> Meta:
    return meta_of(info.context.caller)


@strawberry.type
class Query:
    """The root fields of the kernel."""

    me: Me = strawberry.field(resolver=_me, description="The signed-in user.")
    meta: Meta = strawberry.field(
        resolver=_meta, description="What there is, as far as the caller may see it."
    )


def kernel_fields() -> dict[str, GraphQLField]:
    """Return the kernel's root query fields for the merge into a shape's schema.

    Strawberry has no public way to its graphql-core types; tests/core/graphql holds this to it.
    """
    schema = strawberry.Schema(query=Query)
    root = schema._schema.query_type  # pyright: ignore[reportPrivateUsage]  # see above
    assert root is not None
    return dict(root.fields)


def meta_of(caller: Caller) -> Meta:
    """Describe what a caller may see: entities with any grant."""
    granted: dict[str, list[str]] = {}
    for entity, action in sorted(caller.grants.rows):
        granted.setdefault(entity, []).append(action)
    return Meta(
        hash=caller.shape.key,
        plugins=[
            MetaPlugin(name=name, version=plugin.version, label=plugin.label or name)
            for name, plugin in caller.shape.plugins.items()
        ],
        entities=[
            _entity(caller, meta, granted)
            for name, meta in caller.shape.entities.items()
            if name in granted
        ],
        permissions=[f"{entity}.{action}" for entity in granted for action in granted[entity]],
    )


def _entity(caller: Caller, meta: EntityMeta, granted: dict[str, list[str]]) -> MetaEntity:
    actions = granted[meta.name]
    return MetaEntity(
        name=meta.name,
        plugin=meta.plugin,
        label=meta.label,
        type_name=meta.type_name,
        plural=meta.plural,
        archivable=meta.archivable,
        fields=[
            _field(field)
            for field in meta.fields.values()
            if field.kind is not Kind.REFERENCE or field.target in granted
        ],
        relations=[
            MetaRelation(name=many.api_name, label=many.label, target=many.target, owned=many.owned)
            for many in meta.relations.values()
            if many.target in granted
        ],
        actions=[
            MetaAction(
                name=action.name,
                label=action.label,
                mutation=meta.single_api_name + pascal(action.name),
                permission=action.permission,
            )
            for action in caller.shape.actions.get(meta.name, ())
            if action.permission.rpartition(".")[2] in actions
        ],
        views=list(_views(caller, meta)),
        permissions=actions,
    )


def _field(field: FieldMeta) -> MetaField:
    names = [member.name.upper() for member in field.enum] if field.enum else field.values
    return MetaField(
        name=field.api_name,
        kind=field.kind.value,
        label=field.label,
        help=field.help,
        required=field.required,
        readonly=not field.writable,
        target=field.target or None,
        values=list(names),
        max_length=field.max_length,
    )


def _views(caller: Caller, meta: EntityMeta) -> Iterator[MetaView]:
    for view in caller.shape.views.get(meta.name, ()):
        if isinstance(view, ListView):
            yield MetaView(kind="list", columns=_paths(view.columns), by=None)
        elif isinstance(view, FormView):
            yield MetaView(kind="form", columns=_paths(view.fields), by=None)
        elif isinstance(view, BoardView):
            yield MetaView(kind="board", columns=_paths(view.card), by=_paths((view.by,))[0])


def _paths(columns: tuple[AnyColumn, ...]) -> list[str]:
    return [".".join(camel(name) for name in column.path.names) for column in columns]
