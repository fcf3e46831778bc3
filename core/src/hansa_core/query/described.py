"""What a read asks for, in words: the plan as an administrator reads it, before it is SQL.

Names of fields are those of the API, names of entities those of `meta`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from hansa_core.model.meta import camel
from hansa_core.model.shape import Shape
from hansa_core.query.conditions import route_to
from hansa_core.query.groups import (
    CountItem,
    FiguresPart,
    GroupOrder,
    GroupPart,
    GroupRequest,
    KeyItem,
    KeysPart,
    NamePart,
)
from hansa_core.query.keyset import completed
from hansa_core.query.pages import PAGE_DEFAULT, PAGE_NESTED_DEFAULT, walk_of
from hansa_core.query.plan import (
    TYPENAME,
    ConstantPart,
    CountPart,
    EdgesPart,
    FieldSelection,
    InfoPart,
    Item,
    ManySelection,
    NodesPart,
    PageRequest,
    Part,
    PartsSelection,
    RefSelection,
    Selection,
)
from hansa_core.query.predicates import Visible
from hansa_sdk import Order, Predicate
from hansa_sdk.predicates import And, Compare, Everything, Marker, Not, Or, Path, Related

Words = dict[str, object]
"""JSON: names, and what they stand for in words or in more names."""

_NOTHING: Final = "(nothing)"
_EVERYTHING: Final = "(everything)"


class Description:
    """Describes what one caller's reads ask for. `visible` are the rows his roles grant."""

    def __init__(self, shape: Shape, visible: Visible) -> None:
        self._shape = shape
        self._visible = visible

    def record(self, entity: str, selection: Selection) -> Words:
        """Describe one record and what is selected of it."""
        return {"record": entity, **self._granted(entity), "select": self._items(entity, selection)}

    def page(self, entity: str, page: PageRequest, default: int = PAGE_DEFAULT) -> Words:
        """Describe a page of an entity's records."""
        walk = walk_of(page, default)
        size = f"{'last' if walk.backward else 'first'} {walk.size}"
        cursor = " before the cursor" if walk.backward else " after the cursor"
        told: Words = {"page of": entity, **self._granted(entity)}
        told |= _filter(page.where, page.search)
        if page.with_archived:
            told["archived"] = "too"
        told["order"] = [order_words(order) for order in completed(page.order, entity)]
        told["page"] = size + (cursor if walk.cursor is not None else "")
        told["select"] = {part.key: self._part(entity, part) for part in page.answered}
        return told

    def groups(self, entity: str, groups: GroupRequest) -> Words:
        """Describe groups of an entity's records."""
        told: Words = {"groups of": entity, **self._granted(entity)}
        told |= _filter(groups.where, groups.search)
        told["by"] = [
            path_words(key.path) + (f" in {key.bucket}s of {key.zone}" if key.bucket else "")
            for key in groups.by
        ]
        if groups.having:
            told["having"] = [
                f"{_figure(each.of.figure, each.of.name)} {each.operator} {value_words(each.value)}"
                for each in groups.having
            ]
        told["order"] = [*map(_group_order, groups.order), *(camel(key.name) for key in groups.by)]
        if groups.first is not None:
            told["page"] = f"first {groups.first}"
        told["select"] = {part.key: self._group_part(part) for part in groups.parts}
        return told

    def _granted(self, entity: str) -> Words:
        """Tell the row rule, where not every record may be read."""
        rows = self._visible(entity)
        if isinstance(rows, Everything):
            return {}
        return {"granted": _NOTHING if rows is None else predicate_words(rows)}

    def _items(self, entity: str, selection: Selection) -> list[object]:
        return [self._item(entity, item) for item in selection.items]

    def _item(self, entity: str, item: Item) -> object:
        meta = self._shape.entities[entity]
        match item:
            case FieldSelection():
                return _under(item.key, camel(item.name) if item.name != TYPENAME else TYPENAME)
            case PartsSelection():
                return {item.key: [name for _, name in item.parts]}
            case RefSelection():
                target = meta.fields[item.name].target
                return {item.key: self.record(target, item.selection)}
            case ManySelection():
                target = meta.relations[item.name].target
                return {item.key: self.page(target, item.page, PAGE_NESTED_DEFAULT)}

    def _part(self, entity: str, part: Part) -> object:
        match part:
            case NodesPart():
                return self._items(entity, part.selection)
            case EdgesPart():
                return [
                    {key: self._items(entity, what)} if isinstance(what, Selection) else key
                    for key, what in part.items
                ]
            case InfoPart():
                return [_under(key, name) for key, name in part.items]
            case CountPart():
                return "records counted up to 10,000" if part.what == "total" else "exact or not"
            case ConstantPart():
                return part.text

    def _group_part(self, part: GroupPart) -> object:
        match part:
            case KeysPart():
                return [self._key(item) for item in part.items]
            case FiguresPart():
                return [_under(key, _figure(part.figure, name)) for key, name in part.items]
            case CountItem():
                return "records counted"
            case NamePart():
                return part.text

    def _key(self, item: KeyItem) -> object:
        if item.path is None:
            return TYPENAME
        if item.selection is None:
            return path_words(item.path)
        route = route_to(self._shape.entities, item.path.entity, item.path)
        return {item.key: self.record(route.field.target, item.selection)}


