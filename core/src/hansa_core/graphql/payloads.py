"""What a mutation answers: its payload, written as JSON in the mutation's own transaction.

Records come from the planner, by one statement for all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from hansa_core.caller import Caller
from hansa_core.graphql.errors import NOT_IN_PAYLOAD, UserError, user_errors
from hansa_core.graphql.request import Platform
from hansa_core.graphql.selection import Nodes, Question
from hansa_core.graphql.wire import encoded
from hansa_core.idempotency import KeyReused, Submission
from hansa_core.query.plan import TYPENAME
from hansa_core.records.bulk import RowResult
from hansa_core.records.unit import UnitOfWork
from hansa_sdk import HansaError

RECORD = "record"
RECORDS = "records"
RESULTS = "results"


def _nothing() -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, slots=True)
class Payload:
    """What a mutation found: a plugin's result, a count, errors, and by response key the rest."""

    result: object = None
    count: int | None = None
    errors: tuple[UserError, ...] = ()
    found: Mapping[str, object] = field(default_factory=_nothing)


class Refused(Exception):
    """Ends a transaction with errors that already carry their place in the input."""

    def __init__(self, errors: Sequence[UserError]) -> None:
        super().__init__("refused")
        self.errors = tuple(errors)


class Undone(Exception):
    """Ends a transaction whose answer is known, and of which nothing is to stay."""

    def __init__(self, payload: Payload) -> None:
        super().__init__("undone")
        self.payload = payload


@dataclass(frozen=True, slots=True)
class Asking:
    """One mutation being run: for whom, and what its document asks of its payload.

    `result` completes what a plugin's action returned; `fields` are by response key.
    """

    platform: Platform
    caller: Caller
    question: Question
    type_name: str
    fields: Mapping[str, Nodes]
    result: Callable[[object, Nodes], object]
    submission: Submission | None = None

    async def run(self, work: Callable[[UnitOfWork], Awaitable[Payload]]) -> msgspec.Raw:
        """Run `work` in a transaction and return the payload's JSON; refusals are part of it.

        Under a key that was sent before, the answer of then. Raises limits and faults, KeyReused.
        """

        async def whole(unit: UnitOfWork) -> msgspec.Raw:
            if self.submission is not None:
                known = await self.submission.claim(unit.session, unit.now)
                if known is not None:
                    return msgspec.Raw(known)
            text = self.text(await work(unit))
            if self.submission is not None:
                await self.submission.keep(unit.session, text)
            return msgspec.Raw(text)

        try:
            return await self.platform.write(self.caller, whole)
        except Undone as undone:
            return msgspec.Raw(self.text(undone.payload))
        except Refused as refused:
            return msgspec.Raw(self.text(Payload(errors=refused.errors)))
        except (*NOT_IN_PAYLOAD, KeyReused):
            raise
        except HansaError as error:
            return msgspec.Raw(self.text(Payload(errors=tuple(user_errors(error)))))

    async def record(self, unit: UnitOfWork, entity: str, id: UUID) -> Payload:
        """Read the record a mutation is about.

        Who may write records of a kind but read none of them gets null.
        """
        if not unit.caller.grants.allows(entity, "read"):
            return Payload()
        found: dict[str, object] = {}
        for key, nodes in self._named(RECORD).items():
            selection = self.question.record(entity, nodes)
            found[key] = msgspec.Raw(await unit.reader.json(entity, id, selection))
        return Payload(found=found)

    async def records(self, unit: UnitOfWork, entity: str, ids: Sequence[UUID]) -> Payload:
        """Read the records a mutation is about, in the order of their ids."""
        found: dict[str, object] = {}
        for key, nodes in self._named(RECORDS).items():
            found[key] = await self._each(unit, entity, ids, nodes)
        return Payload(count=len(ids), found=found)

    async def results(self, unit: UnitOfWork, entity: str, results: Sequence[RowResult]) -> Payload:
        """Read the records of rows' results and put those together."""
        ids = [each.id for each in results if each.id is not None]
        found: dict[str, object] = {}
        for key, nodes in self._named(RESULTS).items():
            fields = self.question.fields(nodes)
            columns: dict[str, Sequence[object]] = {}
            for inner, asked in fields.items():
                match asked[0].name.value:
                    case "record":
                        texts = iter(await self._each(unit, entity, ids, asked))
                        columns[inner] = [
                            None if each.id is None else next(texts) for each in results
                        ]
                    case "status":
                        columns[inner] = [each.status.name for each in results]
                    case "errors":
                        columns[inner] = [
                            self._errors(asked, _row_errors(each)) for each in results
                        ]
                    case _:
                        name = f"{unit.caller.shape.entity(entity).type_name}RowResult"
                        columns[inner] = [name] * len(results)
            found[key] = [
                dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
            ]
        return Payload(found=found)

    async def _each(
        self, unit: UnitOfWork, entity: str, ids: Sequence[UUID], nodes: Nodes
    ) -> list[object]:
        if not ids or not unit.caller.grants.allows(entity, "read"):
            return [None] * len(ids)
        texts = await unit.reader.json_of_each(entity, ids, self.question.record(entity, nodes))
        return [msgspec.Raw(text) for text in texts]

    def _named(self, name: str) -> dict[str, Nodes]:
        return {key: nodes for key, nodes in self.fields.items() if nodes[0].name.value == name}

    def text(self, payload: Payload) -> bytes:
        """Return the payload as JSON, its fields as they are asked."""
        return encoded(
            {key: self._value(key, nodes, payload) for key, nodes in self.fields.items()}
        )

    def _value(self, key: str, nodes: Nodes, payload: Payload) -> object:
        match nodes[0].name.value:
            case "errors":
                return self._errors(nodes, payload.errors)
            case "count":
                return payload.count
            case "result":
                return None if payload.errors else self.result(payload, nodes)
            case name if name == TYPENAME:
                return self.type_name
            case name:
                return payload.found.get(key, None if name == RECORD else [])

    def _errors(self, nodes: Nodes, errors: Sequence[UserError]) -> list[object]:
        asked = {key: each[0].name.value for key, each in self.question.fields(nodes).items()}
        return [
            {
                key: "UserError" if name == TYPENAME else getattr(error, name)
                for key, name in asked.items()
            }
            for error in errors
        ]


def _row_errors(result: RowResult) -> list[UserError]:
    return [
        found for error in result.errors for found in user_errors(error, ("rows",), listed=True)
    ]
