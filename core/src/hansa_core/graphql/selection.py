"""What a document asks of a record or a page, turned into a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    get_argument_values,
    get_directive_values,
)
from graphql.execution.values import VariableValues

from hansa_core.graphql.api import Api, EntityApi
from hansa_core.graphql.request import Info
from hansa_core.graphql.where import order_of, predicate_of
from hansa_core.model.meta import Kind
from hansa_core.query.late import Late, pinned
from hansa_core.query.plan import (
    TYPENAME,
    ConstantPart,
    CountPart,
    EdgesPart,
    FieldSelection,
    InfoPart,
    Item,
    ManySelection,
    NodesPart,
    PageRequest,
    Part,
    PartsSelection,
    RefSelection,
    Selection,
)

Nodes = Sequence[FieldNode]

NODE: Final = "Node"
"""The interface of all records."""
_SIZES: Final = ("first", "last")


@dataclass(frozen=True, slots=True)
class Question:
    """A document being answered: where its fragments and variables are looked up.

    Every type here is a concrete object type, so a valid fragment applies; but below `node`, and
    in fragments on Node, there may be fragments on several types of records.
    """

    api: Api
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    @classmethod
    def of(cls, info: Info) -> Question:
        """Take the question from what graphql-core hands a resolver."""
        return cls(info.context.api, info.schema, info.fragments, info.variable_values)

    def record(self, entity: str, nodes: Nodes) -> Selection:
        """Say what the fields `nodes` ask of the record they lead to."""
        one = self.api.entities[entity]
        return Selection(
            tuple(
                self._item(one, key, asked)
                for key, asked in self.fields(nodes, one.meta.type_name).items()
            )
        )

    def _item(self, one: EntityApi, key: str, asked: Nodes) -> Item:
        name = asked[0].name.value
        if name == TYPENAME:
            return FieldSelection(key, TYPENAME)
        if name in one.relations:
            many = one.relations[name]
            arguments = self.arguments(one.meta.type_name, asked[0])
            return ManySelection(key, many.name, self.page(many.target, asked, arguments))
        field = one.fields[name]
        if field.kind is Kind.REFERENCE:
            return RefSelection(key, field.name, self.record(field.target, asked))
        if field.kind is Kind.QUANTITY:
            parts = [(inner, found[0].name.value) for inner, found in self.fields(asked).items()]
            return PartsSelection(key, field.name, tuple(parts))
        return FieldSelection(key, field.name)

    def page(self, entity: str, nodes: Nodes, arguments: Mapping[str, object]) -> PageRequest:
        """Say what the fields `nodes` with `arguments` ask of a list of `entity`.

        Raises Invalid and LimitExceeded, with the argument's path.
        """
        where = cast("Mapping[str, object] | None", arguments.get("where"))
        order = cast("Sequence[Mapping[str, object]] | None", arguments.get("orderBy"))
        first, last = (cast("int | None", pinned(arguments.get(name))) for name in _SIZES)
        return PageRequest(
            where=predicate_of(self.api, entity, where),
            search=cast("str | Late | None", arguments.get("search")),
            order=order_of(self.api, entity, order),
            first=first,
            after=cast("str | Late | None", arguments.get("after")),
            last=last,
            before=cast("str | Late | None", arguments.get("before")),
            with_archived=bool(arguments.get("archived")),
            parts=tuple(self._parts(entity, nodes)),
        )

    def _parts(self, entity: str, nodes: Nodes) -> Sequence[Part]:
        type_name = self.api.entities[entity].meta.type_name
        parts: list[Part] = []
        for key, asked in self.fields(nodes).items():
            match asked[0].name.value:
                case "nodes":
                    parts.append(NodesPart(key, self.record(entity, asked)))
                case "edges":
                    parts.append(EdgesPart(key, tuple(self._edge(entity, asked))))
                case "pageInfo":
                    infos = [(k, found[0].name.value) for k, found in self.fields(asked).items()]
                    parts.append(InfoPart(key, tuple(infos)))
                case "totalCount":
                    parts.append(CountPart(key, "total"))
                case "totalCountIsExact":
                    parts.append(CountPart(key, "exact"))
                case _:  # __typename
                    parts.append(ConstantPart(key, f"{type_name}Connection"))
        return parts

    def _edge(self, entity: str, nodes: Nodes) -> Sequence[tuple[str, Selection | str | None]]:
        type_name = self.api.entities[entity].meta.type_name
        items: list[tuple[str, Selection | str | None]] = []
        for key, asked in self.fields(nodes).items():
            name = asked[0].name.value
            if name == "node":
                items.append((key, self.record(entity, asked)))
            else:
                items.append((key, None if name == "cursor" else f"{type_name}Edge"))
        return items

    def types(self, nodes: Nodes) -> list[str]:
        """Return the types that fragments right below `nodes` are on, each once."""
        found: dict[str, None] = {}
        waiting = [node.selection_set for node in nodes if node.selection_set]
        opened: set[str] = set()
        fragment: InlineFragmentNode | FragmentDefinitionNode
        while waiting:
            for node in waiting.pop().selections:
                if isinstance(node, FragmentSpreadNode):
                    if node.name.value in opened:
                        continue
                    opened.add(node.name.value)
                    fragment = self.fragments[node.name.value]
                elif isinstance(node, InlineFragmentNode):
                    fragment = node
                else:
                    continue
                if fragment.type_condition is not None:
                    found[fragment.type_condition.name.value] = None
                waiting.append(fragment.selection_set)
        return list(found)

    def fields(self, nodes: Nodes, concrete: str | None = None) -> dict[str, list[FieldNode]]:
        """Collect what is asked below `nodes` by response key, fragments opened.

        With `concrete`, the type of the record that is asked, no fragments on other types.
        """
        asked = [node.selection_set for node in nodes if node.selection_set]
        return self.collected(*asked, concrete=concrete)

    def collected(
        self, *asked: SelectionSetNode, concrete: str | None = None
    ) -> dict[str, list[FieldNode]]:
        """Collect the fields of selection sets by response key, fragments opened."""
        found: dict[str, list[FieldNode]] = {}
        opened: set[str] = set()
        for each in asked:
            self._collect(each, found, opened, concrete)
        return found

    def _collect(
        self,
        asked: SelectionSetNode,
        found: dict[str, list[FieldNode]],
        opened: set[str],
        concrete: str | None,
    ) -> None:
        for node in asked.selections:
            assert isinstance(node, (FieldNode, InlineFragmentNode, FragmentSpreadNode))
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if _applies(node, concrete):
                    self._collect(node.selection_set, found, opened, concrete)
            elif node.name.value not in opened:
                fragment = self.fragments[node.name.value]
                opened.add(node.name.value)
                if _applies(fragment, concrete):
                    self._collect(fragment.selection_set, found, opened, concrete)

    def _included(self, node: FieldNode | InlineFragmentNode | FragmentSpreadNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))

    def arguments(self, type_name: str, node: FieldNode) -> dict[str, object]:
        """Return the coerced arguments of a field of an object type."""
        owner = self.schema.type_map[type_name]
        assert isinstance(owner, GraphQLObjectType)
        field = owner.fields[node.name.value]
        return get_argument_values(field, node, self.variables, hide_suggestions=True)


def _applies(fragment: InlineFragmentNode | FragmentDefinitionNode, concrete: str | None) -> bool:
    """Tell whether a fragment speaks of records of a type; every one is a Node."""
    condition = fragment.type_condition
    return concrete is None or condition is None or condition.name.value in (concrete, NODE)