def predicate_words(predicate: Predicate) -> str:
    """Return a condition as text: `stage eq "won" and not (amount is null)`."""
    match predicate:
        case Everything():
            return _EVERYTHING
        case And(parts):
            return _joined(" and ", parts) or _EVERYTHING
        case Or(parts):
            return _joined(" or ", parts) or _NOTHING
        case Not(part):
            return f"not ({predicate_words(part)})"
        case Related():
            inner = predicate_words(predicate.part)
            return f"{predicate.quantifier} of {path_words(predicate.path)} ({inner})"
        case Compare(operator="is_null"):
            return f"{path_words(predicate.path)} is {'' if predicate.value else 'not '}null"
        case Compare():
            folded = isinstance(predicate.value, str) and not predicate.exact_case
            compared = f"{path_words(predicate.path)} {camel(predicate.operator)} "
            return compared + value_words(predicate.value) + (" (any case)" if folded else "")
        case _:
            return repr(predicate)


def _joined(word: str, parts: Sequence[Predicate]) -> str:
    several = len(parts) > 1
    return word.join(
        f"({predicate_words(part)})"
        if several and isinstance(part, (And, Or))
        else predicate_words(part)
        for part in parts
    )


def path_words(path: Path) -> str:
    """Return a path by its API names, without the entity it starts at."""
    return ".".join(camel(name) for name in path.names)


def order_words(order: Order) -> str:
    """Return one key of an order as text."""
    way = "descending" if order.descending else "ascending"
    return f"{path_words(order.path)} {way}{', nulls first' if order.nulls_first else ''}"


def value_words(value: object) -> str:
    """Return a value of a condition as text."""
    if isinstance(value, Marker):
        return value.name
    if isinstance(value, Path):
        return path_words(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_words, cast('Sequence[object]', value)))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _filter(where: Predicate | None, search: object) -> Mapping[str, Any]:  # JSON
    told: Words = {}
    if where is not None:
        told["where"] = predicate_words(where)
    if search is not None:
        told["search"] = str(search)
    return told


def _group_order(order: GroupOrder) -> str:
    by = order.by if isinstance(order.by, str) else _figure(order.by.figure, order.by.name)
    return f"{by} {'descending' if order.descending else 'ascending'}"


def _figure(figure: str, name: str) -> str:
    return f"{figure} of {camel(name)}" if name else figure


def _under(key: str, name: str) -> str:
    return name if key == name else f"{key}: {name}"
