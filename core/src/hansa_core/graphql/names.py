"""Names that meet in the API: found at boot, before a schema is made of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum
from typing import Any, Final, TypeAlias

from hansa_core.graphql.api import Api
from hansa_core.graphql.arguments import (
    FunctionTypes,
    answered_entity,
    parameters_of,
    result_classes,
    result_hints,
    result_of,
    result_parts,
)
from hansa_core.graphql.filters import EnumTypes
from hansa_core.graphql.type_names import claimed
from hansa_core.model.defaults import expected_value
from hansa_core.model.meta import EntityMeta, camel, pascal
from hansa_core.model.shape import Shape
from hansa_sdk import Action, Problem, Query

AnyFunction: TypeAlias = Action[Any, ..., Any] | Query[..., Any]  # of any arguments and result

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
_NAME: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")

KERNEL_TYPES: Final = (
    *("Query", "Mutation", "Subscription", "Node", "PageInfo", "UserError"),
    *("Me", "Meta", "MetaAction", "MetaEntity", "MetaField", "MetaPlugin", "MetaRelation"),
    *("MetaView", "Change", "ChangeKind", "RecordVersion", "TimeBucket"),
    *("OrderDirection", "OrderNulls", "ErrorPolicy", "OnConflict", "WriteStatus"),
    *("Money", "MoneyInput", "Quantity", "QuantityInput", "PresenceFilter", "StringFilter"),
    *("Boolean", "Float", "ID", "Int", "String", "BigInt", "Currency", "Date", "DateTime"),
    *("Decimal", "Duration", "Email", "JSON", "Phone", "Url", "UUID"),
    *("BigIntFilter", "BooleanFilter", "DateFilter", "DateTimeFilter", "DecimalFilter"),
    *("DurationFilter", "IDFilter", "IntFilter", "UUIDFilter"),
)
"""Types that are the kernel's."""


def check_names(shape: Shape) -> list[Problem]:
    """Return every clash of names in a shape's API, and every function it cannot offer."""
    problems: list[Problem] = []
    operations: dict[str, str] = {name: "the kernel" for name in KERNEL_FIELDS}
    types: dict[str, str] = {name: "the kernel" for name in KERNEL_TYPES}
    for meta in shape.entities.values():
        problems += _members(shape, meta)
        problems += _claim(meta.plugin, operations, _operations(shape, meta), f"entity {meta.name}")
        problems += _claim(meta.plugin, types, claimed(shape, meta), f"entity {meta.name}")
    enums = {field.enum for meta in shape.entities.values() for field in meta.fields.values()}
    functions = FunctionTypes(EnumTypes(Api.of(shape)))
    for plugin in shape.plugins.values():
        for query in plugin.queries:
            where = f"query {query.name}"
            name = camel(f"{plugin.name}_{query.name}")
            problems += _claim(plugin.name, operations, [name], where)
            problems += _function(shape, functions, plugin.name, where, query)
            problems += _classes(plugin.name, types, query, enums)
        for action in plugin.actions:
            problems += _function(shape, functions, plugin.name, f"action {action.name}", action)
            problems += _classes(plugin.name, types, action, enums)
    return problems


def _operations(shape: Shape, meta: EntityMeta) -> list[str]:
    name = meta.single_api_name
    own = [name, meta.plural_api_name, f"{meta.plural_api_name}Group"]
    own += [name + ending for ending in OPERATIONS]
    return own + [name + pascal(action.name) for action in shape.actions.get(meta.name, ())]


def _claim(plugin: str, taken: dict[str, str], names: list[str], where: str) -> Iterator[Problem]:
    counted = Counter(names)
    for name in names:
        owner = taken.setdefault(name, where)
        if owner != where or counted[name] > 1:
            yield Problem(
                plugin, where, f"the API name {name} to be free", f"{owner} has it", "Rename one."
            )
        yield from _spelt(plugin, where, [name])


def _spelt(plugin: str, where: str, names: Iterable[str]) -> Iterator[Problem]:
    """Find names GraphQL cannot write."""
    for name in names:
        if not _NAME.fullmatch(name):
            expected = "API names of the letters a to z, digits and _, not a digit first"
            yield Problem(plugin, where, expected, name, "Rename it.")


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
    for field in meta.fields.values():
        if field.enum is not None:
            yield from _values(meta.plugin, f"{where}: {field.name}", field.enum)


def _values(plugin: str, where: str, enum: type[StrEnum]) -> Iterator[Problem]:
    """Find members of an enum that the API cannot name, or not tell apart."""
    names = [member.name.upper() for member in enum]
    yield from _spelt(plugin, where, names)
    for name in sorted({name for name in names if names.count(name) > 1}):
        expected = "members that differ in more than upper and lower case"
        yield Problem(plugin, where, expected, f"{name} twice", "Rename one.")


def _function(
    shape: Shape,
    types: FunctionTypes,
    plugin: str,
    where: str,
    declared: AnyFunction,
) -> Iterator[Problem]:
    """Check what a function takes and gives."""
    expected = "annotations of types the API has, importable at run time"
    try:
        parameters = parameters_of(declared.function, _skipped(declared))
        result = result_of(declared.function)
        answered = _answered(declared, result)
        for part in () if answered else result_parts(result):
            types.result(plugin, part)
    except TypeError as error:
        yield Problem(plugin, where, expected, str(error), "Correct the annotation.")
        return
    targets = [each.value.target.__entity_name__ for each in parameters if each.value.target]
    for name in (*targets, *([answered] if answered else [])):
        if name not in shape.entities:
            yield Problem(plugin, where, "enabled entities", name, "Require its plugin.")
    yield from _spelt(plugin, where, (each.api_name for each in parameters))
    for parameter in parameters:
        expected = "" if parameter.required else expected_value(parameter.value, parameter.default)
        if expected:
            found = f"{parameter.name}={parameter.default!r:.80}"
            yield Problem(plugin, where, expected, found, "Correct the default, or its type.")
        if isinstance(declared, Action) and parameter.api_name in ("id", "version"):
            yield Problem(
                plugin, where, "arguments other than id and version", parameter.name, "Rename it."
            )


def _skipped(declared: AnyFunction) -> int:
    """Return how many parameters are not arguments: the context, and an action's record."""
    return 2 if isinstance(declared, Action) else 1


def _answered(declared: AnyFunction, result: Any) -> str | None:  # Any: an annotation
    if isinstance(declared, Action):
        return answered_entity(declared.entity.__entity_name__, result)
    return None


def _classes(
    plugin: str,
    taken: dict[str, str],
    declared: AnyFunction,
    of_fields: Collection[type[StrEnum] | None],
) -> Iterator[Problem]:
    """Claim the names of the types made of a function's enums and dataclasses.

    An enum that a field has is named by the field, and claimed with its entity.
    """
    try:
        parameters = parameters_of(declared.function, _skipped(declared))
        enums = [parameter.value.enum for parameter in parameters]
        used = {*enums, *result_classes(result_of(declared.function))}
    except TypeError:
        return  # told by _function
    for cls in sorted((one for one in used if one and one not in of_fields), key=str):
        where = f"class {cls.__module__}.{cls.__qualname__}"
        yield from _claim(plugin, taken, [pascal(plugin) + cls.__name__], where)
        if issubclass(cls, StrEnum):
            yield from _values(plugin, where, cls)
        else:
            yield from _spelt(plugin, where, map(camel, result_hints(cls)))
