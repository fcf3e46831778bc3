"""Many rows of one entity written at once: created, or matched by a key, each with its result.

The number of statements does not depend on the number of rows. Rows that are refused are found out
together, step by step; the rest is then written without them, from a savepoint.
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, TypeVar, cast
from uuid import UUID

from hansa_core.model.meta import EntityMeta
from hansa_core.records.guards import not_there
from hansa_core.records.keys import BY_ID, Key, Keys, key_value, keys_of
from hansa_core.records.lines import Lines, write_lines
from hansa_core.records.prepare import Row, checked_values
from hansa_core.records.refusals import NOT_OF_A_ROW
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.storage.refusals import UNIQUE, busy, refusal_kind
from hansa_sdk import HansaError, Invalid, Rejected

T = TypeVar("T")

BULK_MAX: Final = 1_000
"""How many rows one bulk write takes."""
_ATTEMPTS_MAX: Final = 8
"""How often a write starts again without the rows that were refused."""
_RACES_MAX: Final = 2
"""How often a key that somebody else took meanwhile is looked up again."""


class OnConflict(StrEnum):
    """What is done with a row whose key a record has already."""

    UPDATE = "update"
    SKIP = "skip"
    FAIL = "fail"


class Status(StrEnum):
    """What became of a row."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BulkRow:
    """A row as it was given. `id` and `version` are those of the record it is to change."""

    values: Mapping[str, object]
    id: UUID | None = None
    version: int | None = None
    lines: tuple[Lines, ...] = ()
    wrong: tuple[HansaError, ...] = ()
    """Why it cannot be read, where it cannot."""


@dataclass(slots=True)
class RowResult:
    """What became of one row: errors have paths that begin with the row's position."""

    status: Status
    id: UUID | None = None
    errors: tuple[HansaError, ...] = ()


@dataclass(frozen=True, slots=True)
class Bulk:
    """How rows are written: created, or matched `by` a key; `lenient` leaves out refused values."""

    by: Key | None = None
    on_conflict: OnConflict = OnConflict.UPDATE
    lenient: bool = False


async def write_rows(
    unit: UnitOfWork, entity: str, rows: Sequence[BulkRow], bulk: Bulk
) -> list[RowResult]:
    """Write rows and return what became of each, in their order.

    Those refused are not written, the others are; the caller undoes them where he wants all or
    none. Raises what speaks of no row (limits, faults), and HiddenField for a key that the caller
    sees on no record.
    """
    writing = _Writing(unit, unit.caller.shape.entity(entity), bulk, dict(enumerate(rows)))
    writing.check()
    for _ in range(_ATTEMPTS_MAX):
        try:
            async with unit.savepoint():
                results = await writing.attempt()
            return [results[at] for at in range(len(rows))]
        except _Again:
            continue
    raise busy("Other changes to the same records kept winning.")


class _Again(Exception):
    """Start again: some rows were refused, or a key was taken meanwhile."""


