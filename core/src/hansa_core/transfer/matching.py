"""Finding again what an earlier run of the same import wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast
from uuid import UUID

from hansa_core.records.unit import UnitOfWork
from hansa_core.transfer.blueprint import EXTERNAL_ID, Blueprint, LinePlan
from hansa_core.transfer.drafts import Draft, LineDraft, ReferenceDraft, Row
from hansa_core.transfer.lookups import equals, has_source, rows_by
from hansa_core.transfer.report import RowProblem

Records = Mapping[str, Mapping[UUID, Row]]
"""Records lines refer to: entity -> id -> row."""


def derive_external_ids(drafts: Sequence[Draft]) -> None:
    """Give records made on the way an external id of their own, from their row's.

    So two persons of one name in two organisations never become one.
    """
    for draft in drafts:
        source, key = draft.values.get("source"), draft.values.get("external_id")
        for line in draft.lines:
            for reference in line.references:
                meta, values = reference.plan.entity, reference.values
                if reference.shared or not has_source(meta):
                    continue
                if values.get("external_id") is None and key is not None:
                    derived = f"{key}/{line.plan.name}"
                    if len(line.plan.references) > 1:
                        derived += f".{reference.plan.reference.name}"
                    limit = meta.fields["external_id"].max_length
                    if limit is None or len(derived) <= limit:
                        values["external_id"] = derived
                if values.get("external_id") is not None:
                    values.setdefault("source", source)
                    reference.key = (values["source"], values["external_id"])


async def find_roots(
    unit: UnitOfWork, blueprint: Blueprint, drafts: Sequence[Draft], by: str
) -> list[RowProblem]:
    """Set `existing` of every draft whose record is there; return the rows that mean several."""
    problems: list[RowProblem] = []
    for draft, rows in await _stored(unit, blueprint, drafts, by):
        if len(rows) > 1:
            reason = (
                f"{len(rows)} records of {blueprint.entity.name} have this {by}; one is expected."
            )
            problems.append(_at_key(draft, blueprint, by, reason))
        draft.existing = rows[0] if rows else None
    return problems


async def find_known(
    unit: UnitOfWork, blueprint: Blueprint, drafts: Sequence[Draft]
) -> list[RowProblem]:
    """Return the rows an earlier import wrote: what to do about them is not said without --by."""
    key = blueprint.key
    if not key:
        return []
    keyed = [draft for draft in drafts if draft.values.get(key) is not None]
    return [
        _at_key(
            draft,
            blueprint,
            key,
            f"is there already from source {draft.values.get('source')!r}; --by {key} updates it.",
        )
        for draft, rows in await _stored(unit, blueprint, keyed, key)
        if rows
    ]


async def _stored(
    unit: UnitOfWork, blueprint: Blueprint, drafts: Sequence[Draft], by: str
) -> list[tuple[Draft, list[Row]]]:
    """Return each draft with the records that have its value; an external id is its source's."""
    entity = blueprint.entity.name
    groups: dict[object, list[Draft]] = {}
    sourced = by == EXTERNAL_ID and has_source(blueprint.entity)
    for draft in drafts:
        groups.setdefault(draft.values.get("source") if sourced else None, []).append(draft)
    stored: list[tuple[Draft, list[Row]]] = []
    for source, members in groups.items():
        values = {draft.values[by] for draft in members}
        more = (equals(entity, "source", source),) if sourced else ()
        found: dict[object, list[Row]] = {}
        for row in await rows_by(unit, entity, by, values, *more):
            found.setdefault(row[by], []).append(row)
        stored += [(draft, found.get(draft.values[by], [])) for draft in members]
    return stored


def _at_key(draft: Draft, blueprint: Blueprint, by: str, reason: str) -> RowProblem:
    return RowProblem(draft.number, blueprint.column_of(by), str(draft.values[by]), reason)


async def find_keyed(unit: UnitOfWork, drafts: Sequence[Draft]) -> None:
    """Set `existing` of referenced records that have a key of their own."""
    keyed = [each for draft in drafts for each in references_of(draft) if each.key is not None]
    asks: dict[tuple[str, str, object], list[ReferenceDraft]] = {}
    for each in keyed:
        field = str(cast("tuple[object, ...]", each.key)[0]) if each.shared else "external_id"
        source = None if each.shared else each.values["source"]
        asks.setdefault((each.plan.entity.name, field, source), []).append(each)
    for (entity, field, source), members in asks.items():
        more = () if members[0].shared else (equals(entity, "source", source),)
        values = {each.values[field] for each in members}
        found = {row[field]: row for row in await rows_by(unit, entity, field, values, *more)}
        for each in members:
            each.existing = found.get(each.values[field])


