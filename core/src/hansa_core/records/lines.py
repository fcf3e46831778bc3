"""Owned lines written with their owners: a constant number of statements for all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast
from uuid import UUID

from hansa_core.model.meta import EntityMeta, ManyMeta
from hansa_core.records.refusals import NOT_OF_A_ROW
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_sdk import HansaError, NotFound, Rejected
from hansa_sdk.predicates import Compare, Path, all_of

T = TypeVar("T")

Spot = tuple[int, int]
"""Where a line stands: the position of its owner, and its own among the owner's."""


@dataclass(frozen=True, slots=True)
class LineUpdate:
    """New values of one owned line."""

    id: UUID
    version: int
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Lines:
    """What is asked of one owner's lines of one relation."""

    many: ManyMeta
    create: tuple[Mapping[str, object], ...] = ()
    update: tuple[LineUpdate, ...] = ()
    delete: tuple[tuple[UUID, int], ...] = ()


async def write_lines(
    unit: UnitOfWork, owners: Sequence[UUID], lines: Sequence[Sequence[Lines]]
) -> None:
    """Write the lines of each owner, in the caller's order of owners.

    Deleted first, so that a new line may take a freed unique value. Raises what rows of the API
    raise, with paths like (position of the owner, relation, "create", position of the line, field).
    """
    relations = {part.many.name: part.many for several in lines for part in several}
    for many in relations.values():
        of_many = [
            (position, part)
            for position, several in enumerate(lines)
            for part in several
            if part.many.name == many.name
        ]
        await _write_relation(unit, many, owners, of_many)


async def _write_relation(
    unit: UnitOfWork, many: ManyMeta, owners: Sequence[UUID], parts: Sequence[tuple[int, Lines]]
) -> None:
    gone = [((at, n), line) for at, part in parts for n, line in enumerate(part.delete)]
    changed = [((at, n), line) for at, part in parts for n, line in enumerate(part.update)]
    new = [((at, n), line) for at, part in parts for n, line in enumerate(part.create)]
    touched = {line.id: (spot, "update") for spot, line in changed}
    touched |= {id: (spot, "delete") for spot, (id, _) in gone}
    await _require_lines(unit, many, owners, touched)
    if gone:
        deleting = unit.delete_rows(many.target, [line for _, line in gone])
        await _placed(deleting, many, "delete", [spot for spot, _ in gone])
    if changed:
        changes = [RowUpdate(line.id, line.version, line.values) for _, line in changed]
        updating = unit.update_rows(many.target, changes)
        await _placed(updating, many, "update", [spot for spot, _ in changed])
    if new:
        rows = [{**values, many.inverse: owners[spot[0]]} for spot, values in new]
        await _placed(unit.create_rows(many.target, rows), many, "create", [s for s, _ in new])


async def _placed(writing: Awaitable[T], many: ManyMeta, verb: str, spots: Sequence[Spot]) -> T:
    """Say of which owner's which line a refusal speaks, as far as it does."""
    try:
        return await writing
    except NOT_OF_A_ROW:
        raise
    except HansaError as error:
        several = error.errors if isinstance(error, Rejected) else (error,)
        raise Rejected([_at_line(each, many, verb, spots) for each in several]) from error


def _at_line(error: HansaError, many: ManyMeta, verb: str, spots: Sequence[Spot]) -> HansaError:
    position = error.path[0] if error.path else None
    if isinstance(position, int):
        owner, line = spots[position]
        return error.without(1).under(owner, many.name, verb, line)
    owners = {owner for owner, _ in spots}
    return error.under(owners.pop(), many.name, verb) if len(owners) == 1 else error


async def _require_lines(
    unit: UnitOfWork,
    many: ManyMeta,
    owners: Sequence[UUID],
    touched: Mapping[UUID, tuple[Spot, str]],
) -> None:
    """Refuse lines that are not their owner's, with the answer for lines that do not exist."""
    if not touched:
        return
    target = unit.caller.shape.entity(many.target)
    its_owners = sorted({owners[spot[0]] for spot, _ in touched.values()})
    where = all_of(
        [
            Compare(Path(many.target, (many.inverse,)), "in", tuple(its_owners)),
            Compare(Path(many.target, ("id",)), "in", tuple(touched)),
        ]
    )
    rows = await unit.reader.rows(many.target, where, (), len(touched), archived=True)
    found = {cast(UUID, row["id"]): row[many.inverse] for row in rows}
    errors = [
        _no_line(target, id).under(spot[0], many.name, verb, spot[1])
        for id, (spot, verb) in touched.items()
        if found.get(id) != owners[spot[0]]
    ]
    if errors:
        raise Rejected(errors)


def _no_line(target: EntityMeta, id: UUID) -> NotFound:
    return NotFound(f"{target.label}: there is no line {id} here.")
