"""Mutation fields: each runs in its own transaction and answers its selection there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID

from hansa_core.graphql.answers import Node
from hansa_core.graphql.api import EntityApi
from hansa_core.graphql.arguments import Parameter, call_arguments
from hansa_core.graphql.errors import NOT_IN_PAYLOAD, UserError, user_errors
from hansa_core.graphql.inputs import Lines, written
from hansa_core.graphql.request import Info
from hansa_core.graphql.selection import Question
from hansa_core.graphql.where import Place, parse_id
from hansa_core.query.plan import RecordRequest, Selection
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_sdk import Action, Entity, HansaError, NotFound, Stale
from hansa_sdk.predicates import Compare, Path

T = TypeVar("T")
Resolver = Callable[..., Awaitable["Payload"]]


@dataclass(frozen=True, slots=True)
class Payload:
    """What a mutation answers: records by response key, or a result, or errors."""

    records: Mapping[str, Node | None] = field(default_factory=dict[str, Node | None])
    result: object = None
    errors: tuple[UserError, ...] = ()


class Refused(Exception):
    """Ends a transaction with errors that already carry their place in the input."""

    def __init__(self, errors: list[UserError]) -> None:
        super().__init__("refused")
        self.errors = tuple(errors)


def resolve_payload_record(source: Payload, info: Info) -> Node | None:
    """Read a payload's record by response key."""
    return source.records.get(str(info.path.key))


def create_resolver(entity: str) -> Resolver:
    """Resolve `crmDealCreate(input)`."""

    async def resolve(_source: object, info: Info, input: Mapping[str, object]) -> Payload:
        answer = _Answer.of(info, entity)

        async def work(unit: UnitOfWork) -> Payload:
            what = written(info.context.api, answer.one, input)
            rows = await _placed(unit.create_rows(entity, [what.values]), answer.one)
            id = cast(UUID, rows[0]["id"])
            await _write_lines(unit, answer, id, what.lines)
            return await answer.payload(unit, id)

        return await _run(info, answer.one, work)

    return resolve


def update_resolver(entity: str) -> Resolver:
    """Resolve `crmDealUpdate(id, version, input)`."""

    async def resolve(
        _source: object, info: Info, id: str, version: int, input: Mapping[str, object]
    ) -> Payload:
        answer = _Answer.of(info, entity)

        async def work(unit: UnitOfWork) -> Payload:
            key = parse_id(id, ("id",))
            what = written(info.context.api, answer.one, input)
            change = RowUpdate(key, version, what.values)
            await _placed(unit.update_rows(entity, [change]), answer.one)
            await _write_lines(unit, answer, key, what.lines)
            return await answer.payload(unit, key)

        return await _run(info, answer.one, work)

    return resolve


def delete_resolver(entity: str) -> Resolver:
    """Resolve `crmDealDelete(id, version)`; its record is the one that was deleted."""

    async def resolve(_source: object, info: Info, id: str, version: int) -> Payload:
        answer = _Answer.of(info, entity)

        async def work(unit: UnitOfWork) -> Payload:
            key = parse_id(id, ("id",))
            before = await answer.payload(unit, key)
            await unit.delete_rows(entity, [(key, version)])
            return before

        return await _run(info, answer.one, work)

    return resolve


def archive_resolver(entity: str, *, archived: bool) -> Resolver:
    """Resolve `crmDealArchive(id, version)` and `crmDealRestore(id, version)`."""

    async def resolve(_source: object, info: Info, id: str, version: int) -> Payload:
        answer = _Answer.of(info, entity)

        async def work(unit: UnitOfWork) -> Payload:
            key = parse_id(id, ("id",))
            await unit.archive_rows(entity, [(key, version)], archived=archived)
            return await answer.payload(unit, key)

        return await _run(info, answer.one, work)

    return resolve


