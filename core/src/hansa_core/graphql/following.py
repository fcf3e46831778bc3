"""A subscription planned: what it asks of changes, and how those of a batch are answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, cast
from uuid import UUID

import msgspec
from graphql import GraphQLError
from graphql.execution.values import VariableValues

from hansa_core.caller import Caller
from hansa_core.graphql.changes import CHANGES, KINDS, RECORD, Changes
from hansa_core.graphql.cost import COST_MAX, check_cost
from hansa_core.graphql.operation import Asked
from hansa_core.graphql.request import Platform
from hansa_core.graphql.selection import Question
from hansa_core.graphql.where import predicate_of
from hansa_core.graphql.wire import encoded
from hansa_core.live.feed import Told
from hansa_core.live.gone import Ledger, seen_at_the_end
from hansa_core.live.positions import Positions
from hansa_core.query.changed import ChangedRecords
from hansa_core.query.late import MarkersLater, Request
from hansa_core.query.plan import TYPENAME, Selection
from hansa_core.query.predicates import SqlCompiler
from hansa_core.query.reader import request_of
from hansa_core.query.spelling import moment_text
from hansa_core.storage.transaction import Session
from hansa_sdk import Predicate

_BATCH_MAX: Final = 50


class ChangesPlatform(Platform, Protocol):
    """What telling of changes asks of the running platform."""

    @property
    def ledger(self) -> Ledger:
        """What reading the ledger back needs."""
        ...


@dataclass(frozen=True, slots=True)
class Following:
    """A subscription as one caller's grants plan it; another plan is made when they change."""

    caller: Caller
    key: str
    type_name: str
    entity: str | None
    since: str | None
    where: Predicate | None
    items: tuple[tuple[str, str], ...]
    records: tuple[tuple[str, Selection], ...]
    cost: int
    _reads: dict[str, ChangedRecords] = field(default_factory=dict[str, ChangedRecords])

    @classmethod
    def of(cls, asked: Asked, caller: Caller, variables: VariableValues) -> Following:
        """Plan a valid subscription.

        Raises Denied without a grant to read, HiddenField, LimitExceeded for one that costs too
        much, Invalid and GraphQLError for arguments that cannot be meant.
        """
        question = Question(asked.compiled.api, asked.compiled.schema, asked.fragments, variables)
        cost = check_cost(question, asked.operation)
        fields = question.collected(asked.operation.selection_set)
        if len(fields) != 1:  # directives may have left none
            raise GraphQLError(
                f"A subscription asks for one field, found {len(fields)}.",
                extensions={"code": "invalid_query"},
            )
        key, nodes = next(iter(fields.items()))
        changes = cast(Changes, asked.root.fields[nodes[0].name.value].extensions[CHANGES])
        given = question.arguments(asked.root.name, nodes[0])
        inner = question.fields(nodes)
        where: Predicate | None = None
        records: list[tuple[str, Selection]] = []
        type_name = "Change"
        if changes.entity is not None:
            caller.grants.rows_for(changes.entity, "read")
            api = asked.compiled.api
            condition = cast("Mapping[str, object] | None", given.get("where"))
            where = predicate_of(api, changes.entity, condition)
            type_name = f"{api.entities[changes.entity].meta.type_name}Change"
            records = [
                (name, question.record(changes.entity, found))
                for name, found in inner.items()
                if found[0].name.value == RECORD
            ]
        made = cls(
            caller,
            key,
            type_name,
            changes.entity,
            cast("str | None", given.get("since")),
            where,
            tuple((name, found[0].name.value) for name, found in inner.items()),
            tuple(records),
            cost,
        )
        if changes.entity is not None:
            made.reading(changes.entity)  # refuses now what it would refuse with each change
        return made

    @property
    def batch(self) -> int:
        """How many changes are answered at once: their fields are those of one large answer."""
        return max(1, min(_BATCH_MAX, COST_MAX // max(1, self.cost)))

    def reading(self, entity: str) -> ChangedRecords:
        """Return the compiled read of an entity's records."""
        if entity not in self._reads:
            grants, shape = self.caller.grants, self.caller.shape
            compiler = SqlCompiler(shape, MarkersLater(), grants.readable, grants.mask)
            selections = [selection for _, selection in self.records]
            self._reads[entity] = ChangedRecords.of(compiler, entity, self.where, selections)
        return self._reads[entity]

    def concerns(self, told: Told) -> bool:
        """Tell whether an event is a change this subscription may have to tell of."""
        if told.entity is None or told.record_id is None or told.kind not in KINDS:
            return False
        if self.entity is not None:
            return told.entity == self.entity
        return told.entity in self.caller.shape.entities and self.caller.grants.allows(
            told.entity, "read"
        )

    async def answers(
        self, platform: ChangesPlatform, positions: Positions, told: Sequence[Told]
    ) -> list[tuple[int, bytes]]:
        """Return the answers to those of the changes that may be told, with their positions."""
        shown: dict[UUID, tuple[bytes, ...]] = {}
        request = request_of(self.caller, platform.cursors, platform.clock, {})
        async with platform.looking(self.caller) as session:
            for entity in sorted({cast(str, each.entity) for each in told}):
                ids = {cast(UUID, each.record_id) for each in told if each.entity == entity}
                shown |= await self._shown(session, platform, request, entity, ids)
        return [
            (each.position, self._answer(each, positions, shown[each.record_id]))
            for each in told
            if each.record_id is not None and each.record_id in shown
        ]

    async def _shown(
        self,
        session: Session,
        platform: ChangesPlatform,
        request: Request,
        entity: str,
        ids: set[UUID],
    ) -> dict[UUID, tuple[bytes, ...]]:
        found = await self.reading(entity).read(session, request, list(ids))
        shown = {id: texts for id, texts in found.items() if texts is not None}
        gone = ids - found.keys()
        if gone:
            seen = await seen_at_the_end(
                session, platform.ledger, self.caller, request, entity, gone, self.where
            )
            shown |= dict.fromkeys(seen, (b"null",) * len(self.records))
        return shown

    def _answer(self, told: Told, positions: Positions, texts: Sequence[bytes]) -> bytes:
        known = {
            "kind": told.kind.upper(),
            "id": str(told.record_id),
            "version": told.record_version,
            "at": moment_text(told.at),
            "entity": told.entity,
            TYPENAME: self.type_name,
        }
        raw = dict(zip((key for key, _ in self.records), map(msgspec.Raw, texts), strict=True))
        change: dict[str, object] = {}
        for key, name in self.items:
            if key in raw:
                change[key] = raw[key]
            else:
                change[key] = positions.seal(told.position) if name == "cursor" else known[name]
        return encoded({"data": {self.key: change}})
