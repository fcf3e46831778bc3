"""From the values a caller gives to complete, checked rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from hansa_core.model.instances import put_plain, row_of, to_record
from hansa_core.model.meta import EntityMeta, FieldMeta, Kind
from hansa_core.model.paths import unknown_name
from hansa_core.records.errors import Rejected
from hansa_core.records.values import check_value
from hansa_core.storage.ids import new_id
from hansa_sdk import Entity, HansaError, Invalid

Row = dict[str, object]


def checked_values(
    meta: EntityMeta, values: Mapping[str, object], *, trusted: bool
) -> tuple[Row, list[HansaError]]:
    """Check given values; `trusted` callers (plugin code) may set read-only fields."""
    row: Row = {}
    errors: list[HansaError] = []
    for name, value in values.items():
        field = meta.fields.get(name.removesuffix("_unit") if name.endswith("_unit") else name)
        field = meta.fields.get(name) or field
        if field is None or not field.stored or (field.system and not trusted):
            errors.append(unknown_name(meta, name))
        elif not field.writable and not trusted:
            errors.append(
                Invalid(
                    f"{field.label} is set by actions only.",
                    next_step=f"Leave {field.name} out.",
                    path=(name,),
                )
            )
        elif name != field.name:
            row[name] = value
        else:
            try:
                row[name] = check_value(field, value)
            except HansaError as error:
                errors.append(error)
    return row, errors


def new_row(
    meta: EntityMeta, values: Mapping[str, object], *, now: datetime, trusted: bool
) -> tuple[Row, list[HansaError]]:
    """Complete a new record's values with defaults; missing ones are errors."""
    given = {name: value for name, value in values.items() if not (name == "id" and trusted)}
    row, errors = checked_values(meta, given, trusted=trusted)
    wrong = {error.path[0] for error in errors if error.path}
    row["id"] = values["id"] if trusted and values.get("id") is not None else new_id()
    for field in sorted(meta.stored, key=lambda stored: stored.kind is Kind.MONEY):
        if field.name in row or field.system or field.name in wrong:
            continue
        if field.has_default:
            put_plain(field, field.default, row)
            row.setdefault(field.name, None)
        elif field.nullable:
            row[field.name] = None
        else:
            errors.append(_missing(field))
    row.update(
        created_at=now, updated_at=now, created_by=None, updated_by=None, archived=False, version=1
    )
    return row, errors


def _missing(field: FieldMeta) -> Invalid:
    return Invalid(
        f"{field.label} is required.",
        next_step=f"Give {field.name} a value.",
        path=(field.name,),
        params={"field": field.name},
    )


def check_rules(meta: EntityMeta, record: Entity) -> list[HansaError]:
    """Run the entity's checks on a record."""
    errors: list[HansaError] = []
    for rule in meta.checks:
        try:
            if not rule.holds(record):
                errors.append(Invalid(_sentence(meta, rule.message)))
        except HansaError as error:
            errors.append(error)
    return errors


def _sentence(meta: EntityMeta, message: str) -> str:
    return f"{meta.label}: {message}" + ("" if message.endswith(".") else ".")


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
    return [name for name, value in after.items() if before.get(name) != value]
