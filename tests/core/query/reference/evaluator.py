"""The reference: what a document answers, worked out in Python row by row.

It reads generated documents as values and knows nothing of SQL, plans and the engine's parser.
Lists stand in the order that is asked; rows that are equal in all its keys stand by ascending id,
which is the last key of every order whatever its direction, so no two rows tie. Missing values
stand last in both directions unless `nulls: FIRST` is asked. Text is in the order of code points,
false before true, ids in the order of their bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any, Final, cast
from uuid import UUID

from hansa_core.model.meta import EntityMeta, Kind
from tests.core.query.reference.conditions import Where, found, truth
from tests.core.query.reference.documents import Asked, Document, Selection, resolved
from tests.core.query.reference.values import written
from tests.core.query.reference.view import Seen, View

Answer = dict[str, object]

ROOTS: Final = {
    "probeThing": ("probe.thing", "record"),
    "probeBox": ("probe.box", "record"),
    "probeThings": ("probe.thing", "page"),
    "probeBoxes": ("probe.box", "page"),
    "probeThingsGroup": ("probe.thing", "groups"),
    "probeBoxesGroup": ("probe.box", "groups"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a cursor is expected: of which row in which list (by its arguments and owner)."""

    list: tuple[int, object]
    id: UUID


@dataclass(frozen=True, slots=True)
class Order:
    """One key of an order."""

    path: tuple[str, ...]
    descending: bool
    nulls_first: bool


def compare_values(one: Any, other: Any, *, descending: bool, nulls_first: bool) -> int:
    """Order two values of one kind; Any: whatever is ordered."""
    if one == other:
        return 0
    if one is None or other is None:
        return -1 if (one is None) == nulls_first else 1
    return -1 if (one < other) != descending else 1


def order_path(meta: EntityMeta, name: str) -> tuple[str, ...]:
    """Return the path of Python names of a name as orders and groups have it."""
    own = {field.api_name: field.name for field in meta.fields.values()}
    head, _, rest = name.partition("_")
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in rest)
    return (own[head], *((snake,) if rest else ()))