async def find_lines(unit: UnitOfWork, blueprint: Blueprint, drafts: Sequence[Draft]) -> None:
    """Set `existing` of lines, and of records behind them, that an earlier run wrote.

    A line is the same when all mapped values are; else when what its path fixes is; else it is
    new. Lines nobody matches stay as they are: people may have added them.
    """
    known = {cast(UUID, draft.existing["id"]): draft for draft in drafts if draft.existing}
    relations = {plan.relation.name: plan for plan in blueprint.lines}
    for name, plan in relations.items():
        inverse = plan.relation.inverse
        lines: dict[UUID, list[Row]] = {}
        for row in await rows_by(unit, plan.entity.name, inverse, known.keys()):
            lines.setdefault(cast(UUID, row[inverse]), []).append(row)
        records = await _referenced(unit, blueprint, name, lines)
        others = [each for each in blueprint.lines if each.relation.name == name]
        for id, draft in known.items():
            wanted = [line for line in draft.lines if line.plan.relation.name == name]
            _pair(wanted, lines.get(id, []), records, others)


async def _referenced(
    unit: UnitOfWork, blueprint: Blueprint, relation: str, lines: Mapping[UUID, Sequence[Row]]
) -> Records:
    """Read the records the lines refer to by the references the file maps."""
    wanted: dict[str, set[object]] = {}
    for plan in blueprint.lines:
        for reference in plan.references if plan.relation.name == relation else ():
            ids = wanted.setdefault(reference.entity.name, set())
            ids.update(row[reference.reference.name] for rows in lines.values() for row in rows)
    return {
        entity: {
            cast(UUID, row["id"]): row for row in await rows_by(unit, entity, "id", ids - {None})
        }
        for entity, ids in wanted.items()
    }


def _pair(
    wanted: Sequence[LineDraft],
    rows: Sequence[Row],
    records: Records,
    plans: Sequence[LinePlan],
) -> None:
    free = list(rows)
    for line in wanted:
        _take(line, (row for row in free if _same(line, row, records)), free, records)
    for line in sorted(wanted, key=lambda line: -len(line.plan.fixed)):
        if line.existing is None:
            _take(line, (row for row in free if _alike(line, row, plans)), free, records)


def _take(line: LineDraft, candidates: Iterable[Row], free: list[Row], records: Records) -> None:
    row = next(iter(candidates), None)
    if row is None:
        return
    free.remove(row)
    line.existing = row
    for reference in line.references:
        if reference.existing is None and not reference.shared:
            id = cast("UUID | None", row[reference.plan.reference.name])
            reference.existing = _record(records, reference, id)


def _same(line: LineDraft, row: Row, records: Records) -> bool:
    if not _has(row, line.values):
        return False
    for reference in line.references:
        id = cast("UUID | None", row[reference.plan.reference.name])
        if reference.existing is not None:
            if reference.existing["id"] != id:
                return False
            continue
        record = _record(records, reference, id)
        if reference.shared or record is None or not _has(record, _said(reference, record)):
            return False
    return True


def _said(reference: ReferenceDraft, record: Row) -> Mapping[str, object]:
    """Return what a record must have; one of unknown source may become this import's."""
    if "external_id" not in record or record["external_id"] is not None:
        return reference.values
    own = ("source", "external_id")
    return {name: value for name, value in reference.values.items() if name not in own}


def _alike(line: LineDraft, row: Row, plans: Sequence[LinePlan]) -> bool:
    """Tell whether the row has what the line's path fixes, and not what another path fixes.

    A record with a key is itself or nothing: another person at the organisation is not renamed.
    """
    if not _has(row, dict(line.plan.fixed)):
        return False
    for reference in line.references:
        known = reference.existing
        if reference.key is not None and (
            known is None or known["id"] != row[reference.plan.reference.name]
        ):
            return False
    more = [plan for plan in plans if set(plan.fixed) > set(line.plan.fixed)]
    return not any(_has(row, dict(plan.fixed)) for plan in more)


def _has(row: Row, values: Mapping[str, object]) -> bool:
    return all(row.get(name) == value for name, value in values.items())


def _record(records: Records, reference: ReferenceDraft, id: UUID | None) -> Row | None:
    return records.get(reference.plan.entity.name, {}).get(id) if id is not None else None


def references_of(draft: Draft) -> Iterable[ReferenceDraft]:
    """Yield the records a draft's lines refer to."""
    for line in draft.lines:
        yield from line.references
