"""Mutations that one statement answers: records created of a variable, without more around it.

What is kept of one holds for every request with the same document and grants. Everything else, and
everything that is refused, goes the long way (`Mutating`); nothing is written then.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

import msgspec
from graphql import FieldNode, GraphQLObjectType, OperationType, VariableNode, get_named_type
from graphql.execution.values import VariableValues

from hansa_core.caller import Caller
from hansa_core.graphql.api import EntityApi
from hansa_core.graphql.asking import Answer, failed, is_too_large, too_large
from hansa_core.graphql.bulk import ROW_KEYS
from hansa_core.graphql.cost import check_cost
from hansa_core.graphql.inputs import written
from hansa_core.graphql.operation import Asked
from hansa_core.graphql.payloads import RECORD, RESULTS
from hansa_core.graphql.plans import located
from hansa_core.graphql.schemas import SchemaPlatform
from hansa_core.graphql.selection import Nodes, Question
from hansa_core.graphql.writes import created_entity
from hansa_core.query.late import Request
from hansa_core.query.plan import TYPENAME, ManySelection, RefSelection, Selection
from hansa_core.query.predicates import HiddenField
from hansa_core.records.bulk import BULK_MAX, Status
from hansa_core.records.plain import PlainCreate
from hansa_core.storage.kept import kept
from hansa_core.storage.transaction import Session
from hansa_sdk import HansaError

PLAIN_KEPT: Final = 500
"""How many such mutations are kept."""
CHARACTERS_MAX: Final = 10_000
"""Characters of the longest document of one: it is kept with it."""
STATEMENTS_KEPT: Final = 32
"""How many of their statements are kept for a table."""
_ONE: Final = "input"
_MANY: Final = "rows"
_NO_MATTER: Final = frozenset({"onConflict", "errorPolicy"})
"""Arguments that say what becomes of rows that meet a record, or are refused: none does here."""

_OFF: Final = ("by", "dryRun")
"""Arguments that make it another mutation where they hold something."""

Parts: TypeAlias = tuple[bytes | int, ...]
"""JSON with holes: the numbers of the selections whose answers go there."""


@dataclass(frozen=True, slots=True)
class _Given:
    """What a mutation's arguments take: the variable of the record, or of a list of `many`.

    Variables in `off` must hold nothing; `names` are all variables that are taken.
    """

    variable: str
    many: bool
    off: tuple[str, ...]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlainMutation:
    """A mutation as a statement, what it is given, and its payload around the answers.

    `costs` are those of as many records.
    """

    key: str
    nodes: Nodes
    one: EntityApi
    given: _Given
    create: PlainCreate
    payload: tuple[bytes | Parts, ...]
    costs: dict[int, int] = field(default_factory=dict[int, int])

    def values(self, asked: Asked, request: Request) -> list[Mapping[str, object]] | None:
        """Return the records to create, by field name; None where they are not plain.

        Raises HansaError for what cannot be read or is too much.
        """
        variables, many = request.variables, self.given.many
        given = variables.get(self.given.variable)
        rows = cast("list[Mapping[str, object]]", given if many else [given])
        if (
            given is None
            or not 0 < len(rows) <= BULK_MAX
            or any(map(variables.get, self.given.off))
        ):
            return None
        found: list[Mapping[str, object]] = []
        for row in rows:
            if many and not ROW_KEYS.isdisjoint(row):
                return None
            what = written(asked.compiled.api, self.one, row)
            if what.lines:
                return None
            found.append(what.values)
        if len(rows) not in self.costs:
            question = _question(asked, request.variables)
            self.costs[len(rows)] = check_cost(question, asked.operation)
        return found

    def text(self, found: Sequence[Sequence[bytes]]) -> bytes:
        """Return the payload as JSON."""
        return b"".join(
            part if isinstance(part, bytes) else b",".join(_filled(part, row) for row in found)
            for part in self.payload
        )


def _filled(parts: Parts, answers: Sequence[bytes]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else answers[part] or b"null" for part in parts)


class PlainMutations:
    """Makes and keeps plain mutations, and runs them."""

    def __init__(self, platform: SchemaPlatform) -> None:
        self._platform = platform
        self._kept: OrderedDict[Hashable, PlainMutation | None] = OrderedDict()

    async def answer(
        self, caller: Caller, asked: Asked, request: Request, session: Session | None = None
    ) -> Answer | None:
        """Answer a mutation; None where it takes the long way, and nothing was written.

        `session` is one of `Database.writing`, if there is one already.
        """
        mutation = self._of(caller, asked)
        if mutation is None:
            return None
        try:
            values = mutation.values(asked, request)
        except HansaError:  # said with its place the long way
            return None
        if values is None:
            return None
        try:
            if session is not None:
                found = await mutation.create.run(session, caller, request, values)
            else:
                async with self._platform.writing(caller) as session:
                    found = await mutation.create.run(session, caller, request, values)
        except Exception as error:  # told with its place, or logged under a reference
            return failed(located(error, mutation.nodes, mutation.key))
        if found is None:
            return None
        data = {mutation.key: msgspec.Raw(mutation.text(found))}
        return (
            {"data": None, "errors": too_large()} if is_too_large(data.values()) else {"data": data}
        )

    def _of(self, caller: Caller, asked: Asked) -> PlainMutation | None:
        """Return an operation as a plain mutation, None for any other."""
        if len(asked.text) > CHARACTERS_MAX:
            return None
        key = (asked.compiled.key, asked.text, asked.name, caller.grants.key)
        if key not in self._kept:
            self._kept[key] = self._made(caller, asked)
            if len(self._kept) > PLAIN_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _made(self, caller: Caller, asked: Asked) -> PlainMutation | None:
        if asked.operation.operation is not OperationType.MUTATION or "@" in asked.text:
            return None  # a directive may leave something out
        question = _question(asked, {})
        fields = question.collected(asked.operation.selection_set)
        if len(fields) != 1:
            return None
        ((key, nodes),) = fields.items()
        found = asked.root.fields.get(nodes[0].name.value)
        entity = None if found is None else created_entity(found)
        given = _given(nodes[0])
        if found is None or entity is None or given is None:
            return None
        defined = asked.operation.variable_definitions or ()
        if not given.names.issuperset(each.variable.name.value for each in defined):
            return None  # one may stand in the answer
        one = asked.compiled.api.entities[entity]
        payload = _Payload(question, entity)
        type_ = cast(GraphQLObjectType, get_named_type(found.type))
        try:
            write = payload.many if given.many else payload.one
            parts = write(type_.name, nodes)
            if parts is None or not all(map(_is_simple, payload.selections)):
                return None
            create = self._create(caller, entity, tuple(payload.selections))
        except (HiddenField, HansaError):  # said with its place the long way
            return None
        if create is None:
            return None
        return PlainMutation(key, nodes, one, given, create, parts)

    def _create(
        self, caller: Caller, entity: str, selections: tuple[Selection, ...]
    ) -> PlainCreate | None:
        def make() -> PlainCreate | None:
            return PlainCreate.of(caller, self._platform.events, entity, selections)

        table = caller.shape.table(entity)
        return kept(table, "plain", (caller.grants.key, selections), make, STATEMENTS_KEPT)


def _question(asked: Asked, variables: Mapping[str, object]) -> Question:
    values = VariableValues({}, dict(variables))
    return Question(asked.compiled.api, asked.compiled.schema, asked.fragments, values)


def _given(node: FieldNode) -> _Given | None:
    """Return what a mutation is given, None where that is more than records to create."""
    names: dict[str, str] = {}
    for argument in node.arguments or ():
        name, value = argument.name.value, argument.value
        if isinstance(value, VariableNode):
            names[name] = value.name.value
        elif name not in _NO_MATTER:
            return None
    known = next((name for name in (_ONE, _MANY) if name in names), None)
    if known is None:
        return None
    off = tuple(names[name] for name in _OFF if name in names)
    return _Given(names[known], known == _MANY, off, frozenset(names.values()))


def _is_simple(selection: Selection) -> bool:
    """Tell whether a selection holds no lists: their conditions are values, not names."""
    return all(
        not isinstance(item, ManySelection)
        and (not isinstance(item, RefSelection) or _is_simple(item.selection))
        for item in selection.items
    )


class _Payload:
    """Writes the JSON of payloads of created records, with holes for their answers."""

    def __init__(self, question: Question, entity: str) -> None:
        self._question = question
        self._entity = entity
        self.selections: list[Selection] = []

    def one(self, type_name: str, nodes: Nodes) -> tuple[bytes | Parts, ...] | None:
        """Return the payload of one record; None for one that asks for more than it knows."""
        parts = self._row(type_name, nodes)
        return None if parts is None else (parts,)

    def many(self, type_name: str, nodes: Nodes) -> tuple[bytes | Parts, ...] | None:
        """Return the payload of many records; None as `one`."""
        parts: list[bytes | Parts] = []
        row_type = f"{self._question.api.entities[self._entity].meta.type_name}RowResult"
        for key, asked in self._question.fields(nodes).items():
            match asked[0].name.value:
                case name if name == RESULTS:
                    row = self._row(row_type, asked)
                    if row is None:
                        return None
                    parts += (_opened(key, parts) + b"[", row, b"]")
                case "errors":
                    parts.append(_opened(key, parts) + b"[]")
                case name if name == TYPENAME:
                    parts.append(_opened(key, parts) + _quoted(type_name))
                case _:
                    return None
        return (*parts, b"}")

    def _row(self, type_name: str, nodes: Nodes) -> Parts | None:
        parts: list[bytes | int] = []
        for key, asked in self._question.fields(nodes).items():
            opened = _opened(key, parts)
            match asked[0].name.value:
                case name if name == RECORD:
                    parts += (opened, len(self.selections))
                    self.selections.append(self._question.record(self._entity, asked))
                case "errors":
                    parts.append(opened + b"[]")
                case "status":
                    parts.append(opened + _quoted(Status.CREATED.name))
                case name if name == TYPENAME:
                    parts.append(opened + _quoted(type_name))
                case _:
                    return None
        return (*parts, b"}")


def _opened(key: str, parts: Sequence[object]) -> bytes:
    """Return what goes before a value of an object."""
    return (b"," if parts else b"{") + _quoted(key) + b":"


def _quoted(name: str) -> bytes:
    return msgspec.json.encode(name)
