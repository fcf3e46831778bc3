"""Groups: records of one entity counted and added up by the values of some fields.

The columns are those of any read: a record that may not be seen is in no group, a masked value is
null. Amounts are added up only where a key or the filter holds their currency.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.model.meta import ORDERED_KINDS, Kind
from hansa_core.query.conditions import Route, fixed_by, mismatch, route_to
from hansa_core.query.late import Late
from hansa_core.query.lists import Listing
from hansa_core.query.plan import TYPENAME, PageRequest, Selection
from hansa_core.query.predicates import SqlCompiler, matches
from hansa_core.query.spelling import spelt, spelt_number
from hansa_core.query.sqltypes import operand, sql_type
from hansa_sdk import Invalid, LimitExceeded
from hansa_sdk.predicates import Everything, Operator, Path, Predicate

if TYPE_CHECKING:
    from hansa_core.query.compose import Composer

Column: TypeAlias = sa.ColumnElement[Any]  # a column of whatever SQL type

KEYS_MAX: Final = 6
GROUPS_DEFAULT: Final = 100
GROUPS_MAX: Final = 1000
AVERAGE_DECIMALS: Final = 6
"""Decimals of an average, which need not have an end."""
_MANY_DECIMALS: Final[sa.ColumnElement[Decimal]] = sa.literal_column(
    "1.0000000000000000", sa.Numeric()
)

Bucket: TypeAlias = Literal["hour", "day", "week", "month", "quarter", "year"]
Figure: TypeAlias = Literal["count", "sum", "avg", "min", "max"]

NUMBERS: Final = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.MONEY})
"""Kinds that are added up."""
RANGES: Final = frozenset(ORDERED_KINDS) - {Kind.BOOLEAN, Kind.UUID, Kind.REFERENCE}
"""Kinds that have a least and a greatest value."""
_TEXTUAL: Final[Mapping[str, Operator]] = {
    "contains": "contains",
    "startsWith": "starts_with",
    "endsWith": "ends_with",
}
_BUCKETED: Final = frozenset({Kind.DATE, Kind.INSTANT})


@dataclass(frozen=True, slots=True)
class GroupKey:
    """One field records are grouped by; dates and moments by a stretch of time in `zone`."""

    name: str
    path: Path
    bucket: Bucket | None = None
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class FigureOf:
    """A figure over a field of the group's records; the number of records has no field."""

    figure: Figure
    name: str = ""


@dataclass(frozen=True, slots=True)
class Having:
    """A condition on a group's figure: `between` and `in` take lists."""

    of: FigureOf
    operator: str
    value: object


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """One key of the order of groups: a figure, or the name of a key."""

    by: FigureOf | str
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class KeyItem:
    """A key's value under a response key; a reference's record as far as it is selected.

    Without a path it is the type's name.
    """

    key: str
    name: str
    path: Path | None
    selection: Selection | None = None


@dataclass(frozen=True, slots=True)
class KeysPart:
    """The values a group's records share."""

    key: str
    items: tuple[KeyItem, ...]


@dataclass(frozen=True, slots=True)
class CountItem:
    """The number of a group's records."""

    key: str


@dataclass(frozen=True, slots=True)
class FiguresPart:
    """Figures over fields: (response key, field's name) each."""

    key: str
    figure: Figure
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class NamePart:
    """The type's name."""

    key: str
    text: str


GroupPart: TypeAlias = KeysPart | CountItem | FiguresPart | NamePart


@dataclass(frozen=True, slots=True)
class GroupRequest:
    """Groups of an entity's records, at most `first` of them in the order asked."""

    parts: tuple[GroupPart, ...]
    by: tuple[GroupKey, ...] = ()
    where: Predicate | None = None
    search: str | Late | None = None
    having: tuple[Having, ...] = ()
    order: tuple[GroupOrder, ...] = ()
    first: int | None = None
    with_archived: bool = False


