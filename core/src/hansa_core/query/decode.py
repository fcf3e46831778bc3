"""Answers read back into Python: nodes by selection key, values as rows hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast

from hansa_core.model.meta import EntityMeta
from hansa_core.model.shape import Shape
from hansa_core.query.plan import (
    TYPENAME,
    FieldSelection,
    ManySelection,
    Page,
    PageRequest,
    RefSelection,
    Selection,
)
from hansa_core.query.spelling import read_value

Node = dict[str, object]


def read_page(shape: Shape, entity: str, request: PageRequest, text: bytes) -> Page:
    """Read the page that a request without own parts is answered with."""
    return _page(shape, entity, request, _loads(text))


def read_node(shape: Shape, entity: str, selection: Selection, text: bytes) -> Node | None:
    """Read one record; None where there was none to see."""
    found = _loads(text)
    return None if found is None else _node(shape, shape.entities[entity], selection, found)


def _loads(text: bytes) -> object:
    return cast(object, json.loads(text, parse_float=Decimal))


def _page(shape: Shape, entity: str, request: PageRequest, found: object) -> Page:
    if found is None:
        return Page()
    answer = cast("Mapping[str, object]", found)
    meta = shape.entities[entity]
    info = cast("Mapping[str, bool]", answer["info"])
    edges = cast("Sequence[Mapping[str, str]]", answer.get("cursors", ()))
    return Page(
        [
            _node(shape, meta, request.selection, node)
            for node in cast("Sequence[object]", answer["nodes"])
        ],
        [edge["cursor"] for edge in edges],
        info["next"],
        info["previous"],
        cast("int | None", answer.get("total")),
        bool(answer.get("exact", True)),
    )


def _node(shape: Shape, meta: EntityMeta, selection: Selection, found: object) -> Node:
    answer = cast("Mapping[str, object]", found)
    node: Node = {}
    for item in selection.items:
        value = answer[item.key]
        match item:
            case FieldSelection(_, name):
                node[item.key] = value if name == TYPENAME else read_value(meta.fields[name], value)
            case RefSelection(_, name, inner):
                target = shape.entities[meta.fields[name].target]
                node[item.key] = None if value is None else _node(shape, target, inner, value)
            case ManySelection(_, name, page):
                node[item.key] = _page(shape, meta.relations[name].target, page, value)
            case _:
                node[item.key] = value
    return node
