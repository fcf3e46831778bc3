"""Random documents of the synthetic plugin's schema, every value a literal or a variable."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final, cast

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
)

from hansa_core.model.meta import EntityMeta, Kind
from hansa_core.model.shape import Shape
from tests.core.query.generated import World
from tests.core.query.reference.arguments import Arguments, Given, inside, nullable
from tests.core.query.reference.documents import (
    Asked,
    Directives,
    Document,
    Inline,
    Item,
    Name,
    Selection,
    Single,
    Spread,
    Var,
)
from tests.core.query.reference.evaluator import ROOTS

ROOM: Final = 2_500
"""How many fields an answer may hold, below what an operation may cost."""
_ALIASES_MAX: Final = 24
_DEPTH_MAX: Final = 3


class Generator:
    """Makes one document; `again` draws other values for its variables."""

    def __init__(self, random: Random, shape: Shape, schema: GraphQLSchema, world: World) -> None:
        self._random = random
        self._shape = shape
        self._schema = schema
        self._arguments = Arguments(random, shape, world)
        self._aliases = 0
        self._fragments: dict[str, tuple[str, Selection]] = {}
        self._types: dict[str, tuple[object, tuple[str, ...]]] = {}
        self.variables: dict[str, object] = {}

    def document(self) -> Document:
        """Return a document; `variables` are its first ones."""
        roots: list[Item] = []
        several = self._random.choice([1, 1, 1, 2, 3])
        for position in range(several):
            name = self._random.choice([*ROOTS, "probeThings", "probeBoxes"])
            key = name if position == 0 else self._alias()
            guard = () if position == 0 else self._directives(0.1)
            roots.append(self._root(name, None if key == name else key, guard, ROOM // several))
        if self._chance(0.1):
            roots.append(Asked("__typename"))
        types = {name: str(type_) for name, (type_, _) in self._types.items()}
        return Document(tuple(roots), self._fragments, types)

    def again(self, *, calm: bool) -> dict[str, object]:
        """Return other variables for the same document; `calm` ones leave its plan as it is."""
        return {
            name: self._arguments.like(self.variables[name], type_, path, calm=calm)
            for name, (type_, path) in self._types.items()
        }

    def _root(self, name: str, alias: str | None, guard: Directives, room: int) -> Asked:
        entity, kind = ROOTS[name]
        if kind == "record":
            given: Given = {"id": self._arguments.id(entity)}
            selection = self._record(entity, room, 0)
        elif kind == "groups":
            given, amounts = self._arguments.groups(entity)
            if room < ROOM:  # one of several
                given.setdefault("first", 30)
            selection = self._groups(entity, room // 100, amounts=amounts)
        else:
            given = self._arguments.pages(entity)
            if self._chance(0.15):
                given["archived"] = self._chance(0.7)
            selection = self._page(entity, given, room, 50, 0)
        return Asked(name, alias, self._given("Query", name, given), guard, selection)

    def _record(self, entity: str, room: int, depth: int) -> Selection:
        meta = self._shape.entity(entity)
        asked: dict[str, Asked] = {}
        fields = list(meta.fields.values())
        for field in self._random.sample(fields, k=min(self._random.randint(1, 7), room, 7) or 1):
            self._add(asked, self._field(meta, field.api_name, room, depth))
        if meta.relations and depth < _DEPTH_MAX - 1 and room > 20 and self._chance(0.6):
            for many in self._random.sample(list(meta.relations.values()), k=1):
                self._add(asked, self._relation(meta, many.api_name, room // 2, depth))
        if self._chance(0.1):
            self._add(asked, Asked("__typename"))
        return self._wrapped(meta.type_name, list(asked.values()))

    def _field(self, meta: EntityMeta, name: str, room: int, depth: int) -> Asked:
        field = {each.api_name: each for each in meta.fields.values()}[name]
        selection: Selection | None = None
        if field.kind is Kind.REFERENCE:
            if depth >= _DEPTH_MAX or room < 10 or self._chance(0.2):
                selection = (Asked("id"),)
            else:
                selection = self._record(field.target, room // 2, depth + 1)
        elif field.kind is Kind.QUANTITY:
            names = self._random.sample(["value", "unit", "__typename"], k=2)
            selection = self._wrapped("Quantity", [Asked(each) for each in names])
        return Asked(name, directives=self._directives(0.05), selection=selection)

    def _relation(self, meta: EntityMeta, name: str, room: int, depth: int) -> Asked:
        many = {each.api_name: each for each in meta.relations.values()}[name]
        given = self._arguments.pages(many.target)
        selection = self._page(many.target, given, room, 20, depth + 1)
        args = self._given(meta.type_name, name, given)
        return Asked(name, None, args, self._directives(0.05), selection)

    def _page(self, entity: str, given: Given, room: int, default: int, depth: int) -> Selection:
        size = cast(int, given.get("first", given.get("last", default)))
        if room // max(size, 1) < 8:  # a page of the default size would hold too much
            size = given["last" if "last" in given else "first"] = 2
        inner = room // max(size, 1) // 2
        type_name = self._shape.entity(entity).type_name
        parts: list[Asked] = []
        if self._chance(0.8):
            parts.append(Asked("nodes", selection=self._record(entity, inner, depth)))
        if self._chance(0.4):
            edge = [Asked("cursor")]
            if self._chance(0.6):
                edge.append(Asked("node", selection=self._record(entity, inner, depth)))
            parts.append(Asked("edges", selection=self._wrapped(f"{type_name}Edge", edge)))
        if self._chance(0.5):
            names = ["hasNextPage", "hasPreviousPage", "startCursor", "endCursor", "__typename"]
            infos = [Asked(each) for each in self._random.sample(names, k=3)]
            parts.append(Asked("pageInfo", selection=self._wrapped("PageInfo", infos)))
        if self._chance(0.4) or not parts:
            parts.append(Asked("totalCount"))
        if self._chance(0.1):
            parts += [Asked("totalCountIsExact"), Asked("__typename")]
        self._random.shuffle(parts)
        return self._wrapped(f"{type_name}Connection", parts)

    def _groups(self, entity: str, room: int, *, amounts: bool) -> Selection:
        meta = self._shape.entity(entity)
        parts = [Asked("count")] if self._chance(0.8) else []
        if self._chance(0.9):
            keys: dict[str, Asked] = {}
            named = self._arguments.ordered(entity)
            if self._chance(0.5):
                named = self._random.sample(named, k=8)
            for name, field in named:
                inner: Selection | None = None
                if field.kind is Kind.REFERENCE:
                    inner = self._record(field.target, room, _DEPTH_MAX)
                self._add(keys, Asked(name, selection=inner))
            parts.append(
                Asked(
                    "keys", selection=self._wrapped(f"{meta.type_name}GroupKeys", [*keys.values()])
                )
            )
        figures: dict[str, dict[str, Asked]] = {}
        for figure, field in self._random.sample(self._arguments.figures(entity, amounts), k=4):
            self._add(figures.setdefault(figure, {}), Asked(field.api_name))
        for figure, fields in figures.items():
            type_name = f"{meta.type_name}{'Numbers' if figure in ('sum', 'avg') else 'Range'}"
            inner = self._wrapped(type_name, list(fields.values()))
            parts.append(Asked(figure, selection=inner))
        return self._wrapped(f"{meta.type_name}Group", parts)

    def _add(self, asked: dict[str, Asked], item: Asked) -> None:
        """Add a field under its name or an alias of its own."""
        if item.name in asked or (self._chance(0.15) and self._aliases < _ALIASES_MAX):
            if self._aliases >= _ALIASES_MAX:
                return
            item = Asked(item.name, self._alias(), item.args, item.directives, item.selection)
        asked[item.key] = item

    def _alias(self) -> str:
        self._aliases += 1
        return f"a{self._aliases}"

    def _wrapped(self, type_name: str, asked: list[Asked]) -> Selection:
        """Return fields as a selection, some of them in fragments, some asked twice."""
        items: list[Item] = list(asked)
        if self._chance(0.15):
            start = self._random.randrange(len(items))
            taken = tuple(items[start : start + 3])
            guard = self._directives(0.3)
            if self._chance(0.5):
                name = f"F{len(self._fragments)}"
                self._fragments[name] = (type_name, taken)
                items[start : start + 3] = [Spread(name, guard)]
            else:
                on = type_name if self._chance(0.7) else None
                items[start : start + 3] = [Inline(on, guard, taken)]
        if self._chance(0.08):
            items.append(self._part_of(self._random.choice(asked)))
        return tuple(items)

    def _part_of(self, asked: Asked) -> Asked:
        """Return a field once more, with a part of what is asked below it."""
        selection = asked.selection
        if selection is not None:
            selection = tuple(self._random.sample(selection, k=1))
            if asked.name in ("nodes", "node") and self._chance(0.5):
                selection = (*selection, Asked("id"), Asked("version"))
        return Asked(asked.name, asked.alias, asked.args, (), selection)

    def _directives(self, part: float) -> Directives:
        if not self._chance(part):
            return ()
        name = self._random.choice(["include", "skip"])
        if self._chance(0.4):
            return ((name, self._chance(0.5)),)
        type_ = GraphQLNonNull(GraphQLBoolean)
        return ((name, self._variable(self._chance(0.5), type_, ("if",))),)

    def _given(self, owner: str, name: str, given: Mapping[str, object]) -> dict[str, object]:
        type_ = cast(GraphQLObjectType, self._schema.type_map[owner])
        args = type_.fields[name].args
        return {key: self._written(value, args[key].type, (key,)) for key, value in given.items()}

    def _written(self, value: object, type_: object, path: tuple[str, ...]) -> object:
        """Return a value as a document has it, variables in the place of some parts."""
        inner = nullable(type_)
        simple = not isinstance(value, (dict, list))
        if self._chance(0.35 if simple else 0.15):
            return self._variable(value, type_, path)
        if value is None:
            return None
        if isinstance(inner, GraphQLEnumType):
            return Name(str(value))
        if isinstance(inner, GraphQLList):
            each_type, listed = inside(cast(object, inner)), cast("list[object]", value)
            entries = [self._written(each, each_type, path) for each in listed]
            if len(entries) != 1 or isinstance(entries[0], Var) or self._chance(0.8):
                return entries
            return Single(entries[0])
        if isinstance(inner, GraphQLInputObjectType):
            return {
                key: self._written(each, inner.fields[key].type, (*path, key))
                for key, each in cast("dict[str, object]", value).items()
            }
        return value

    def _variable(self, value: object, type_: object, path: tuple[str, ...]) -> Var:
        name = f"v{len(self._types)}"
        self._types[name] = (type_, path)
        self.variables[name] = value
        return Var(name)

    def _chance(self, part: float) -> bool:
        return self._random.random() < part
