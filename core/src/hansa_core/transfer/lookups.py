"""What the database has of a chunk: records asked for by id or natural key, and known ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, cast
from uuid import UUID

from hansa_core.model.meta import TEXT_KINDS, EntityMeta, Kind
from hansa_core.records.unit import UnitOfWork
from hansa_core.transfer.drafts import Asked, Draft, Row, Values
from hansa_core.transfer.report import RowProblem
from hansa_sdk import LimitExceeded, Predicate, all_of
from hansa_sdk.predicates import Compare, Path

PAGE_ROWS: Final = 10_000
PAGES_MAX: Final = 10
"""A chunk that needs more records is refused rather than compared with a part of them."""


async def rows_by(
    unit: UnitOfWork, entity: str, field: str, values: Collection[object], *more: Predicate
) -> list[Row]:
    """Read the records whose field has one of the values, archived ones too, oldest first."""
    if not values:
        return []
    among = Compare(Path(entity, (field,)), "in", tuple(values))
    oldest = (unit.caller.shape.entity(entity).cls.id.ascending(),)
    found: list[Row] = []
    for _ in range(PAGES_MAX):
        beyond = (Compare(Path(entity, ("id",)), "gt", found[-1]["id"]),) if found else ()
        where = all_of((among, *more, *beyond))
        page = await unit.reader.rows(entity, where, oldest, PAGE_ROWS, archived=True)
        found += page
        if len(page) < PAGE_ROWS:
            return found
    raise LimitExceeded(
        f"More than {len(found) - 1:,} records of {entity} belong to one part of the file.",
        next_step="Tell which records are meant by a field that is unique.",
    )


def equals(entity: str, field: str, value: object) -> Predicate:
    """Return the condition that a field has a value, or none where it is None."""
    path = Path(entity, (field,))
    return Compare(path, "is_null", True) if value is None else Compare(path, "eq", value)


async def settle_references(
    unit: UnitOfWork, drafts: Sequence[Draft], source: str
) -> list[RowProblem]:
    """Replace every `Asked` in the drafts by an id; return those that mean no or many records."""
    asked = {value for draft in drafts for values in _holders(draft) for value in _asked(values)}
    answers: dict[Asked, UUID | str] = {}
    for entity, field in sorted({(each.entity, each.field) for each in asked}):
        same = [each for each in asked if (each.entity, each.field) == (entity, field)]
        answers.update(await _answers(unit, entity, field, same, source))
    problems: list[RowProblem] = []
    for draft in drafts:
        for values in _holders(draft):
            for name, value in values.items():
                if not isinstance(value, Asked):
                    continue
                answer = answers[value]
                if isinstance(answer, UUID):
                    values[name] = answer
                else:
                    problems.append(RowProblem(draft.number, value.column, value.text, answer))
    return problems


def _holders(draft: Draft) -> Iterable[Values]:
    yield draft.values
    for line in draft.lines:
        yield line.values
        for reference in line.references:
            yield reference.values


def _asked(values: Values) -> Iterable[Asked]:
    return (value for value in values.values() if isinstance(value, Asked))


async def _answers(
    unit: UnitOfWork, entity: str, field: str, asked: Sequence[Asked], source: str
) -> dict[Asked, UUID | str]:
    """Return the id each means, or the reason why none."""
    answers: dict[Asked, UUID | str] = {}
    open_: list[Asked] = []
    for each in asked:
        id = _as_id(each.value) if not field else None
        if id is not None:
            answers[each] = id  # whether there is such a record is checked when it is written
        else:
            open_.append(each)
    meta = unit.caller.shape.entity(entity)
    names = [field] if field else natural_keys(meta)
    found: dict[object, dict[UUID, Row]] = {}
    for name in names:
        values = {each.value if field else str(each.value) for each in open_}
        for row in await rows_by(unit, entity, name, values):
            found.setdefault(row[name], {})[cast(UUID, row["id"])] = row
    for each in open_:
        rows = found.get(each.value if field else str(each.value), {})
        if len(rows) > 1 and "source" in meta.fields:
            rows = {id: row for id, row in rows.items() if row["source"] == source} or rows
        if len(rows) == 1:
            answers[each] = next(iter(rows))
        else:
            answers[each] = _no_answer(meta, names, len(rows))
    return answers


def _no_answer(meta: EntityMeta, names: Sequence[str], count: int) -> str:
    label = meta.label.lower()
    if count > 1:
        return f"{count} records of {meta.name} are meant by it; give the id of one."
    if not names:
        return f"expected the id of a {label}: {meta.name} has no unique field to find it by."
    return f"there is no {label} with that {' or '.join(names)}; import it first."


def natural_keys(meta: EntityMeta) -> list[str]:
    """Return the fields by which people name a record: unique texts, and the external id."""
    names = [field.name for field in meta.stored if field.unique and field.kind in TEXT_KINDS]
    if "external_id" in meta.fields and "external_id" not in names:
        names.append("external_id")
    return names


def has_source(meta: EntityMeta) -> bool:
    """Tell whether the entity notes where its records came from."""
    return all(
        name in meta.fields and meta.fields[name].writable and meta.fields[name].kind is Kind.TEXT
        for name in ("source", "external_id")
    )


def _as_id(value: object) -> UUID | None:
    try:
        return UUID(str(value).strip())
    except ValueError:
        return None
