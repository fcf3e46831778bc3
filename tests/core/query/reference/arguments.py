"""Random arguments as plain data: conditions, orders, pages, groups; and other ones like them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final, cast

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull

from hansa_core.model.meta import ORDERED_KINDS, TEXT_KINDS, EntityMeta, FieldMeta, Kind
from hansa_core.model.shape import Shape
from hansa_core.query.groups import NUMBERS, RANGES
from tests.core.query.generated import CURRENCIES, IDS, World
from tests.core.query.reference import rows
from tests.core.query.reference.values import plain, written

Given = dict[str, Any]  # plain data of any shape

ZONES: Final = ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York")
_EQUAL: Final = ("eq", "ne", "in", "notIn", "isNull")
_RANGE: Final = ("lt", "lte", "gt", "gte", "between")
_TEXTUAL: Final = ("contains", "startsWith", "endsWith")
_DATE_BUCKETS: Final = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
_KEPT: Final = ("after", "before", "field", "bucket")
_PLANNED: Final = ("first", "last", "direction", "nulls", "timeZone", "having")
_NO_VALUES: Final = (Kind.QUANTITY, Kind.TRANSLATED, Kind.REFERENCE)


def operators(field: FieldMeta) -> tuple[str, ...]:
    """Return the operators of a field's filter."""
    match field.kind:
        case Kind.JSON | Kind.TEXT_LIST:
            return ("isNull",)
        case Kind.BOOLEAN:
            return ("eq", "ne", "isNull")
        case Kind.ENUM | Kind.UUID:
            return _EQUAL
        case kind if kind in TEXT_KINDS:
            return (*_EQUAL, *_RANGE, *_TEXTUAL)
        case _:
            return (*_EQUAL, *_RANGE)


def known(meta: EntityMeta) -> list[FieldMeta]:
    """Return the fields that lists are filtered and ordered by: roll-ups and formulas, too."""
    return [field for field in meta.fields.values() if field.in_sql]


def inside(type_: object) -> object:
    """Return the type in a list or non-null type."""
    return cast(object, cast(Any, type_).of_type)  # lists and non-nulls of any type


def nullable(type_: object) -> object:
    """Return the type without its non-null."""
    return inside(cast(object, type_)) if isinstance(type_, GraphQLNonNull) else type_