@dataclass(slots=True)
class _Writing:
    """One bulk write, over its attempts. `refused` and `told` are errors by position."""

    unit: UnitOfWork
    meta: EntityMeta
    bulk: Bulk
    rows: dict[int, BulkRow]
    refused: dict[int, list[HansaError]] = field(default_factory=dict[int, list[HansaError]])
    told: dict[int, list[HansaError]] = field(default_factory=dict[int, list[HansaError]])
    attempts: int = 0
    races: int = 0

    def check(self) -> None:
        """Refuse rows that cannot be read, miss their key, or have that of an earlier row."""
        first: dict[object, int] = {}
        for at, row in self.rows.items():
            for error in row.wrong:
                self._refuse(at, error)
            keyed, wrong = self._key_values(row.values, self.bulk.by or ())
            for error in wrong:
                self._refuse(at, error)
            problem = None
            if at not in self.refused:
                # as it will be stored: it is compared with what is stored
                self.rows[at] = row = replace(row, values={**row.values, **keyed})
                problem = self._key_problem(at, row, first)
            if problem is not None:
                self._refuse(at, problem)

    def _key_values(self, values: Mapping[str, object], key: Key) -> tuple[Row, list[HansaError]]:
        given = {name: values[name] for name in key if name in values}
        return checked_values(self.meta, given, trusted=False)

    def _key_problem(self, at: int, row: BulkRow, first: dict[object, int]) -> HansaError | None:
        by = self.bulk.by
        if by != BY_ID and row.id is not None:
            return Invalid(
                "Rows of this call are not matched by their id.",
                next_step="Say by: id, or leave the id out.",
                path=("id",),
            )
        if by is None:
            return None
        value = key_value(_key_row(row), by)
        if value is None:
            if by == BY_ID:
                return None  # a new one
            missing = next(name for name in by if row.values.get(name) is None)
            return Invalid(
                f"{self.meta.fields[missing].label} is needed: rows are matched by it.",
                next_step="Give it a value.",
                path=(missing,),
                params={"field": missing},
            )
        if first.setdefault(value, at) != at:
            return Invalid(
                f"Row {first[value]} of this call is the same {self.meta.label.lower()}.",
                next_step="Put what they say together.",
                path=by[:1],
            )
        return None

    async def attempt(self) -> dict[int, RowResult]:
        """Write the rows that are left; raises _Again once some are refused."""
        self.attempts += 1
        found = await self._matches()
        self._refuse_conflicts(found)
        skips = self.bulk.on_conflict is OnConflict.SKIP
        old = [] if skips else [at for at in self._left() if at in found]
        new = [at for at in self._left() if at not in found]
        await self._check_keys(new, old, found)
        new, old = self._kept(new), self._kept(old)
        start = len(self.unit.writer.changes)
        ids = {at: cast(UUID, row["id"]) for at, row in found.items()}
        if old:
            changes = [
                RowUpdate(ids[at], self.rows[at].version, self.rows[at].values) for at in old
            ]
            await self._run(self.unit.update_rows(self.meta.name, changes), old)
        if new:
            values = [self.rows[at].values for at in new]
            made = await self._run(self.unit.create_rows(self.meta.name, values), new)
            ids |= {at: cast(UUID, row["id"]) for at, row in zip(new, made, strict=True)}
        written = [*new, *old]
        lines = [self.rows[at].lines for at in written]
        if any(lines):
            owners = [ids[at] for at in written]
            await self._run(write_lines(self.unit, owners, lines), written)
        touched = {change.record_id for change in self.unit.writer.changes[start:]}
        return self._results(new, ids, touched)

    def _results(
        self, new: Sequence[int], ids: Mapping[int, UUID], touched: Collection[UUID]
    ) -> dict[int, RowResult]:
        results = dict.fromkeys(new, Status.CREATED)
        for at in self._left():
            if at in results:
                continue
            if self.bulk.on_conflict is OnConflict.SKIP:
                results[at] = Status.SKIPPED
            else:
                changed = ids[at] in touched or bool(self.rows[at].lines)
                results[at] = Status.UPDATED if changed else Status.UNCHANGED
        return {
            **{
                at: RowResult(status, ids[at], tuple(self.told.get(at, ())))
                for at, status in results.items()
            },
            **{
                at: RowResult(Status.FAILED, errors=tuple(errors))
                for at, errors in self.refused.items()
            },
        }

    async def _matches(self) -> dict[int, Row]:
        if self.bulk.by is None:
            return {}
        rows = {at: _key_row(self.rows[at]) for at in self._left()}
        return await self._keys.matching(self.unit.reader.compiler, self.bulk.by, rows)

    def _refuse_conflicts(self, found: Mapping[int, Row]) -> None:
        """Refuse rows whose id no record has, and those that may not meet a record."""
        by = self.bulk.by
        for at in self._left():
            id = self.rows[at].id
            if at not in found and id is not None:
                self._refuse(at, not_there(self.meta, id))
            elif by is not None and at in found and self.bulk.on_conflict is OnConflict.FAIL:
                self._refuse(at, self._keys.duplicate(by, found[at]))

    async def _check_keys(
        self, new: Sequence[int], old: Sequence[int], found: Mapping[int, Row]
    ) -> None:
        """Refuse rows whose unique values other records have: all of them, by a look at each key.

        The database tells of one only, and the transaction is broken then.
        """
        for key in keys_of(self.meta):
            rows: dict[int, Row] = {}
            for at in (*new, *old):
                values, wrong = self._key_values(self.rows[at].values, key)
                if values and not wrong:
                    rows[at] = {**found.get(at, {}), **values}
            taken = await self._keys.taken(key, rows)
            if key == self.bulk.by and taken.keys() & set(new):
                self._raced()  # or the caller does not see who has it: it stays so
            for at, error in taken.items():
                self._refuse(at, error)

    def _raced(self) -> None:
        """Start again, a few times, for a key that was free when rows were matched."""
        if self.races < _RACES_MAX:
            self.races += 1
            raise _Again

    async def _run(self, writing: Awaitable[T], positions: Sequence[int]) -> T:
        """Await a write of the rows at `positions`; raises _Again without those refused."""
        try:
            return await writing
        except NOT_OF_A_ROW:
            raise
        except HansaError as error:
            if refusal_kind(error.__cause__) == UNIQUE:
                self._raced()
            for each in error.errors if isinstance(error, Rejected) else (error,):
                position = each.path[0] if each.path else None
                if isinstance(position, int):
                    self._refuse(positions[position], each.without(1))
                else:
                    self._refuse_all(positions, each)
            if self.attempts >= _ATTEMPTS_MAX - 2:  # one refusal after the other
                self._refuse_all(self._kept(positions), _not_tried())
            raise _Again from error

    def _refuse_all(self, positions: Sequence[int], error: HansaError) -> None:
        for at in positions:
            self._refuse(at, error)

    def _refuse(self, at: int, error: HansaError) -> None:
        """Leave a row out; leave out only the value at fault where that is asked for."""
        row, name = self.rows[at], error.path[0] if error.path else None
        if self.bulk.lenient and name in row.values and name not in (self.bulk.by or ()):
            less = {key: value for key, value in row.values.items() if key != name}
            less.pop(f"{name}_unit", None)
            self.rows[at] = replace(row, values=less)
            self.told.setdefault(at, []).append(error.under(at))
        else:
            self.refused.setdefault(at, []).append(error.under(at))

    @property
    def _keys(self) -> Keys:
        return Keys(self.unit.session, self.unit.caller, self.meta)

    def _left(self) -> list[int]:
        return self._kept(list(self.rows))

    def _kept(self, positions: Sequence[int]) -> list[int]:
        return [at for at in positions if at not in self.refused]


def _key_row(row: BulkRow) -> Row:
    return {**row.values, "id": row.id}


def _not_tried() -> Invalid:
    return Invalid(
        "This row was not tried: rows of this call kept being refused one at a time.",
        next_step="Send it again without those.",
    )
