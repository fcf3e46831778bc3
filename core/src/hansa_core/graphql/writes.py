"""Mutations of one record: each runs in its own transaction and answers its selection there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar, cast
from uuid import UUID

import msgspec
from graphql import GraphQLField

from hansa_core.graphql.arguments import Parameter, call_arguments
from hansa_core.graphql.errors import NOT_IN_PAYLOAD, user_errors
from hansa_core.graphql.inputs import written
from hansa_core.graphql.payloads import Asking, Payload, Refused
from hansa_core.graphql.where import parse_id
from hansa_core.records.lines import write_lines
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_sdk import Action, Entity, HansaError, Stale

T = TypeVar("T")
Given: TypeAlias = Mapping[str, Any]  # coerced arguments
Write: TypeAlias = Callable[[Asking, Given], Awaitable[msgspec.Raw]]
"""Runs a mutation with its arguments and returns its payload as JSON."""

_WRITE: Final = "write"
_MATCHED: Final = "matched"
_CREATES: Final = "creates"


def writing(
    write: Write, matched: str | None = None, creates: str | None = None
) -> dict[str, object]:
    """Return the extensions of a mutation's field that `write` answers.

    `matched` is the entity whose records its arguments look for, `creates` that of which it makes
    new records where they look for none.
    """
    return {_WRITE: write, _MATCHED: matched, _CREATES: creates}


def write_of(field: GraphQLField) -> Write:
    """Return what answers a mutation's field."""
    return cast(Write, field.extensions[_WRITE])


def matched_entity(field: GraphQLField) -> str | None:
    """Return the entity whose records a mutation's arguments look for."""
    return cast("str | None", field.extensions.get(_MATCHED))


def created_entity(field: GraphQLField) -> str | None:
    """Return the entity of which a mutation makes new records."""
    return cast("str | None", field.extensions.get(_CREATES))


def create(entity: str) -> Write:
    """Answer `crmDealCreate(input)`."""

    async def write(asking: Asking, given: Given) -> msgspec.Raw:
        async def work(unit: UnitOfWork) -> Payload:
            api = asking.question.api
            what = written(api, api.entities[entity], given["input"])
            rows = await _placed(unit.create_rows(entity, [what.values]))
            id = cast(UUID, rows[0]["id"])
            await _placed(write_lines(unit, [id], [what.lines]))
            return await asking.record(unit, entity, id)

        return await asking.run(work)

    return write


def update(entity: str) -> Write:
    """Answer `crmDealUpdate(id, version, input)`."""

    async def write(asking: Asking, given: Given) -> msgspec.Raw:
        async def work(unit: UnitOfWork) -> Payload:
            api, key = asking.question.api, parse_id(given["id"], ("id",))
            what = written(api, api.entities[entity], given["input"])
            change = RowUpdate(key, given["version"], what.values)
            await _placed(unit.update_rows(entity, [change]))
            await _placed(write_lines(unit, [key], [what.lines]))
            return await asking.record(unit, entity, key)

        return await asking.run(work)

    return write


def delete(entity: str) -> Write:
    """Answer `crmDealDelete(id, version)`; its record is the one that was deleted."""

    async def write(asking: Asking, given: Given) -> msgspec.Raw:
        async def work(unit: UnitOfWork) -> Payload:
            key = parse_id(given["id"], ("id",))
            before = await asking.record(unit, entity, key)
            await unit.delete_rows(entity, [(key, given["version"])])
            return before

        return await asking.run(work)

    return write


def archive(entity: str, *, archived: bool) -> Write:
    """Answer `crmDealArchive(id, version)` and `crmDealRestore(id, version)`."""

    async def write(asking: Asking, given: Given) -> msgspec.Raw:
        async def work(unit: UnitOfWork) -> Payload:
            key = parse_id(given["id"], ("id",))
            await unit.archive_rows(entity, [(key, given["version"])], archived=archived)
            return await asking.record(unit, entity, key)

        return await asking.run(work)

    return write


def act(
    entity: str,
    action: Action[Any, ..., Any],  # of any entity, arguments and result
    parameters: tuple[Parameter, ...],
    answers: str | None,
) -> Write:
    """Answer an action; `answers` is the entity of its payload's record, None for a result."""

    async def write(asking: Asking, given: Given) -> msgspec.Raw:
        arguments = {name: given[name] for name in given if name not in ("id", "version")}

        async def work(unit: UnitOfWork) -> Payload:
            key = parse_id(given["id"], ("id",))
            values = await call_arguments(unit, parameters, arguments)
            result = await unit.run_action(action, key, values, version=given.get("version"))
            if answers is None:
                return Payload(result=result)
            if isinstance(result, Entity):
                key = result.id
            elif answers != entity:
                return Payload()
            return await asking.record(unit, answers, key)

        return await asking.run(work)

    return write


async def _placed(writing: Awaitable[T]) -> T:
    """Say that the values a write refuses are in the input."""
    try:
        return await writing
    except NOT_IN_PAYLOAD:
        raise
    except HansaError as error:
        # the version is an argument beside the input
        place = ("input",) if error.path and not isinstance(error, Stale) else ()
        raise Refused(user_errors(error, place)) from error
