"""Between rows of plain values and records of the plugin's entity classes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar, cast
from uuid import UUID

from hansa_core.model.meta import EntityMeta, FieldMeta, Kind
from hansa_sdk import (
    Currency,
    CurrencyMismatch,
    Email,
    Entity,
    Link,
    Money,
    Phone,
    Quantity,
    Translated,
    Url,
)
from hansa_sdk.links import is_link

E = TypeVar("E", bound=Entity)

_TEXT_CLASSES: dict[Kind, type[str]] = {
    Kind.CURRENCY: Currency,
    Kind.EMAIL: Email,
    Kind.PHONE: Phone,
    Kind.URL: Url,
}


def to_record(meta: EntityMeta, row: Mapping[str, object]) -> Entity:
    """Make a record of the entity's class from a full row; it remembers the row it came from."""
    record = meta.cls.__new__(meta.cls)
    values: dict[str, object] = {
        field.name: value_of(field, row) for field in meta.stored if field.name in row
    }
    record.__dict__["values"] = values
    record.__dict__["row"] = dict(row)
    return record


def row_of(meta: EntityMeta, record: Entity) -> dict[str, object]:
    """Return a record's stored values as a row of plain values."""
    values = values_of(record)
    row: dict[str, object] = {}
    for field in meta.money_last:
        if field.name in values:
            put_plain(field, values[field.name], row)
    return row


def values_of(record: Entity) -> Mapping[str, object]:
    """Return the values a record holds, by field name."""
    return cast("Mapping[str, object]", record.__dict__["values"])


def loaded_row(record: Entity) -> Mapping[str, object] | None:
    """Return the row a record was fetched as, or None for a new one."""
    return cast("Mapping[str, object] | None", record.__dict__.get("row"))


def refresh(meta: EntityMeta, record: Entity, row: Mapping[str, object]) -> None:
    """Bring a record up to the row just written."""
    record.__dict__["values"] = to_record(meta, row).__dict__["values"]
    record.__dict__["row"] = dict(row)


def value_of(field: FieldMeta, row: Mapping[str, object]) -> object:
    """Return the Python value of a field from a row of plain values."""
    raw = row[field.name]
    if raw is None:
        return None
    if field.kind is Kind.MONEY:
        currency = row.get(field.currency_field)
        return None if currency is None else Money(cast(Decimal, raw), Currency(str(currency)))
    if field.kind is Kind.QUANTITY:
        unit = row.get(f"{field.name}_unit")
        return None if unit is None else Quantity(cast(Decimal, raw), str(unit))
    if field.kind is Kind.REFERENCE:
        return Link[object](id=cast(UUID, raw), target=field.target_class)
    if field.kind is Kind.ENUM and field.enum is not None:
        return field.enum(str(raw))
    if field.kind is Kind.TRANSLATED:
        return Translated(cast("Mapping[str, str]", raw))
    if field.kind in (Kind.TEXT_LIST, Kind.JSON):
        # A copy: code may change it in place, and the row it came from must still tell the old.
        return copy.deepcopy(raw)
    made = _TEXT_CLASSES.get(field.kind)
    return made(str(raw)) if made else raw


def put_plain(field: FieldMeta, value: object, row: dict[str, object]) -> None:
    """Put a Python value into a row as plain values; money also sets its empty currency.

    Raises CurrencyMismatch when the row is in another currency than the money.
    """
    if isinstance(value, Money):
        row[field.name] = value.value
        stated = row.get(field.currency_field)
        if stated is not None and stated != value.currency:
            raise CurrencyMismatch(
                f"{field.label} is in {value.currency}, but {field.currency_field} is {stated}.",
                next_step="Give both in one currency.",
                path=(field.name,),
            )
        row[field.currency_field] = str(value.currency)
    elif isinstance(value, Quantity):
        row[field.name], row[f"{field.name}_unit"] = value.value, value.unit
    elif isinstance(value, Link):
        row[field.name] = cast("Link[object]", value).id
    elif isinstance(value, Translated):
        row[field.name] = dict(value.texts)
    elif isinstance(value, str):
        row[field.name] = str.__str__(value)
    elif isinstance(value, (list, dict)):
        row[field.name] = copy.deepcopy(cast(object, value))
    elif field.name not in row or value is not None:
        row[field.name] = value


def seed_row(meta: EntityMeta, record: Entity, ids: Mapping[int, UUID]) -> dict[str, object]:
    """Return a seed's stored values; references to other seeds become their ids.

    `ids` maps the identity of each seed's record to its id: seeds are shared by all tenants and
    so never changed themselves.
    """
    values = values_of(record)
    row: dict[str, object] = {}
    for field in meta.money_last:
        if field.name in values and not field.system:
            put_plain(field, _seed_value(values[field.name], ids), row)
    return row


def _seed_value(value: object, ids: Mapping[int, UUID]) -> object:
    if not is_link(value):
        return value
    link = cast("Link[object]", value)
    return link if link.record is None else ids[id(link.record)]
