"""What a caller may read on no row, found by the very code that refuses it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from hansa_core.model.meta import EntityMeta, Kind
from hansa_core.model.shape import Shape
from hansa_core.policy.grants import Grants
from hansa_core.query.compose import Composer
from hansa_core.query.late import Bindings
from hansa_core.query.plan import (
    FieldSelection,
    Item,
    ManySelection,
    NodesPart,
    PageRequest,
    RefSelection,
    Selection,
)
from hansa_core.query.predicates import HiddenField, SqlCompiler
from hansa_sdk import HansaError

_IDS: Final = Selection((FieldSelection("id", "id"),))


def hidden_names(shape: Shape, grants: Grants) -> frozenset[tuple[str, str]]:
    """Return the (entity, name) of every field and relation that is hidden on all rows.

    A roll-up over a hidden field is hidden, and a relation whose reference back is.
    """
    if not grants.hides:
        return frozenset()
    bindings = Bindings(None, (), datetime.min.replace(tzinfo=UTC))  # nothing is run
    compiler = SqlCompiler(shape, bindings, grants.readable, grants.mask)
    return frozenset(
        (meta.name, item.name)
        for meta in shape.entities.values()
        for item in _items(meta)
        if _is_hidden(compiler, meta, item)
    )


def _items(meta: EntityMeta) -> list[Item]:
    page = PageRequest(parts=(NodesPart("nodes", _IDS),))
    fields: list[Item] = [
        RefSelection("x", field.name, _IDS)
        if field.kind is Kind.REFERENCE
        else FieldSelection("x", field.name)
        for field in meta.fields.values()
    ]
    return [*fields, *(ManySelection("x", many.name, page) for many in meta.relations.values())]


def _is_hidden(compiler: SqlCompiler, meta: EntityMeta, item: Item) -> bool:
    table = compiler.shape.table(meta.name).alias()
    try:
        Composer(compiler).object(meta.name, table, Selection((item,)))
    except HiddenField:
        return True
    except HansaError:  # refused for another reason, which is said when it is asked
        return False
    return False