class Groups:
    """The groups of one request, in a statement."""

    def __init__(self, composer: Composer, entity: str, request: GroupRequest) -> None:
        self._composer = composer
        self._compiler: SqlCompiler = composer.compiler
        self._entity = entity
        self._meta = self._compiler.shape.entities[entity]
        self._request = request
        listed = PageRequest(
            where=request.where, search=request.search, with_archived=request.with_archived
        )
        self._listing = Listing(self._compiler, entity, listed)
        self._fixed = set(fixed_by(Everything() if request.where is None else request.where))
        self._size = _size(request.first)
        self._keys = self._keyed()
        self._figures: dict[FigureOf, Column] = {}

    def json(self) -> Column:
        """Return the JSON array of the groups.

        Raises Invalid, CurrencyMismatch and LimitExceeded for groups that cannot be meant.
        """
        asked = [figure for part in self._request.parts for figure in _figures(part)]
        labels = {figure: f"a{n}" for n, figure in enumerate(dict.fromkeys(asked))}
        columns: list[Column] = [
            column.label(f"k{n}") for n, (_, _, column) in enumerate(self._keys)
        ]
        columns += [self._figure(figure).label(label) for figure, label in labels.items()]
        listing = self._listing
        columns.append(sa.literal_column("1", sa.Integer()).label("one"))
        query = sa.select(*columns).select_from(listing.table).where(*listing.conditions)
        query = query.group_by(*(_nth(n) for n in range(len(self._keys))))
        query = query.having(sa.true(), *(self._having(each) for each in self._request.having))
        query = query.order_by(*self._order()).limit(sa.literal_column(str(self._size)))
        rows = query.subquery("groups")
        group = self._composer.entries(
            [(part.key, self._part(part, rows, labels)) for part in self._request.parts]
        )
        listed = sa.func.coalesce(sa.func.json_agg(group), sa.literal_column("'[]'", sa.JSON()))
        return sa.select(listed).select_from(rows).scalar_subquery()

    def _keyed(self) -> list[tuple[GroupKey, Route, Column]]:
        if len(self._request.by) > KEYS_MAX:
            raise LimitExceeded(
                f"Groups have at most {KEYS_MAX} keys, found {len(self._request.by)}.", path=("by",)
            )
        keyed: list[tuple[GroupKey, Route, Column]] = []
        for position, key in enumerate(self._request.by):
            if any(key.name == other.name for other in self._request.by[:position]):
                raise Invalid(f"{key.name} stands twice among the keys.", path=("by", position))
            route = route_to(self._compiler.shape.entities, self._entity, key.path)
            if route.field.kind not in ORDERED_KINDS:
                raise Invalid(f"Records are not grouped by {key.name}.", path=("by", position))
            if route.field.kind is Kind.MONEY and route.unit_names not in self._held():
                raise mismatch(route)
            keyed.append((key, route, self._bucketed(key, route, position)))
        return keyed

    def _bucketed(self, key: GroupKey, route: Route, position: int) -> Column:
        column = self._compiler.route(route, self._listing.table)
        if key.bucket is None:
            return column
        if route.field.kind not in _BUCKETED or (
            key.bucket == "hour" and route.field.kind is Kind.DATE
        ):
            raise Invalid(
                f"{key.name} has no {key.bucket}s.",
                next_step="Bucket dates and moments only.",
                path=("by", position, "bucket"),
            )
        bucket: Column = sa.literal_column(f"'{key.bucket}'")
        if route.field.kind is Kind.DATE:
            moment = sa.cast(column, sa.DateTime())
            return sa.cast(sa.func.date_trunc(bucket, moment), sa.Date())
        zone = sa.literal(key.zone, sa.Text())
        return sa.func.date_trunc(bucket, column, zone, type_=sa.DateTime(timezone=True))

    def _held(self) -> set[tuple[str, ...]]:
        """Return the paths that have one value in each group.

        A masked key has not: its group of nulls is of all that the caller may not see.
        """
        plain = {key.path.names for key in self._request.by if key.bucket is None}
        return self._fixed | {names for names in plain if not self._may_be_masked(names)}

    def _may_be_masked(self, names: tuple[str, ...]) -> bool:
        name, *crossed = names
        if crossed:
            return True  # null where the record in between is not visible
        return self._compiler.unmasked(self._entity, name, self._listing.table) is not None

    def _figure(self, of: FigureOf) -> Column:
        if of not in self._figures:
            self._figures[of] = self._made(of)
        return self._figures[of]

    def _made(self, of: FigureOf) -> Column:
        if of.figure == "count":
            return sa.func.count()
        field = self._meta.fields[of.name]
        route = Route(self._entity, (), field)
        if field.kind is Kind.MONEY and route.unit_names not in self._held():
            raise mismatch(route)
        column = self._compiler.column(self._entity, of.name, self._listing.table)
        match of.figure:
            case "sum":
                return sa.func.sum(column)
            case "avg":
                places: Column = sa.literal_column(str(AVERAGE_DECIMALS))
                # avg() of a large sum keeps fewer decimals than the sum has digits behind a point.
                exact = sa.cast(sa.func.sum(column), sa.Numeric()) * _MANY_DECIMALS
                return sa.func.round(exact / sa.func.count(column), places)
            case "min":
                return sa.func.min(column)
            case _:
                return sa.func.max(column)

    def _having(self, having: Having) -> sa.ColumnElement[bool]:
        column = self._figure(having.of)
        if having.operator == "isNull":
            return column.is_(None) if having.value else column.is_not(None)
        if having.operator in _TEXTUAL:
            return matches(column, _TEXTUAL[having.operator], having.value)
        kind = self._kind(having.of)
        several = isinstance(having.value, list)
        values = cast("list[object]", having.value) if several else [having.value]
        bound = [operand(kind, value) for value in (values[0], values[-1])]
        listed = sa.literal(values, postgresql.ARRAY(sql_type(kind)))
        compared: dict[str, sa.ColumnElement[bool]] = {
            "eq": column == bound[0],
            "ne": column != bound[0],
            "lt": column < bound[0],
            "lte": column <= bound[0],
            "gt": column > bound[0],
            "gte": column >= bound[0],
            "in": column == sa.any_(listed),
            "notIn": column != sa.all_(listed),
            "between": column.between(bound[0], bound[-1]),
        }
        return compared[having.operator]

    def _kind(self, of: FigureOf) -> Kind:
        if of.figure == "count":
            return Kind.INTEGER
        kind = self._meta.fields[of.name].kind
        return Kind.DECIMAL if of.figure in ("sum", "avg") else kind

    def _order(self) -> Sequence[Column]:
        """Return the order asked, completed with the keys: groups differ in them."""
        names = [key.name for key, _, _ in self._keys]
        ordered: list[Column] = []
        for each in self._request.order:
            if isinstance(each.by, FigureOf):
                column = self._figure(each.by)
            elif each.by in names:
                column = _nth(names.index(each.by))
            else:
                raise Invalid(
                    f"Groups are ordered by {each.by}, which is no key of them.",
                    next_step="Add it to `by`, or order by another.",
                    path=("orderBy",),
                )
            directed = column.desc() if each.descending else column.asc()
            ordered.append(directed.nulls_first() if each.nulls_first else directed.nulls_last())
        return [*ordered, *(_nth(n).asc().nulls_last() for n in range(len(self._keys)))]

    def _part(self, part: GroupPart, rows: sa.Subquery, labels: dict[FigureOf, str]) -> Column:
        match part:
            case KeysPart():
                return self._composer.entries(
                    [(item.key, self._key(item, rows)) for item in part.items]
                )
            case CountItem():
                return rows.c[labels[FigureOf("count")]]
            case FiguresPart():
                return self._composer.entries(
                    [(key, self._spelt(part, name, rows, labels)) for key, name in part.items]
                )
            case NamePart():
                return sa.literal_column(f"'{part.text}'", sa.Text())

    def _typename(self, part: FiguresPart) -> str:
        numbers = part.figure in ("sum", "avg")
        return f"{self._meta.type_name}{'Numbers' if numbers else 'Range'}"

    def _spelt(
        self, part: FiguresPart, name: str, rows: sa.Subquery, labels: dict[FigureOf, str]
    ) -> Column:
        if name == TYPENAME:
            return sa.literal_column(f"'{self._typename(part)}'", sa.Text())
        column = rows.c[labels[FigureOf(part.figure, name)]]
        if part.figure in ("sum", "avg"):
            return spelt_number(sa.cast(column, sa.Numeric()))
        return spelt(self._meta.fields[name], column)

    def _key(self, item: KeyItem, rows: sa.Subquery) -> Column:
        """Return the value of a key; null for one the records are not grouped by."""
        if item.path is None:
            return sa.literal_column(f"'{self._meta.type_name}GroupKeys'", sa.Text())
        for position, (key, route, _) in enumerate(self._keys):
            if key.name == item.name:
                column = rows.c[f"k{position}"]
                if item.selection is not None:
                    return self._composer.referred(route.field, column, rows, item.selection)
                return spelt(route.field, column)
        route = route_to(self._compiler.shape.entities, self._entity, item.path)
        self._compiler.route(route, self._listing.table)  # refused here where it is hidden
        return sa.null()


def _nth(position: int) -> Column:
    """Return a key by its place: written out again, its parameters would make it another one."""
    return sa.literal_column(str(position + 1))


def _figures(part: GroupPart) -> list[FigureOf]:
    if isinstance(part, CountItem):
        return [FigureOf("count")]
    if isinstance(part, FiguresPart):
        return [FigureOf(part.figure, name) for _, name in part.items if name != TYPENAME]
    return []


def _size(first: int | None) -> int:
    size = GROUPS_DEFAULT if first is None else first
    if size < 0:
        raise Invalid(f"first is {size}; expected 0 or more.", path=("first",))
    if size > GROUPS_MAX:
        raise LimitExceeded(
            f"first is {size}; at most {GROUPS_MAX} groups are answered.",
            next_step="Group by fewer fields, or filter with where or having.",
            path=("first",),
        )
    return size