def action_resolver(
    entity: str,
    action: Action[Any, ..., Any],  # of any entity, arguments and result
    parameters: tuple[Parameter, ...],
    answers: str | None,
) -> Resolver:
    """Resolve an action; `answers` is the entity of its payload's record, None for a result."""

    async def resolve(
        _source: object, info: Info, id: str, version: int | None = None, **arguments: object
    ) -> Payload:
        answer = _Answer.of(info, answers or entity)
        own = info.context.api.entities[entity]

        async def work(unit: UnitOfWork) -> Payload:
            key = parse_id(id, ("id",))
            values = await call_arguments(unit, parameters, arguments)
            result = await unit.run_action(action, key, values, version=version)
            if answers is None:
                return Payload(result=result)
            if isinstance(result, Entity):
                key = result.id
            elif answers != entity:
                return Payload()
            return await answer.payload(unit, key)

        return await _run(info, own, work)

    return resolve


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a mutation's document asks of the record it wrote."""

    one: EntityApi
    asked: Mapping[str, Selection]

    @classmethod
    def of(cls, info: Info, entity: str) -> _Answer:
        question = Question.of(info)
        asked = {
            key: question.record(entity, nodes)
            for key, nodes in question.fields(info.field_nodes).items()
            if nodes[0].name.value == "record"
        }
        return cls(info.context.api.entities[entity], asked)

    async def payload(self, unit: UnitOfWork, id: UUID) -> Payload:
        """Read the record in the same transaction, by the same planner as any read.

        Who may write records of a kind but read none of them gets null.
        """
        records: dict[str, Node | None] = {}
        if not unit.caller.grants.allows(self.one.meta.name, "read"):
            return Payload(records)
        for key, selection in self.asked.items():
            row = await unit.reader.record(RecordRequest(self.one.meta.name, id, selection))
            records[key] = None if row is None else Node(row)
        return Payload(records)


async def _run(
    info: Info, one: EntityApi, work: Callable[[UnitOfWork], Awaitable[Payload]]
) -> Payload:
    context = info.context
    try:
        return await context.platform.write(context.caller, work)
    except Refused as refused:
        return Payload(errors=refused.errors)
    except NOT_IN_PAYLOAD:
        raise
    except HansaError as error:
        return Payload(errors=tuple(user_errors(error, one)))


async def _placed(writing: Awaitable[T], one: EntityApi, lines: Place | None = None) -> T:
    """Say where in the input the values are that a write refuses: in it, or in its `lines`."""
    try:
        return await writing
    except NOT_IN_PAYLOAD:
        raise
    except HansaError as error:
        if lines is not None:
            raise Refused(user_errors(error, one, lines, listed=True)) from error
        # the version is an argument beside the input
        place = ("input",) if error.path and not isinstance(error, Stale) else ()
        raise Refused(user_errors(error, one, place)) from error


async def _write_lines(
    unit: UnitOfWork, answer: _Answer, owner: UUID, lines: tuple[Lines, ...]
) -> None:
    """Write owned lines: deleted first, so that a new line may take a freed unique value."""
    for part in lines:
        target = part.many.target
        one = part.target
        touched = {line.id: (*part.place, "update", i) for i, line in enumerate(part.update)}
        touched |= {id: (*part.place, "delete", i) for i, (id, _) in enumerate(part.delete)}
        await _require_lines(unit, part, owner, touched)
        if part.delete:
            deleting = unit.delete_rows(target, list(part.delete))
            await _placed(deleting, one, (*part.place, "delete"))
        if part.update:
            changes = [RowUpdate(line.id, line.version, line.values) for line in part.update]
            await _placed(unit.update_rows(target, changes), one, (*part.place, "update"))
        if part.create:
            rows = [{**values, part.many.inverse: owner} for values in part.create]
            await _placed(unit.create_rows(target, rows), one, (*part.place, "create"))


async def _require_lines(
    unit: UnitOfWork, part: Lines, owner: UUID, touched: Mapping[UUID, Place]
) -> None:
    """Refuse lines that are not the owner's, with the answer for lines that do not exist."""
    if not touched:
        return
    target = part.many.target
    where = Compare(Path(target, (part.many.inverse,)), "eq", owner) & Compare(
        Path(target, ("id",)), "in", tuple(touched)
    )
    rows = await unit.reader.rows(target, where, (), len(touched), archived=True)
    missing = set(touched) - {cast(UUID, row["id"]) for row in rows}
    if missing:
        noun = part.target.meta.label
        raise Refused(
            [
                error
                for id in missing
                for error in user_errors(
                    NotFound(f"{noun}: there is no line {id} here."), None, touched[id]
                )
            ]
        )
