"""Input types of creates and updates, and what a given input means as rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from graphql import (
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLString,
)

from hansa_core.graphql.api import Api, EntityApi
from hansa_core.graphql.filters import QUANTITY_INPUT, SCALARS, EnumTypes
from hansa_core.graphql.lazy import once
from hansa_core.graphql.where import Place, parse_id, plain_value
from hansa_core.model.meta import FieldMeta, Kind, ManyMeta, camel, pascal
from hansa_core.records.keys import BY_ID, keys_of
from hansa_core.records.lines import Lines, LineUpdate

MAX_LINES: Final = 1000
"""How many owned lines one request may write, in all its mutations (see cost.py)."""

RECORD_VERSION: Final = GraphQLInputObjectType(
    "RecordVersion",
    {
        "id": GraphQLInputField(GraphQLNonNull(GraphQLID)),
        "version": GraphQLInputField(GraphQLNonNull(GraphQLInt)),
    },
    description="A record as it was read.",
)

InputType = (
    GraphQLScalarType
    | GraphQLEnumType
    | GraphQLInputObjectType
    | GraphQLList[Any]  # a list of any of these
)
"""An input type that may be empty."""


@dataclass(frozen=True, slots=True)
class Written:
    """An input as values by field name, and its owned lines."""

    values: Mapping[str, object]
    lines: tuple[Lines, ...] = ()


class InputTypes:
    """Makes and keeps the input types of one schema's writes."""

    def __init__(self, api: Api, enums: EnumTypes) -> None:
        self._api = api
        self._enums = enums
        self._references: dict[str, GraphQLInputObjectType] = {}
        self._lines_types: dict[str, GraphQLInputObjectType] = {}

    def create(self, entity: str) -> GraphQLInputObjectType:
        """Return what creates a record: CrmDealCreateInput."""
        one = self._api.entities[entity]
        return GraphQLInputObjectType(
            f"{one.meta.type_name}CreateInput",
            lambda: self._fields(one, creating=True, lines=True),
        )

    def update(self, entity: str) -> GraphQLInputObjectType:
        """Return what changes a record: CrmDealUpdateInput. What is left out stays."""
        one = self._api.entities[entity]
        return GraphQLInputObjectType(
            f"{one.meta.type_name}UpdateInput",
            lambda: self._fields(one, creating=False, lines=True),
        )

    def row(self, entity: str) -> GraphQLInputObjectType:
        """Return one row of an upsert: CrmDealUpsertInput. A new one needs what a create needs."""
        one = self._api.entities[entity]
        return GraphQLInputObjectType(
            f"{one.meta.type_name}UpsertInput",
            lambda: {
                "id": GraphQLInputField(
                    GraphQLID, description="The record it is to change, with by: id."
                ),
                "version": GraphQLInputField(
                    GraphQLInt,
                    description="The version that was read; left out, the newest is taken.",
                ),
                **self._fields(one, creating=False, lines=True),
            },
        )

    def values(self, entity: str) -> GraphQLInputObjectType:
        """Return the values many records take: CrmDealSetInput."""
        one = self._api.entities[entity]
        return GraphQLInputObjectType(
            f"{one.meta.type_name}SetInput",
            lambda: self._fields(one, creating=False, lines=False),
        )

    def key(self, entity: str) -> GraphQLEnumType:
        """Return the unique keys of an entity: CrmDealKey, several fields joined by _."""
        one = self._api.entities[entity]
        shown = {field.name for field in one.fields.values()}
        keys = {
            "_".join(camel(name) for name in key): key
            for key in keys_of(one.meta)
            if shown.issuperset(key)
        }
        return GraphQLEnumType(
            f"{one.meta.type_name}Key",
            {name: GraphQLEnumValue(key) for name, key in {"id": BY_ID, **keys}.items()},
            description="What tells records apart.",
        )

    def value(self, one: EntityApi, meta: FieldMeta) -> InputType:
        """Return the input type of one field."""
        if meta.kind is Kind.REFERENCE:
            return self.reference(meta.target)
        if meta.kind is Kind.ENUM:
            return self._enums.of_field(one, meta)
        if meta.kind is Kind.TEXT_LIST:
            return GraphQLList(GraphQLNonNull(GraphQLString))
        return QUANTITY_INPUT if meta.kind is Kind.QUANTITY else SCALARS[meta.kind]

    def _fields(
        self, one: EntityApi, *, creating: bool, lines: bool, without: str = ""
    ) -> dict[str, GraphQLInputField]:
        fields: dict[str, GraphQLInputField] = {}
        for meta in one.inputs.values():
            hidden = meta.kind is Kind.REFERENCE and meta.target not in self._api.entities
            if not meta.writable or hidden or meta.name == without:
                continue
            type_ = self.value(one, meta)
            required = creating and meta.required
            fields[meta.api_name] = GraphQLInputField(
                GraphQLNonNull(type_) if required else type_, description=meta.help or None
            )
        for many in one.lines.values() if lines else ():
            if many.owned and many.target in self._api.entities:
                fields[many.api_name] = GraphQLInputField(
                    self._new_lines(one, many) if creating else self._lines(one, many)
                )
        return fields

    def reference(self, target: str) -> GraphQLInputObjectType:
        """Return what an input refers to a record by: CrmDealReferenceInput."""
        meta = self._api.entities[target].meta
        return once(
            self._references,
            target,
            lambda: GraphQLInputObjectType(
                f"{meta.type_name}ReferenceInput",
                {"connect": GraphQLInputField(GraphQLNonNull(GraphQLID))},
                description=f"{meta.label}: a record that exists, by its id.",
            ),
        )

    def _new_lines(self, one: EntityApi, many: ManyMeta) -> GraphQLInputObjectType:
        name = f"{one.meta.type_name}{pascal(many.name)}NewLines"
        new = GraphQLList(GraphQLNonNull(self._new_line(one, many)))
        return self._kept(name, lambda: {"create": GraphQLInputField(new)})

    def _lines(self, one: EntityApi, many: ManyMeta) -> GraphQLInputObjectType:
        name = one.meta.type_name + pascal(many.name)
        target = self._api.entities[many.target]
        values = self._kept(
            f"{name}LineInput",
            lambda: self._fields(target, creating=False, lines=False, without=many.inverse),
        )
        change = self._kept(
            f"{name}LineUpdate",
            lambda: {
                "id": GraphQLInputField(GraphQLNonNull(GraphQLID)),
                "version": GraphQLInputField(GraphQLNonNull(GraphQLInt)),
                "input": GraphQLInputField(GraphQLNonNull(values)),
            },
        )
        kinds = {"create": self._new_line(one, many), "update": change, "delete": RECORD_VERSION}
        return self._kept(
            f"{name}Lines",
            lambda: {
                verb: GraphQLInputField(GraphQLList(GraphQLNonNull(kind)))
                for verb, kind in kinds.items()
            },
        )

    def _new_line(self, one: EntityApi, many: ManyMeta) -> GraphQLInputObjectType:
        target = self._api.entities[many.target]
        return self._kept(
            f"{one.meta.type_name}{pascal(many.name)}NewLine",
            lambda: self._fields(target, creating=True, lines=False, without=many.inverse),
        )

    def _kept(
        self, name: str, fields: Callable[[], dict[str, GraphQLInputField]]
    ) -> GraphQLInputObjectType:
        return once(self._lines_types, name, lambda: GraphQLInputObjectType(name, fields))


