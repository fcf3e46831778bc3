"""Metadata of entities as value types: what the kernel knows after compiling declarations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Literal

from hansa_core.model.content import content_hash
from hansa_sdk import Check, Entity, Expression, Rollup


class Kind(StrEnum):
    """The type of a field's value."""

    TEXT = "text"
    TRANSLATED = "translated"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    MONEY = "money"
    QUANTITY = "quantity"
    DATE = "date"
    INSTANT = "instant"
    DURATION = "duration"
    UUID = "uuid"
    ENUM = "enum"
    CURRENCY = "currency"
    EMAIL = "email"
    PHONE = "phone"
    URL = "url"
    JSON = "json"
    TEXT_LIST = "text_list"
    REFERENCE = "reference"


TEXT_KINDS = frozenset({Kind.TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL, Kind.CURRENCY, Kind.ENUM})
"""Kinds stored as text."""

ORDERED_KINDS = TEXT_KINDS | {
    Kind.INTEGER,
    Kind.BOOLEAN,
    Kind.DECIMAL,
    Kind.MONEY,
    Kind.DATE,
    Kind.INSTANT,
    Kind.DURATION,
    Kind.UUID,
    Kind.REFERENCE,
}
"""Kinds a list can be ordered by."""


@dataclass(frozen=True)
class FieldMeta:
    """One field of an entity.

    `name` is the Python name (snake case), `api_name` the GraphQL one (camel case). `column` is
    the stored column, empty for computed fields, formulas and roll-ups. `target` is the entity a
    reference refers to. `required` is meant on create: not nullable and without a default.
    """

    name: str
    api_name: str
    kind: Kind
    label: str
    nullable: bool
    column: str = ""
    help: str = ""
    has_default: bool = False
    default: object = None
    max_length: int | None = None
    unique: bool = False
    index: bool = False
    search: bool = False
    personal: bool = False
    readonly: bool = False
    system: bool = False
    values: tuple[str, ...] = ()
    enum: type[StrEnum] | None = None
    currency_field: str = ""
    target: str = ""
    target_class: type[Entity] | None = None
    on_delete: Literal["restrict", "cascade", "set_null"] = "restrict"
    compute: Callable[..., object] | None = None
    formula: Expression[object] | None = None
    rollup: Rollup | None = None
    aliases: tuple[str, ...] = ()

    @cached_property
    def members(self) -> Mapping[str, str]:
        """The stored values of an enum by their API names."""
        if self.enum is not None:
            return {member.name.upper(): str(member.value) for member in self.enum}
        return {value.upper(): value for value in self.values}

    @cached_property
    def stored(self) -> bool:
        """Whether the field has a column."""
        return bool(self.column)

    @property
    def in_sql(self) -> bool:
        """Whether the database knows its value: lists are filtered and ordered by it."""
        return self.compute is None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The fields a formula is computed of."""
        if self.formula is None:
            return ()
        return tuple(dict.fromkeys(path.names[-1] for path in self.formula.paths))

    @cached_property
    def required(self) -> bool:
        """Whether create must give a value."""
        return self.stored and not (self.nullable or self.has_default or self.system)

    @cached_property
    def writable(self) -> bool:
        """Whether the API may set it."""
        return self.stored and not (self.readonly or self.system)


@dataclass(frozen=True, slots=True)
class ManyMeta:
    """A to-many relation: records of `target` whose reference `inverse` is this record."""

    name: str
    api_name: str
    label: str
    target: str
    inverse: str
    owned: bool
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class EntityMeta:
    """One entity: its names, fields, relations and rules.

    `name` is plugin.noun, `type_name` its GraphQL type (CrmDeal), `table` crm_deal. `plural` is
    the camel-case plural noun. `subject` is "" for none, "self", or the name of a reference.
    """

    name: str
    plugin: str
    noun: str
    plural: str
    label: str
    type_name: str
    table: str
    cls: type[Entity]
    fields: Mapping[str, FieldMeta]
    relations: Mapping[str, ManyMeta]
    checks: tuple[Check, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    subject: str = ""
    archivable: bool = True

    @cached_property
    def content(self) -> str:
        """A hash of all that is declared of it, equal in every process."""
        return content_hash(self)

    @cached_property
    def stored(self) -> tuple[FieldMeta, ...]:
        """The fields that have a column, in declaration order."""
        return tuple(meta for meta in self.fields.values() if meta.stored)

    @cached_property
    def measured(self) -> tuple[FieldMeta, ...]:
        """The stored fields that are an amount of something: money and quantities."""
        kinds = (Kind.MONEY, Kind.QUANTITY)
        return tuple(meta for meta in self.stored if meta.kind in kinds)

    @cached_property
    def references(self) -> tuple[FieldMeta, ...]:
        """The fields that refer to another record."""
        return tuple(meta for meta in self.stored if meta.kind is Kind.REFERENCE)

    @cached_property
    def money_last(self) -> tuple[FieldMeta, ...]:
        """The stored fields with money behind all others, whose currency it is checked against."""
        return tuple(sorted(self.stored, key=lambda stored: stored.kind is Kind.MONEY))

    @cached_property
    def fillable(self) -> tuple[FieldMeta, ...]:
        """The stored fields a new record needs values for, money behind all others."""
        return tuple(field for field in self.money_last if not field.system)

    @property
    def single_api_name(self) -> str:
        """The GraphQL field that gets one record: crmDeal."""
        return self.type_name[0].lower() + self.type_name[1:]

    @property
    def plural_api_name(self) -> str:
        """The GraphQL field that lists records: crmDeals."""
        return self.plugin + self.plural[0].upper() + self.plural[1:]


def camel(name: str) -> str:
    """Turn snake case into camel case: `due_date` -> `dueDate`."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def pascal(name: str) -> str:
    """Turn snake or dotted case into Pascal case: `crm.won_deal` -> `CrmWonDeal`."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace(".", "_").split("_"))