class Reference:
    """Answers one document with its variables as one caller.

    `cursors` says which row a cursor of an earlier answer stands for.
    """

    def __init__(
        self,
        view: View,
        document: Document,
        variables: Mapping[str, object],
        cursors: Mapping[str, UUID],
    ) -> None:
        self.view = view
        self.document = document
        self.variables = variables
        self.cursors = cursors
        self.owners: dict[int, set[object]] = {}
        """Whose lists were answered, by the list's arguments."""

    def answer(self) -> Answer:
        """Return the expected data; a Mark where a cursor is expected."""
        from tests.core.query.reference.groups import groups  # the two need each other

        data: Answer = {}
        for key, asked in self.collected([self.document.selection]).items():
            name = asked[0].name
            if name == "__typename":
                data[key] = "Query"
                continue
            entity, kind = ROOTS[name]
            if kind == "groups":
                data[key] = groups(self, entity, asked)
            elif kind == "page":
                data[key] = self.page(entity, asked, self.view.rows(entity), None, 50)
            else:
                id = UUID(str(self.given(asked[0])["id"]))
                data[key] = self.record(entity, self.view.record(entity, id), asked)
        return data

    def given(self, asked: Asked) -> dict[str, Any]:  # Any: plain data of any shape
        """Return the arguments of a field, null ones left out."""
        given = cast("dict[str, Any]", resolved(dict(asked.args), self.variables))
        return {name: value for name, value in given.items() if value is not None}

    def collected(self, selections: Iterable[Selection | None]) -> dict[str, list[Asked]]:
        """Return what several selections ask together."""
        together = tuple(item for each in selections for item in each or ())
        return self.document.collected(together, self.variables)

    def below(self, asked: Sequence[Asked]) -> dict[str, list[Asked]]:
        """Return what is asked below fields that answer under one key."""
        return self.collected(each.selection for each in asked)

    def record(self, entity: str, row: Seen | None, asked: Sequence[Asked]) -> Answer | None:
        """Return what is asked of one record."""
        if row is None:
            return None
        meta = self.view.shape.entity(entity)
        fields = {field.api_name: field for field in meta.fields.values()}
        relations = {many.api_name: many for many in meta.relations.values()}
        node: Answer = {}
        for key, inner in self.below(asked).items():
            name = inner[0].name
            if name == "__typename":
                node[key] = meta.type_name
            elif name in relations:
                many = relations[name]
                related = self.view.related(many.target, many.inverse, row["id"])
                node[key] = self.page(many.target, inner, related, row["id"], 20)
            elif fields[name].kind is Kind.REFERENCE:
                field = fields[name]
                target = self.view.record(field.target, row[field.name])
                node[key] = self.record(field.target, target, inner)
            elif fields[name].kind is Kind.QUANTITY:
                node[key] = self._quantity(row, name, inner)
            else:
                node[key] = written(fields[name], row[fields[name].name])
        return node

    def _quantity(self, row: Seen, name: str, asked: Sequence[Asked]) -> Answer | None:
        if row[name] is None:
            return None
        parts = {
            "__typename": "Quantity",
            "value": row[name],
            "unit": row[f"{name}_unit"],
        }
        field = self.view.shape.entity("probe.thing").fields[name]
        return {
            key: written(field, parts[inner[0].name]) for key, inner in self.below(asked).items()
        }

    def listed(self, entity: str, rows: Iterable[Seen], given: Where) -> list[Seen]:
        """Return the rows that a list or groups are of, as they come."""
        where, search = given.get("where", {}), given.get("search", "")
        return [
            row
            for row in rows
            if (given.get("archived", False) or not row["archived"])
            and truth(self.view, entity, row, where) is True
            and found(self.view, entity, row, search)
        ]

    def page(
        self,
        entity: str,
        asked: Sequence[Asked],
        rows: Iterable[Seen],
        owner: object,
        default: int,
    ) -> Answer:
        """Return a page of a list; `owner` is whose list it is, None at the root."""
        given = self.given(asked[0])
        listed = self._ordered(entity, self.listed(entity, rows, given), given)
        page, following, previous = self._cut(listed, given, default)
        list_ = (id(asked[0].args), owner)
        self.owners.setdefault(list_[0], set()).add(owner)
        marks = [Mark(list_, cast(UUID, row["id"])) for row in page]
        infos: Answer = {
            "__typename": "PageInfo",
            "hasNextPage": following,
            "hasPreviousPage": previous,
            "startCursor": marks[0] if marks else None,
            "endCursor": marks[-1] if marks else None,
        }
        type_name = self.view.shape.entity(entity).type_name
        answer: Answer = {}
        for key, inner in self.below(asked).items():
            match inner[0].name:
                case "nodes":
                    answer[key] = [self.record(entity, row, inner) for row in page]
                case "edges":
                    answer[key] = [
                        self._edge(entity, row, mark, inner)
                        for row, mark in zip(page, marks, strict=True)
                    ]
                case "pageInfo":
                    answer[key] = {k: infos[one[0].name] for k, one in self.below(inner).items()}
                case "totalCount":
                    answer[key] = len(listed)
                case "totalCountIsExact":
                    answer[key] = True
                case _:
                    answer[key] = f"{type_name}Connection"
        return answer

    def _edge(self, entity: str, row: Seen, mark: Mark, asked: Sequence[Asked]) -> Answer:
        edge: Answer = {}
        for key, inner in self.below(asked).items():
            match inner[0].name:
                case "node":
                    edge[key] = self.record(entity, row, inner)
                case "cursor":
                    edge[key] = mark
                case _:
                    edge[key] = f"{self.view.shape.entity(entity).type_name}Edge"
        return edge

    def _ordered(self, entity: str, rows: list[Seen], given: Where) -> list[Seen]:
        meta = self.view.shape.entity(entity)
        keys = [
            Order(
                order_path(meta, key["field"]),
                key.get("direction") == "DESC",
                key.get("nulls") == "FIRST",
            )
            for key in given.get("orderBy", ())
        ]
        keys.append(Order(("id",), descending=False, nulls_first=False))

        def compared(one: Seen, other: Seen) -> int:
            for key in keys:
                found = compare_values(
                    self.value(entity, one, key.path),
                    self.value(entity, other, key.path),
                    descending=key.descending,
                    nulls_first=key.nulls_first,
                )
                if found:
                    return found
            return 0

        return sorted(rows, key=cmp_to_key(compared))

    def value(self, entity: str, row: Seen, path: tuple[str, ...]) -> object:
        """Return the value at a path of at most one reference, null where a row is missing."""
        value = row[path[0]]
        if len(path) == 1 or value is None:
            return value
        target = self.view.shape.entity(entity).fields[path[0]].target
        record = self.view.record(target, value)
        return None if record is None else record[path[1]]

    def _cut(self, listed: list[Seen], given: Where, default: int) -> tuple[list[Seen], bool, bool]:
        """Return a page, whether there is a next one and whether there is one before."""
        ids = [row["id"] for row in listed]
        if "last" in given or "before" in given:
            before = given.get("before")
            rest = listed if before is None else listed[: ids.index(self.cursors[before])]
            start = max(len(rest) - given.get("last", default), 0)
            return rest[start:], before is not None, start > 0
        after = given.get("after")
        rest = listed if after is None else listed[ids.index(self.cursors[after]) + 1 :]
        size = given.get("first", default)
        return rest[:size], len(rest) > size, after is not None