def written(
    api: Api, one: EntityApi, given: Mapping[str, object], place: Place = ("input",)
) -> Written:
    """Turn a coerced input into values by field name; raises Invalid."""
    values: dict[str, object] = {}
    lines: list[Lines] = []
    for name, value in given.items():
        if name in one.lines:
            asked = cast("Mapping[str, object]", value or {})
            lines.append(_lines(api, one.lines[name], asked, (*place, name)))
        else:
            meta = one.inputs[name]
            plain = value is None or meta.kind is Kind.TEXT
            values[meta.name] = value if plain else row_value(meta, value, (*place, name))
            if meta.kind is Kind.QUANTITY:
                quantity = cast("Mapping[str, object] | None", value)
                values[f"{meta.name}_unit"] = quantity["unit"] if quantity else None
    return Written(values, tuple(lines))


def row_value(meta: FieldMeta, value: object, place: Place) -> object:
    """Return one coerced input value as rows hold it."""
    if value is None or meta.kind is Kind.TEXT:
        return value
    if meta.kind is Kind.REFERENCE:
        given = cast("Mapping[str, object]", value)
        return parse_id(given["connect"], (*place, "connect"))
    if meta.kind is Kind.QUANTITY:
        return cast("Mapping[str, object]", value)["value"]
    if meta.kind in (Kind.JSON, Kind.TRANSLATED, Kind.TEXT_LIST):
        return value
    return plain_value(meta.kind, value, place)


def _lines(api: Api, many: ManyMeta, asked: Mapping[str, object], place: Place) -> Lines:
    target = api.entities[many.target]
    new, changed, gone = (
        cast("Sequence[Mapping[str, Any]]", asked.get(verb) or ())  # coerced line inputs
        for verb in ("create", "update", "delete")
    )
    return Lines(
        many,
        tuple(
            written(api, target, line, (*place, "create", index)).values
            for index, line in enumerate(new)
        ),
        tuple(
            LineUpdate(
                parse_id(line["id"], (*place, "update", index, "id")),
                line["version"],
                written(api, target, line["input"], (*place, "update", index, "input")).values,
            )
            for index, line in enumerate(changed)
        ),
        tuple(
            (parse_id(line["id"], (*place, "delete", index, "id")), line["version"])
            for index, line in enumerate(gone)
        ),
    )
