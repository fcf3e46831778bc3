"""What a document asks of a record or a page, turned into a plan's selection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

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

from hansa_core.graphql.answers import branch_of_edge, branch_of_nodes
from hansa_core.graphql.api import Api
from hansa_core.graphql.request import Info
from hansa_core.graphql.where import order_of, predicate_of
from hansa_core.model.meta import Kind
from hansa_core.query.plan import (
    FieldSelection,
    ManySelection,
    PageRequest,
    RefSelection,
    Selection,
)

Nodes = Sequence[FieldNode]


@dataclass(frozen=True, slots=True)
class Question:
    """A document being answered: where its fragments and variables are looked up.

    Every type here is a concrete object type, so a valid fragment always applies.
    """

    api: Api
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    @classmethod
    def of(cls, info: Info) -> Question:
        """Take the question from what graphql-core hands a resolver."""
        return cls(info.context.api, info.schema, info.fragments, info.variable_values)

    def record(self, entity: str, nodes: Nodes, prefix: str = "") -> Selection:
        """Say what the fields `nodes` ask of the record they lead to."""
        fields: list[FieldSelection] = []
        references: list[RefSelection] = []
        relations: list[ManySelection] = []
        one = self.api.entities[entity]
        for key, asked in self.fields(nodes).items():
            name = asked[0].name.value
            if name in one.relations:
                many = one.relations[name]
                arguments = self._arguments(one.meta.type_name, asked[0])
                request = self.page(many.target, asked, arguments)
                relations.append(ManySelection(prefix + key, many.name, request))
            elif name in one.fields:
                field = one.fields[name]
                if field.kind is Kind.REFERENCE:
                    inner = self.record(field.target, asked)
                    references.append(RefSelection(prefix + key, field.name, inner))
                else:
                    fields.append(FieldSelection(prefix + key, field.name))
        return Selection(tuple(fields), tuple(references), tuple(relations))

    def page(self, entity: str, nodes: Nodes, arguments: Mapping[str, object]) -> PageRequest:
        """Say what the fields `nodes` with `arguments` ask of a list of `entity`.

        Raises Invalid and LimitExceeded, with the argument's path.
        """
        branches: list[Selection] = []
        total = False
        for key, asked in self.fields(nodes).items():
            name = asked[0].name.value
            if name == "nodes":
                branches.append(self.record(entity, asked, branch_of_nodes(key)))
            elif name == "edges":
                for node_key, inner in self.fields(asked).items():
                    if inner[0].name.value == "node":
                        prefix = branch_of_edge(key, node_key)
                        branches.append(self.record(entity, inner, prefix))
            elif name in ("totalCount", "totalCountIsExact"):
                total = True
        where = cast("Mapping[str, object] | None", arguments.get("where"))
        order = cast("Sequence[Mapping[str, object]] | None", arguments.get("orderBy"))
        return PageRequest(
            selection=_join(branches),
            where=predicate_of(self.api, entity, where),
            search=cast("str | None", arguments.get("search")),
            order=order_of(self.api, entity, order),
            first=cast("int | None", arguments.get("first")),
            after=cast("str | None", arguments.get("after")),
            last=cast("int | None", arguments.get("last")),
            before=cast("str | None", arguments.get("before")),
            total=total,
            with_archived=bool(arguments.get("archived")),
        )

    def fields(self, nodes: Nodes) -> dict[str, list[FieldNode]]:
        """Collect what is asked below `nodes` by response key, fragments opened."""
        return self.collected(*(node.selection_set for node in nodes if node.selection_set))

    def collected(self, *asked: SelectionSetNode) -> dict[str, list[FieldNode]]:
        """Collect the fields of selection sets by response key, fragments opened."""
        found: dict[str, list[FieldNode]] = {}
        opened: set[str] = set()
        for each in asked:
            self._collect(each, found, opened)
        return found

    def _collect(
        self, asked: SelectionSetNode, found: dict[str, list[FieldNode]], opened: set[str]
    ) -> None:
        for node in asked.selections:
            assert isinstance(node, (FieldNode, InlineFragmentNode, FragmentSpreadNode))
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._collect(node.selection_set, found, opened)
            elif node.name.value not in opened:
                opened.add(node.name.value)
                fragment = self.fragments[node.name.value]
                self._collect(fragment.selection_set, found, opened)

    def _included(self, node: FieldNode | InlineFragmentNode | FragmentSpreadNode) -> bool:
        if not node.directives:
            return True
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))

    def _arguments(self, type_name: str, node: FieldNode) -> dict[str, object]:
        owner = self.schema.type_map[type_name]
        assert isinstance(owner, GraphQLObjectType)
        field = owner.fields[node.name.value]
        return get_argument_values(field, node, self.variables, hide_suggestions=True)


def _join(branches: Iterable[Selection]) -> Selection:
    """Put the branches of one page side by side; their prefixes keep them apart."""
    parts = list(branches)
    return Selection(
        tuple(field for part in parts for field in part.fields),
        tuple(reference for part in parts for reference in part.references),
        tuple(relation for part in parts for relation in part.relations),
    )