class Arguments:
    """Draws arguments for the rows of one world."""

    def __init__(self, random: Random, shape: Shape, world: World) -> None:
        self._random = random
        self._shape = shape
        self._ids = {
            entity: [str(row["id"]) for row in listed] for entity, listed in world.rows.items()
        }

        names = [row["name"] for listed in world.rows.values() for row in listed]
        self._texts = [str(name) for name in names if name]

    def chance(self, part: float) -> bool:
        """Decide by chance."""
        return self._random.random() < part

    def id(self, entity: str) -> str:
        """Return the id of a record, seldom of none."""
        return self._random.choice([*self._ids[entity], str(IDS[0])])

    def size(self) -> int:
        """Return the size of a page."""
        return self._random.choice([0, 1, 2, 2, 3, 3, 4, 5, 8])

    def text(self) -> str:
        """Return a text that records hold, or a part of one, or any."""
        drawn = self._random.choice(self._texts)
        start = self._random.randrange(len(drawn))
        some = (drawn, drawn[start], drawn[start:], rows.text(self._random))
        return self._random.choice(some)

    def words(self) -> str:
        """Return what to search for."""
        return " ".join(self.text()[:1] for _ in range(self._random.choice([0, 1, 1, 1, 2])))

    def value(self, entity: str, field: FieldMeta) -> object:
        """Return a value of a field as a document gives it."""
        if field.kind is Kind.REFERENCE:
            return self.id(field.target)
        if field.name == "id":
            return self.id(entity)
        if field.name == "version":
            return self._random.randrange(4)
        if field.kind in TEXT_KINDS - {Kind.ENUM, Kind.CURRENCY}:
            return self.text()
        return written(field, rows.value(self._random, field.kind))

    def condition(self, entity: str, field: FieldMeta, *, among: Callable[[str], bool]) -> Given:
        """Return conditions on one field; `among` tells which operators are wanted."""
        wanted = [each for each in operators(field) if among(each)]
        return {
            operator: self._operand(entity, field, operator)
            for operator in self._random.sample(wanted, k=min(len(wanted), self._few()))
        }

    def _few(self) -> int:
        return 2 if self.chance(0.2) else 1

    def _operand(self, entity: str, field: FieldMeta, operator: str) -> object:
        if operator == "isNull":
            return self.chance(0.5)
        if operator == "between":
            return [self.value(entity, field) for _ in range(2)]
        if operator in ("in", "notIn"):
            least = 1 if field.kind is Kind.MONEY else 0
            return [self.value(entity, field) for _ in range(self._random.randint(least, 3))]
        return self.value(entity, field)

    def where(self, entity: str, depth: int = 3) -> Given:
        """Return a `where`; amounts are compared beside their currency."""
        meta = self._shape.entity(entity)
        given: Given = {}
        for _ in range(self._random.choice([1, 1, 1, 2, 3])):
            chosen = self._random.random()
            if depth == 0 or chosen < 0.55:
                self._field(meta, given)
            elif chosen < 0.7:
                name = self._random.choice(["and", "or", "or"])
                parts = range(self._random.choice([0, 1, 2, 2, 3]))
                given[name] = [self.where(entity, depth - 1) for _ in parts]
            elif chosen < 0.78:
                given["not"] = self.where(entity, depth - 1)
            elif chosen < 0.9 or not meta.relations:
                (reference,) = [each for each in meta.stored if each.kind is Kind.REFERENCE]
                given[reference.api_name] = self._across(reference, depth - 1)
            else:
                many = self._random.choice(list(meta.relations.values()))
                words = self._random.sample(["some", "none", "every"], k=self._few())
                given[many.api_name] = {
                    word: self.where(many.target, depth - 1) if self.chance(0.9) else {}
                    for word in words
                }
                if self.chance(0.3):
                    given[many.api_name]["archived"] = self.chance(0.7)
        return given

    def _across(self, reference: FieldMeta, depth: int) -> Given:
        across = self.where(reference.target, depth) if self.chance(0.8) else {}
        if self.chance(0.3):
            across["id"] = self.condition(
                reference.target,
                self._shape.entity(reference.target).fields["id"],
                among=lambda _: True,
            )
        return across

    def _field(self, meta: EntityMeta, given: Given) -> None:
        fields = [field for field in known(meta) if field.kind not in _NO_VALUES]
        field = self._random.choice(fields)
        if field.name == "currency" and "currency" in given:
            return
        given[field.api_name] = self.condition(meta.name, field, among=lambda _: True)
        if field.kind is Kind.MONEY:
            self.hold(given, "currency")

    def hold(self, where: Given, *names: str) -> None:
        """Let a `where` hold the currency at a path at one value."""
        for name in names[:-1]:
            where = where.setdefault(name, {})
        where["currency"] = {"eq": self._random.choice(CURRENCIES)}

    def like(self, old: object, type_: object, path: tuple[str, ...], *, calm: bool) -> object:
        """Return other plain data of the same form; `path` are the names it stands under.

        With `calm`, what a plan may depend on stays as it is: sizes, directions, truths.
        """
        name = str(type_)
        if isinstance(type_, GraphQLNonNull):
            return self.like(old, inside(cast(object, type_)), path, calm=calm)
        if old is None or path[-1] in _KEPT or (calm and path[-1] in _PLANNED):
            return old
        if isinstance(type_, GraphQLList) and isinstance(old, list):
            inner = inside(cast(object, type_))
            several = [
                self.like(each, inner, path, calm=calm) for each in cast("list[object]", old)
            ]
            if path[-1] in ("in", "notIn") and several and self.chance(0.3):
                several.append(several[0])
            return several
        if isinstance(type_, GraphQLInputObjectType):
            return {
                key: self.like(each, type_.fields[key].type, (*path, key), calm=calm)
                for key, each in cast("Mapping[str, object]", old).items()
            }
        if isinstance(type_, GraphQLEnumType):
            return self._random.choice(list(type_.values))
        if calm and isinstance(old, bool):
            return old
        return self._scalar(name, old, path)

    def _scalar(self, type_: str, old: object, path: tuple[str, ...]) -> object:
        kinds = {
            "Decimal": Kind.DECIMAL,
            "BigInt": Kind.INTEGER,
            "Boolean": Kind.BOOLEAN,
            "Date": Kind.DATE,
            "DateTime": Kind.INSTANT,
            "Duration": Kind.DURATION,
            "UUID": Kind.UUID,
        }
        if type_ in kinds:
            return plain(rows.value(self._random, kinds[type_]))
        if type_ == "Int":
            return self._random.randint(0, max(cast(int, old), 1))
        if type_ == "ID":
            return self._random.choice([old, *(id for ids in self._ids.values() for id in ids)])
        if "currency" in path:
            return self._random.choice(CURRENCIES)
        if path[-1] == "timeZone":
            return self._random.choice(ZONES)
        return self.words() if path[-1] == "search" else self.text()

    def order(self, entity: str, where: Given) -> list[Given]:
        """Return an `orderBy`; for amounts, `where` is made to hold their currency."""
        keys: list[Given] = []
        for _ in range(self._random.choice([1, 1, 2, 3])):
            name, field = self._random.choice(self.ordered(entity))
            if field.kind is Kind.MONEY:
                head, _, rest = name.partition("_")
                self.hold(where, *((head, rest) if rest else (head,)))
            keys.append({"field": name, **self._direction()})
        return keys

    def _direction(self) -> Given:
        given: Given = {}
        if self.chance(0.5):
            given["direction"] = self._random.choice(["ASC", "DESC"])
        if self.chance(0.4):
            given["nulls"] = self._random.choice(["FIRST", "LAST"])
        return given

    def ordered(self, entity: str) -> list[tuple[str, FieldMeta]]:
        """Return what orders and groups name: own fields, and those across a reference."""
        meta = self._shape.entity(entity)
        found = [(field.api_name, field) for field in known(meta) if field.kind in ORDERED_KINDS]
        for reference in meta.stored:
            if reference.kind is Kind.REFERENCE:
                found += [
                    (f"{reference.api_name}_{field.api_name}", field)
                    for field in known(self._shape.entity(reference.target))
                    if field.kind in ORDERED_KINDS and not field.system
                ]
        return found

    def pages(self, entity: str) -> Given:
        """Return the arguments of a list."""
        given: Given = {}
        where = self.where(entity) if self.chance(0.6) else {}
        if where and self.chance(0.3):  # or else few conditions of several leave a record
            where = {"or": [where, {"version": {"gte": 2}}]}
        if self.chance(0.6):
            given["orderBy"] = self.order(entity, where)
        if where or self.chance(0.1):
            given["where"] = where
        if self.chance(0.08):
            given["search"] = self.words()
        if self.chance(0.8):
            given[self._random.choice(["first", "first", "last"])] = self.size()
        for name in ("after", "before", "orderBy", "search"):
            if self.chance(0.06):
                given.setdefault(name, None)
        return given

    def groups(self, entity: str) -> tuple[Given, bool]:
        """Return the arguments of groups, and whether they may add up amounts."""
        given: Given = {}
        where = self.where(entity, 2) if self.chance(0.5) else {}
        by: list[Given] = []
        named = self.ordered(entity)
        for name, field in self._random.sample(named, k=self._random.choice([0, 1, 1, 1, 2, 3])):
            if field.kind is not Kind.MONEY:
                by.append({"field": name, **self._bucket(field)})
        # the currency of things is masked for one caller, so it does not keep amounts apart
        amounts = {"field": "currency"} in by and entity == "probe.box"
        if self.chance(0.3):
            self.hold(where, "currency")
            amounts = True
        if by:
            given["by"] = by
        if where:
            given["where"] = where
        if self.chance(0.1):
            given["search"] = self.words()
        if self.chance(0.25):
            given["having"] = self._having(entity, amounts=amounts)
        if self.chance(0.6):
            names = ["count", *(key["field"] for key in by)]
            names += [f"{figure}_{f.api_name}" for figure, f in self.figures(entity, amounts)]
            given["orderBy"] = [
                {"field": name, **self._direction()} for name in self._random.sample(names, k=1)
            ]
        if self.chance(0.3):
            given["first"] = self.size()
        return given, amounts

    def _bucket(self, field: FieldMeta) -> Given:
        if field.kind not in (Kind.DATE, Kind.INSTANT) or self.chance(0.3):
            return {}
        if field.kind is Kind.DATE:
            return {"bucket": self._random.choice(_DATE_BUCKETS)}
        bucket: Given = {"bucket": self._random.choice(["HOUR", *_DATE_BUCKETS])}
        if self.chance(0.7):
            bucket["timeZone"] = self._random.choice(ZONES)
        return bucket

    def figures(self, entity: str, amounts: bool) -> list[tuple[str, FieldMeta]]:
        """Return the figures a group has; those of amounts where they may be added up."""
        fields = known(self._shape.entity(entity))
        return [
            (figure, field)
            for figure in ("sum", "avg", "min", "max")
            for field in fields
            if field.kind in (NUMBERS if figure in ("sum", "avg") else RANGES)
            and (amounts or field.kind is not Kind.MONEY)
        ]

    def _having(self, entity: str, *, amounts: bool) -> Given:
        having: Given = {}
        count = self._shape.entity(entity).fields["version"]
        if self.chance(0.5):
            having["count"] = self.condition(entity, count, among=lambda op: op not in ("isNull",))
        figure, field = self._random.choice(self.figures(entity, amounts))
        numbers = figure in ("sum", "avg")
        asked = self._shape.entity("probe.thing").fields["weight"] if numbers else field
        wanted = self.condition(entity, asked, among=lambda op: True)
        filled = {name: each for name, each in wanted.items() if each != []}
        having[figure] = {field.api_name: filled}
        if having.get("count", {}).get("in") == [] or having.get("count", {}).get("notIn") == []:
            del having["count"]
        return having
