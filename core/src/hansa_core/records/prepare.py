"""From the values a caller gives to complete, checked rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from hansa_core.events.canonical import canonical_bytes
from hansa_core.model.instances import put_plain, row_of, to_record
from hansa_core.model.meta import EntityMeta, FieldMeta, Kind
from hansa_core.model.paths import unknown_name
from hansa_core.records.values import check_unit, check_value
from hansa_core.storage.ids import new_id
from hansa_sdk import Entity, HansaError, Invalid, Rejected

Row = dict[str, object]


def checked_values(
    meta: EntityMeta, values: Mapping[str, object], *, trusted: bool
) -> tuple[Row, list[HansaError]]:
    """Check given values; `trusted` callers (plugin code) may set read-only fields."""
    row: Row = {}
    errors: list[HansaError] = []
    for name, value in values.items():
        field = meta.fields.get(name)
        try:
            if field is not None and field.writable:
                row[name] = check_value(field, value)
            elif field is None and (unit_of := _quantity_of(meta, name)) is not None:
                row[name] = check_unit(unit_of, value)
            else:
                row[name] = _checked(meta, name, field, value, trusted=trusted)
        except HansaError as error:
            errors.append(error)
    return row, errors


def _checked(
    meta: EntityMeta, name: str, field: FieldMeta | None, value: object, *, trusted: bool
) -> object:
    if field is None or not field.stored:
        raise unknown_name(meta, name)
    if field.system:
        raise Invalid(f"{field.label} is kept by the kernel.", path=(name,))
    if not (field.writable or trusted):
        raise Invalid(
            f"{field.label} is set by actions only.",
            next_step="Leave it out.",
            path=(name,),
        )
    return check_value(field, value)


def _quantity_of(meta: EntityMeta, name: str) -> FieldMeta | None:
    field = meta.fields.get(name.removesuffix("_unit"))
    return field if field is not None and field.kind is Kind.QUANTITY else None


def check_pairs(meta: EntityMeta, row: Row) -> list[HansaError]:
    """Refuse an amount without its currency and a quantity without its unit."""
    errors: list[HansaError] = []
    for field in meta.measured:
        if field.kind is Kind.MONEY:
            other, said = field.currency_field, meta.fields[field.currency_field].label.lower()
        else:
            other, said = f"{field.name}_unit", "unit"
        if row.get(field.name) is not None and row.get(other) is None:
            errors.append(
                Invalid(
                    f"{field.label}: expected a number with {said}, got a number alone.",
                    next_step="Give both, or neither.",
                    path=(field.name,),
                )
            )
    return errors


def new_row(
    meta: EntityMeta, values: Mapping[str, object], *, now: datetime, trusted: bool
) -> tuple[Row, list[HansaError]]:
    """Complete a new record's values with defaults; missing ones are errors."""
    given = values
    if trusted and "id" in values:
        given = {name: value for name, value in values.items() if name != "id"}
    row, errors = checked_values(meta, given, trusted=trusted)
    wrong = {error.path[0] for error in errors if error.path}
    row["id"] = values["id"] if trusted and values.get("id") is not None else new_id()
    for field in meta.fillable:
        if field.name in row or field.name in wrong:
            continue
        if field.default is None and (field.has_default or field.nullable):
            row[field.name] = None
        elif field.has_default:
            put_plain(field, field.default, row)
        else:
            errors.append(_missing(field))
    errors.extend(check_pairs(meta, row))
    row.update(
        created_at=now, updated_at=now, created_by=None, updated_by=None, archived=False, version=1
    )
    return row, errors


def _missing(field: FieldMeta) -> Invalid:
    return Invalid(
        f"{field.label} is required.",
        next_step="Give it a value.",
        path=(field.name,),
        params={"field": field.name},
    )


def through_hooks(meta: EntityMeta, rows: Sequence[Row]) -> list[Entity]:
    """Make records of rows for hooks and checks."""
    return [to_record(meta, row) for row in rows]


def back_to_rows(meta: EntityMeta, records: Sequence[Entity], rows: Sequence[Row]) -> list[Row]:
    """Take what hooks changed back into the rows, checked like any value.

    Raises Rejected when a hook left a value its field does not take.
    """
    errors: list[HansaError] = []
    result: list[Row] = []
    for index, (record, row) in enumerate(zip(records, rows, strict=True)):
        after = dict(row)
        for name, value in row_of(meta, record).items():
            field = meta.fields.get(name)
            if field is None or field.system or row.get(name) == value:
                after[name] = value if field is None else row.get(name)
                continue
            try:
                after[name] = check_value(field, value)
            except HansaError as error:
                errors.append(error.under(index))
        result.append(after)
    reject(errors)
    return result


def reject(errors: Sequence[HansaError]) -> None:
    """Raise Rejected when there are errors."""
    if errors:
        raise Rejected(errors)


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Return the names whose values differ."""
    return [name for name, value in after.items() if not _same(before.get(name), value)]


def _same(before: object, after: object) -> bool:
    """Compare like JSON does: 1 is not true, nor inside lists and objects."""
    strict = any(type(value) in (bool, list, dict) for value in (before, after))
    return canonical_bytes(before) == canonical_bytes(after) if strict else before == after
