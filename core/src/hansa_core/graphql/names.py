"""Names that meet in the API: found at boot, before a schema is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hansa_core.graphql.arguments import parameters_of, result_of
from hansa_core.model.meta import EntityMeta, camel, pascal
from hansa_core.model.shape import Shape
from hansa_sdk import Action, Problem, Query

KERNEL_FIELDS: Final = ("me", "meta", "explainAccess", "node", "changes")
"""Root fields that are, or will be, the kernel's."""

OPERATIONS: Final = (
    "Create",
    "Update",
    "Delete",
    "Archive",
    "Restore",
    "UpsertMany",
    "UpdateMany",
    "DeleteMany",
    "Group",
    "Changes",
)
"""What the kernel appends to an entity's name, now or later."""

_WHERE_WORDS: Final = frozenset({"and", "or", "not", "custom"})
_TYPE_ENDINGS: Final = (
    "",
    "Connection",
    "Edge",
    "Where",
    "ManyWhere",
    "Order",
    "OrderField",
    "Payload",
    "CreateInput",
    "UpdateInput",
    "ReferenceInput",
)


_KERNEL_TYPES: Final = (
    "Query",
    "Mutation",
    "PageInfo",
    "UserError",
    "Me",
    "Meta",
    "RecordVersion",
    "OrderDirection",
    "OrderNulls",
)


def check_names(shape: Shape) -> list[Problem]:
    """Return every clash of names in a shape's API, and every function it cannot offer."""
    problems: list[Problem] = []
    operations: dict[str, str] = {name: "the kernel" for name in KERNEL_FIELDS}
    types: dict[str, str] = {name: "the kernel" for name in _KERNEL_TYPES}
    for meta in shape.entities.values():
        problems += _members(shape, meta)
        problems += _claim(meta.plugin, operations, _operations(shape, meta), f"entity {meta.name}")
        problems += _claim(meta.plugin, types, _types(meta), f"entity {meta.name}")
    for name, query in shape.queries.items():
        plugin = name.partition(".")[0]
        where = f"query {query.name}"
        problems += _claim(plugin, operations, [camel(name.replace(".", "_"))], where)
        problems += _function(plugin, where, query, skip=1)
    for actions in shape.actions.values():
        for action in actions:
            plugin = action.entity.__entity_name__.partition(".")[0]
            problems += _function(plugin, f"action {action.name}", action, skip=2)
    return problems


def _operations(shape: Shape, meta: EntityMeta) -> list[str]:
    name = meta.single_api_name
    own = [name, meta.plural_api_name, f"{meta.plural_api_name}Group"]
    own += [name + ending for ending in OPERATIONS]
    return own + [name + pascal(action.name) for action in shape.actions.get(meta.name, ())]


def _types(meta: EntityMeta) -> list[str]:
    own = [meta.type_name + ending for ending in _TYPE_ENDINGS]
    own += [meta.type_name + pascal(f.name) for f in meta.fields.values() if f.values or f.enum]
    for many in meta.relations.values():
        if many.owned:
            start = meta.type_name + pascal(many.name)
            own += [start + end for end in ("NewLine", "NewLines", "LineInput", "LineUpdate")]
            own.append(f"{start}Lines")
    return own


def _claim(plugin: str, taken: dict[str, str], names: list[str], where: str) -> Iterator[Problem]:
    for name in names:
        owner = taken.setdefault(name, where)
        if owner != where or names.count(name) > 1:
            yield Problem(
                plugin, where, f"the API name {name} to be free", f"{owner} has it", "Rename one."
            )


def _members(shape: Shape, meta: EntityMeta) -> Iterator[Problem]:
    where = f"entity {meta.name}"
    # another plugin's extension is shown under that plugin's name
    taken = {name for name in shape.plugins if name != meta.plugin}
    members = [(f.name, f.api_name) for f in meta.fields.values()]
    members += [(many.name, many.api_name) for many in meta.relations.values()]
    seen: dict[str, str] = {}
    for name, api_name in members:
        if api_name in _WHERE_WORDS or api_name in taken or api_name.startswith("__"):
            yield Problem(
                meta.plugin,
                f"{where}: {name}",
                "a name that is neither another plugin's nor and, or, not, custom",
                api_name,
                "Rename the field.",
            )
        other = seen.setdefault(api_name, name)
        if other != name:
            yield Problem(
                meta.plugin,
                where,
                "fields with different API names",
                f"{other} and {name} are both {api_name}",
                "Rename one.",
            )


def _function(
    plugin: str,
    where: str,
    declared: Action[Any, ..., Any] | Query[..., Any],  # of any arguments and result
    skip: int,
) -> Iterator[Problem]:
    expected = "annotations of types the API has, importable at run time"
    try:
        parameters = parameters_of(declared.function, skip)
        result_of(declared.function)
    except TypeError as error:
        yield Problem(plugin, where, expected, str(error), "Correct the annotation.")
        return
    for parameter in parameters:
        if skip == 2 and parameter.api_name in ("id", "version"):
            yield Problem(
                plugin, where, "arguments other than id and version", parameter.name, "Rename it."
            )
