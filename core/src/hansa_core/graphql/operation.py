"""An operation being answered: its document, its schema, and parts of it as documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeNode,
    VariableDefinitionNode,
)

from hansa_core.graphql.schema import CompiledSchema
from hansa_core.graphql.variables import Coercion

INTROSPECTION: Final = ("__schema", "__type")
"""Root fields that ask of the schema itself."""
_OF_INTROSPECTION: Final = ("String", "Boolean")
"""What the arguments of introspection and its directives are of."""


@dataclass(frozen=True)
class Asked:
    """An operation of a checked document, under one shape; kept with the document."""

    compiled: CompiledSchema
    text: str
    document: DocumentNode
    operation: OperationDefinitionNode

    @cached_property
    def coercion(self) -> Coercion:
        """What coerces its variables."""
        return Coercion(self.compiled.schema, self.operation)

    @cached_property
    def name(self) -> str:
        """The operation's name, empty where it has none."""
        return self.operation.name.value if self.operation.name else ""

    @cached_property
    def fragments(self) -> Mapping[str, FragmentDefinitionNode]:
        """The document's fragments by name."""
        return {
            node.name.value: node
            for node in self.document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    @cached_property
    def root(self) -> GraphQLObjectType:
        """The type of the operation's root fields."""
        root = self.compiled.schema.get_root_type(self.operation.operation)
        assert root is not None  # the document is valid for the schema
        return root

    def introspection(self, nodes: Sequence[FieldNode]) -> DocumentNode:
        """Return the document with these root fields only, which ask of the schema.

        It can be run with any schema: it has no variables of types a schema may lack.
        """
        return self._with(
            nodes,
            tuple(
                each
                for each in self.operation.variable_definitions or ()
                if _named(each.type) in _OF_INTROSPECTION
            ),
        )

    def pruned(self, nodes: Sequence[FieldNode]) -> DocumentNode:
        """Return the document with these root fields only."""
        return self._with(nodes, tuple(self.operation.variable_definitions or ()))

    def _with(
        self, nodes: Sequence[FieldNode], variables: tuple[VariableDefinitionNode, ...]
    ) -> DocumentNode:
        operation = self.operation
        kept = OperationDefinitionNode(
            operation=operation.operation,
            name=operation.name,
            variable_definitions=variables,
            directives=operation.directives,
            selection_set=SelectionSetNode(selections=tuple(nodes)),
            loc=operation.loc,
        )
        return DocumentNode(definitions=(kept, *self.fragments.values()))


def _named(type_: TypeNode) -> str:
    """Return the name of a type as a document writes it, without brackets and marks."""
    while isinstance(type_, (ListTypeNode, NonNullTypeNode)):
        type_ = type_.type
    assert isinstance(type_, NamedTypeNode)
    return type_.name.value
