"""Mutations of many records in one transaction: upserts, and changes of all that meet a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final, cast
from uuid import UUID

import msgspec

from hansa_core.graphql.api import Api, EntityApi
from hansa_core.graphql.errors import NOT_IN_PAYLOAD, UserError, user_errors
from hansa_core.graphql.inputs import written
from hansa_core.graphql.payloads import Asking, Payload, Refused, Undone
from hansa_core.graphql.where import parse_id, predicate_of
from hansa_core.graphql.writes import Given, Write
from hansa_core.records.bulk import (
    BULK_MAX,
    Bulk,
    BulkRow,
    OnConflict,
    RowResult,
    Status,
    write_rows,
)
from hansa_core.records.keys import Key
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_sdk import HansaError, Invalid, LimitExceeded

ROW_KEYS: Final = frozenset({"id", "version"})
"""What a row says beside its values: which record it is to change."""


class ErrorPolicy(StrEnum):
    """What a refused row means for the others."""

    REJECT_ALL = "reject_all"
    REJECT_FAILED = "reject_failed"
    IGNORE_FAILED = "ignore_failed"


def upsert_many(entity: str) -> Write:
    """Answer `crmDealUpsertMany(by, rows, onConflict, errorPolicy, dryRun)`."""

    async def write(asking: Asking, given: Given) -> msgspec.Raw:
        policy = ErrorPolicy(given["errorPolicy"])
        bulk = Bulk(
            cast("Key | None", given.get("by")),
            OnConflict(given["onConflict"]),
            lenient=policy is ErrorPolicy.IGNORE_FAILED,
        )
        _bounded(len(given["rows"]))

        async def work(unit: UnitOfWork) -> Payload:
            rows = [_row(asking.question.api, entity, row) for row in given["rows"]]
            results = await write_rows(unit, entity, rows, bulk)
            failed = any(each.status is Status.FAILED for each in results)
            if failed and policy is ErrorPolicy.REJECT_ALL:
                results = [_undone(each) for each in results]
                raise Undone(await asking.results(unit, entity, results))
            payload = await asking.results(unit, entity, results)
            if given["dryRun"]:
                raise Undone(payload)
            return payload

        return await asking.run(work)

    return write


def update_many(entity: str) -> Write:
    """Answer `crmDealUpdateMany(where, set, expectedCount)`."""

    async def write(asking: Asking, given: Given) -> msgspec.Raw:
        async def work(unit: UnitOfWork) -> Payload:
            ids = await _matching(unit, asking.question.api, entity, given, "update")
            api = asking.question.api
            try:
                what = written(api, api.entities[entity], given["set"], ())
                await unit.update_rows(entity, [RowUpdate(id, None, what.values) for id in ids])
            except NOT_IN_PAYLOAD:
                raise
            except HansaError as error:
                raise Refused(_once(user_errors(error), "set")) from error
            return await asking.records(unit, entity, ids)

        return await asking.run(work)

    return write


def delete_many(entity: str) -> Write:
    """Answer `crmDealDeleteMany(where, expectedCount)`; its records are those deleted."""

    async def write(asking: Asking, given: Given) -> msgspec.Raw:
        async def work(unit: UnitOfWork) -> Payload:
            ids = await _matching(unit, asking.question.api, entity, given, "delete")
            before = await asking.records(unit, entity, ids)
            try:
                await unit.delete_rows(entity, [(id, None) for id in ids])
            except NOT_IN_PAYLOAD:
                raise
            except HansaError as error:
                raise Refused(_once(user_errors(error))) from error
            return before

        return await asking.run(work)

    return write


async def _matching(
    unit: UnitOfWork, api: Api, entity: str, given: Given, action: str
) -> list[UUID]:
    """Lock the records of a filter; raises LimitExceeded for too many, Invalid for another count.

    Both tell the true count. Raises Denied without a grant, before anything is locked.
    """
    unit.caller.grants.rows_for(entity, action)
    where = predicate_of(api, entity, given["where"])
    ids = await unit.reader.lock(entity, where, BULK_MAX + 1)
    count = len(ids)
    if count > BULK_MAX:
        count = await unit.reader.count(entity, where)
    expected = cast("int | None", given.get("expectedCount"))
    plural = f"{count:,} records"
    if expected is not None and expected != count:
        raise Invalid(
            f"{plural} meet the filter, not {expected:,}: nothing was changed.",
            next_step="Look at them, and send the count you see.",
            path=("expectedCount",),
            params={"count": count, "expected": expected},
        )
    if count > BULK_MAX:
        raise LimitExceeded(
            f"{plural} meet the filter; one call changes at most {BULK_MAX:,}. "
            "Changes of more are to run as jobs, which this version does not have yet.",
            next_step="Narrow the filter and send several calls.",
            path=("where",),
            params={"count": count, "limit": BULK_MAX},
        )
    return ids


def _row(api: Api, entity: str, given: Mapping[str, object]) -> BulkRow:
    """Read one row; what cannot be read is told in its result."""
    one: EntityApi = api.entities[entity]
    rest = {name: value for name, value in given.items() if name not in ROW_KEYS}
    try:
        id = None if given.get("id") is None else parse_id(given["id"], ("id",))
        what = written(api, one, rest, ())
    except NOT_IN_PAYLOAD:
        raise
    except HansaError as error:
        return BulkRow({}, wrong=(error,))
    return BulkRow(what.values, id, cast("int | None", given.get("version")), what.lines)


def _undone(result: RowResult) -> RowResult:
    """Return the result of a row that was not written because another one was refused."""
    if result.status is Status.FAILED:
        return result
    return replace(result, status=Status.SKIPPED, id=None)


def _once(errors: Sequence[UserError], *place: str) -> list[UserError]:
    """Return the errors of many records, each sentence once, with the place of their values."""
    found: dict[tuple[str, ...], UserError] = {}
    for error in errors:
        path = (*place, *error.path) if error.path else ()
        found.setdefault((error.code, error.message, *path), replace(error, path=path))
    return list(found.values())


def _bounded(count: int) -> None:
    if count > BULK_MAX:
        raise LimitExceeded(
            f"One call takes at most {BULK_MAX:,} rows, found {count:,}.",
            next_step="Send them in several calls.",
            path=("rows",),
        )
