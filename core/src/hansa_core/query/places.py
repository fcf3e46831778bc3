"""Places in an answer that Python fills: sealed cursors, and fields computed in Python.

The statement writes `{"<nonce>" : [site, ...]}` there, and `fill` puts the site's text in its
place. The nonce comes with the request, so no stored value can look like such a mark.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final, Protocol, cast
from uuid import UUID

from hansa_core.model.instances import to_record
from hansa_core.model.meta import EntityMeta, FieldMeta, Kind
from hansa_core.query.cursor import CursorScope
from hansa_core.query.keyset import Key
from hansa_core.query.late import Late, Request, resolved
from hansa_core.query.plan import PageRequest
from hansa_core.query.spelling import read_duration, read_value, write_value
from hansa_sdk import Entity, Invalid, Link, Money, Order, Translated

_DECODER: Final = json.JSONDecoder(parse_float=Decimal)


class Site(Protocol):
    """What Python puts at one kind of place."""

    def fill(self, found: Sequence[object], request: Request) -> str:
        """Return the JSON text for what the statement wrote after the site's number."""
        ...


def fill(text: str, sites: Sequence[Site], request: Request) -> str:
    """Return an answer's text with every marked place filled."""
    mark = f'{{"{request.nonce}" : '
    parts: list[str] = []
    start = 0
    while (at := text.find(mark, start)) >= 0:
        found, end = cast("tuple[list[object], int]", _DECODER.raw_decode(text, at + len(mark)))
        parts += (text[start:at], sites[cast(int, found[0])].fill(found[1:], request))
        start = end + 1  # behind the closing brace
    return "".join((*parts, text[start:]))


@dataclass(frozen=True, slots=True, eq=False)
class ListPlace:
    """The cursors of one list: made after its keys, opened for them."""

    entity: str
    request: PageRequest
    order: tuple[Order, ...]
    keys: tuple[Key, ...]
    relation: str = ""

    def scope(self, request: Request) -> CursorScope:
        """Return what this list's cursors are bound to in a request."""
        known = request.memo.get(self)
        if known is None:
            asked = self.request
            values = (
                resolved(asked.where, request),
                resolved(asked.search, request),
                asked.with_archived,
            )
            known = CursorScope(
                request.tenant,
                request.identity,
                self.entity,
                repr(self.order),
                hashlib.sha256(repr(values).encode("utf-8", "backslashreplace")).hexdigest(),
                self.relation,
            )
            request.memo[self] = known
        return cast(CursorScope, known)

    def fill(self, found: Sequence[object], request: Request) -> str:
        """Seal the cursor of a record: its keys, and its owner in a relation."""
        values = [_read_key(k.kind, v) for k, v in zip(self.keys, found, strict=False)]
        if self.relation:
            values.append(UUID(str(found[-1])))
        return f'"{request.cursors.seal(values, self.scope(request))}"'


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """The cursor a page starts at."""

    place: ListPlace
    cursor: str | Late

    def values(self, request: Request) -> tuple[object, ...]:
        """Return the keys in the cursor; raises Invalid for one of another list."""
        known = request.memo.get(self)
        if known is None:
            text = resolved(self.cursor, request)
            known = request.cursors.open(str(text), self.place.scope(request))
            request.memo[self] = known
        return cast("tuple[object, ...]", known)


@dataclass(frozen=True, slots=True, eq=False)
class OpenedKey:
    """One value of the cursor a page starts at."""

    opened: Opened
    position: int

    def take(self, request: Request) -> object:
        """Return the value; raises Invalid for a cursor of another list."""
        return self.opened.values(request)[self.position]


@dataclass(frozen=True, slots=True, eq=False)
class ForeignCursor:
    """Where a cursor of one record's list was given for the list of another."""

    name: str
    path: tuple[str | int, ...]

    def fill(self, found: Sequence[object], request: Request) -> str:
        """Refuse the request."""
        raise Invalid(
            f"{self.name}: a cursor continues the list of the one record it came from.",
            next_step="Ask for that record alone.",
            path=self.path,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ComputedPlace:
    """A field computed in Python of its record's stored fields."""

    meta: EntityMeta
    field: FieldMeta
    names: tuple[str, ...]
    masked: bool

    def fill(self, found: Sequence[object], request: Request) -> str:
        """Compute the field of one record and spell the result.

        `masked` says that the caller may not see all it is computed of. What cannot be computed
        of the rest is null then, as the fields that lack are.
        """
        row = {
            name: read_raw(self.meta.fields.get(name), value)
            for name, value in zip(self.names, found, strict=True)
        }
        compute = cast("Callable[[Entity], object]", self.field.compute)
        try:
            value = _plain(compute(to_record(self.meta, row)))
        except Exception:
            if self.masked:
                return "null"
            raise
        return dumps(write_value(self.field, value))


def dumps(value: object) -> str:
    """Return a value as JSON text, exact decimals as numbers."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value).items()
        return "{" + ",".join(f"{json.dumps(key)}:{dumps(each)}" for key, each in entries) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(dumps(each) for each in cast("Sequence[object]", value)) + "]"
    return json.dumps(value)


def read_raw(field: FieldMeta | None, value: object) -> object:
    """Return a stored value as rows hold it: enums as stored, amounts without their unit."""
    if field is None or value is None or field.kind is Kind.ENUM:
        return value
    return Decimal(str(value)) if field.kind is Kind.QUANTITY else read_value(field, value)


def _plain(value: object) -> object:
    """Return what a computed field answered as a plain value."""
    match value:
        case Money():
            return value.value
        case Enum():
            return cast(object, value.value)
        case Translated():
            return dict(value.texts)
        case Link():
            return cast("Link[object]", value).id
        case Entity():
            return value.id
        case _:
            return value


def _read_key(kind: Kind, value: object) -> object:
    if value is None:
        return None
    text = str(value)
    match kind:
        case Kind.DECIMAL | Kind.MONEY:
            return Decimal(text)
        case Kind.INSTANT:
            return datetime.fromisoformat(text)
        case Kind.DATE:
            return date.fromisoformat(text)
        case Kind.DURATION:
            return read_duration(text)
        case Kind.UUID | Kind.REFERENCE:
            return UUID(text)
        case _:
            return value
