"""Generated rows and predicates of the synthetic plugin, for property tests."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, cast

from hypothesis import strategies as st

from hansa_core.model.meta import TEXT_KINDS, FieldMeta, Kind
from hansa_core.model.shape import Shape
from hansa_sdk import Currency, Money, Predicate, Quantity
from hansa_sdk.predicates import (
    And,
    Compare,
    Everything,
    Marker,
    Not,
    Operator,
    Or,
    Path,
    Quantifier,
    Related,
)
from tests.core.query.conftest import NOW, TEAMS, USER, full
from tests.core.query.plugin import Colour

Row = Mapping[str, object]
Draw = Callable[[st.SearchStrategy[object]], object]

CURRENCIES: Final = ("EUR", "USD", "JPY")
IDS: Final = tuple(uuid.UUID(int=number) for number in (0xA1, 0xB1, 0xB2, 1, 2**127))
# Letters that fold oddly, that LIKE treats specially, or that sort apart in bytes and words.
_LETTERS: Final = "aAbBzZäÄß\u0131İiI\u03c3Σςǅ éÉ_%!\\'\"$1:e\u0301𐐀𐐨ﬁ{},"
_TEXT: Final = st.text(alphabet=_LETTERS, max_size=3)
_PLACES: Final = {Kind.DECIMAL: 6, Kind.MONEY: 4, Kind.QUANTITY: 6}

_VALUES: Final[dict[Kind, st.SearchStrategy[object]]] = {
    Kind.TEXT: _TEXT,
    Kind.EMAIL: _TEXT,
    Kind.PHONE: _TEXT,
    Kind.URL: _TEXT,
    Kind.ENUM: st.sampled_from([str(each.value) for each in Colour]),
    Kind.CURRENCY: st.sampled_from(CURRENCIES),
    Kind.INTEGER: st.sampled_from([0, 1, -1, 7, 2**63 - 1, -(2**63)]),
    Kind.BOOLEAN: st.booleans(),
    Kind.DATE: st.sampled_from([date(1, 1, 1), date(2026, 11, 21), date(9999, 12, 31)]),
    Kind.INSTANT: st.sampled_from(
        [NOW, NOW + timedelta(microseconds=1), datetime(1970, 1, 1, tzinfo=UTC)]
    ),
    Kind.DURATION: st.sampled_from(
        [timedelta(0), timedelta(days=-1, microseconds=3), timedelta(hours=24), timedelta(days=30)]
    ),
    Kind.UUID: st.sampled_from(IDS),
    Kind.TEXT_LIST: st.lists(_TEXT, max_size=3),
    Kind.TRANSLATED: st.just("{}"),
    Kind.JSON: st.just("{}"),
}


def numbers(kind: Kind) -> st.SearchStrategy[Decimal]:
    """Few numbers, so that they meet: among them of many digits and of the smallest step."""
    step = Decimal(1).scaleb(-_PLACES[kind])
    return st.sampled_from(
        [Decimal(0), Decimal("1.5"), Decimal("-2"), step, Decimal(10**13) + step]
    )


def values(kind: Kind) -> st.SearchStrategy[object]:
    """Values a column of this kind may hold."""
    return numbers(kind) if kind in _PLACES else _VALUES[kind]


@dataclass(frozen=True)
class World:
    """Rows of both entities, by entity."""

    boxes: Sequence[Row]
    things: Sequence[Row]

    @property
    def rows(self) -> dict[str, Sequence[Row]]:
        """The rows by entity, in an order that foreign keys allow."""
        return {"probe.box": self.boxes, "probe.thing": self.things}

    @property
    def by_id(self) -> dict[str, dict[uuid.UUID, Row]]:
        """The rows by entity and id."""
        return {
            entity: {cast(uuid.UUID, row["id"]): row for row in rows}
            for entity, rows in self.rows.items()
        }


@st.composite
def worlds(draw: Draw, shape: Shape, *, things: int = 5) -> World:
    """Draw rows of both entities."""
    boxes: list[Row] = []
    for made in range(cast(int, draw(st.integers(0, 3)))):
        boxes.append(_row(draw, shape, "probe.box", made, {"outer": boxes}))
    count = cast(int, draw(st.integers(0, things)))
    targets = {"box": boxes}
    return World(boxes, [_row(draw, shape, "probe.thing", n, targets) for n in range(count)])


def _row(
    draw: Draw, shape: Shape, entity: str, made: int, targets: Mapping[str, Sequence[Row]]
) -> Row:
    drawn: dict[str, object] = {}
    for field in shape.entity(entity).stored:
        if field.system:
            continue
        if field.kind is Kind.REFERENCE:
            ids = [None, *(row["id"] for row in targets[field.name])]
            drawn[field.column] = draw(st.sampled_from(ids))
            continue
        drawn[field.column] = draw(st.none() | values(field.kind))
        if field.kind is Kind.QUANTITY and drawn[field.column] is not None:
            drawn[f"{field.column}_unit"] = draw(st.sampled_from(["kg", "m"]))
    number = cast(int, draw(st.integers(0, 3)))  # so that order of making is not order of ids
    drawn["id"] = uuid.UUID(int=(number << 126) + made)
    return full(shape.table(entity), **drawn)


def predicates(shape: Shape, entity: str, depth: int = 3) -> st.SearchStrategy[Predicate]:
    """Draw predicate trees on an entity over all its kinds, paths and relations."""
    leaves = st.one_of(_compares(shape, entity), st.just(Everything()))
    if depth == 0:
        return leaves
    part = _later(shape, entity, depth - 1)
    parts = st.lists(part, max_size=3).map(tuple)
    options: list[st.SearchStrategy[Predicate]] = [
        leaves,
        leaves,
        parts.map(And),
        parts.map(Or),
        part.map(Not),
    ]
    for path, target in _relations(shape, entity):
        inner = _later(shape, target, depth - 1)
        quantifier = st.sampled_from(["some", "none", "every"])
        options.append(
            st.builds(
                Related, st.just(path), cast("st.SearchStrategy[Quantifier]", quantifier), inner
            )
        )
    return st.one_of(options)


def _later(shape: Shape, entity: str, depth: int) -> st.SearchStrategy[Predicate]:
    return st.deferred(lambda: predicates(shape, entity, depth))


def _paths(shape: Shape, entity: str) -> list[tuple[Path, FieldMeta]]:
    """The fields of an entity that SQL knows, its reference's and the next reference's."""
    found: list[tuple[Path, FieldMeta]] = []
    heads: list[tuple[tuple[str, ...], str]] = [((), entity)]
    for names, at in heads:
        for field in shape.entity(at).fields.values():
            if not field.in_sql:
                continue
            found.append((Path(entity, (*names, field.name)), field))
            if field.kind is Kind.REFERENCE and len(names) < 2:
                heads.append(((*names, field.name), field.target))
    return found


def _relations(shape: Shape, entity: str) -> list[tuple[Path, str]]:
    prefix = () if entity == "probe.box" else ("box",)
    return [
        (Path(entity, (*prefix, many.name)), many.target)
        for many in shape.entity("probe.box").relations.values()
    ]


@st.composite
def _compares(draw: Draw, shape: Shape, entity: str) -> Predicate:
    paths = _paths(shape, entity)
    path, field = cast("tuple[Path, FieldMeta]", draw(st.sampled_from(paths)))
    operators: list[str] = ["is_null"]
    if field.kind in TEXT_KINDS:
        operators += ["contains", "starts_with", "ends_with", "in"]
    if field.kind is Kind.TEXT_LIST:
        operators += ["contains", "contains"]
    elif field.kind not in (Kind.TRANSLATED, Kind.JSON):
        operators += ["eq", "ne", "lt", "le", "gt", "ge"]
        operators += [] if field.kind is Kind.QUANTITY else ["in"]
    operator = cast(Operator, draw(st.sampled_from(operators)))
    if operator == "is_null":
        return Compare(path, operator, draw(st.booleans()))
    exact = cast(bool, draw(st.booleans()))
    if field.kind is Kind.MONEY:
        return _money(draw, path, field, operator)
    plain = _operand(draw, field)
    if operator == "in":
        listed = cast("list[object]", draw(st.lists(_strategy(field), max_size=3)))
        if field.kind in (Kind.UUID, Kind.REFERENCE) and draw(st.booleans()):
            return Compare(path, operator, Marker.CURRENT_TEAMS)
        return Compare(path, operator, tuple(listed), exact)
    others = [other for other, meta in paths if meta.kind is field.kind]
    comparable = field.kind not in (Kind.QUANTITY, Kind.TEXT_LIST)
    if operator in ("eq", "ne", "lt", "le", "gt", "ge") and comparable and draw(st.booleans()):
        return Compare(path, operator, draw(st.sampled_from(others)), exact)
    marker = {Kind.UUID: Marker.CURRENT_USER, Kind.INSTANT: Marker.NOW}.get(field.kind)
    if marker is not None and draw(st.booleans()):
        return Compare(path, operator, marker)
    return Compare(path, operator, plain, exact)


def _strategy(field: FieldMeta) -> st.SearchStrategy[object]:
    if field.kind is Kind.REFERENCE or field.name == "id":
        return st.sampled_from(IDS)
    if field.kind is Kind.TEXT_LIST:
        return _TEXT
    return values(field.kind)


def _operand(draw: Draw, field: FieldMeta) -> object:
    value = draw(_strategy(field))
    if field.kind is Kind.QUANTITY:
        return Quantity(cast(Decimal, value), cast(str, draw(st.sampled_from(["kg", "m"]))))
    return value


def _money(draw: Draw, path: Path, field: FieldMeta, operator: Operator) -> Predicate:
    """Compare with a Money, with a plain amount beside its currency, or with a sibling amount."""
    currency = cast(str, draw(st.sampled_from(CURRENCIES)))
    amounts = cast("list[Decimal]", draw(st.lists(numbers(Kind.MONEY), min_size=1, max_size=3)))
    beside = Path(path.entity, (*path.names[:-1], field.currency_field))
    given: object
    if draw(st.booleans()):
        given = tuple(amounts) if operator == "in" else amounts[0]
        part = Compare(path, operator, given)
        return And((Compare(beside, "eq", currency), Or((part, Not(part)))))
    if operator != "in" and path.names[-1] == "price" and path.entity == "probe.thing":
        if len(path.names) == 1 and draw(st.booleans()):
            return Compare(path, operator, Path(path.entity, ("cost",)))
    sums = tuple(Money(amount, Currency(currency)) for amount in amounts)
    return Compare(path, operator, sums if operator == "in" else sums[0])


assert USER in IDS
assert set(TEAMS) <= set(IDS)
