"""An operation being answered: its document, its schema, and parts of it as documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    OperationDefinitionNode,
    SelectionSetNode,
)

from hansa_core.graphql.schema import CompiledSchema
from hansa_core.graphql.variables import Coercion


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

    def pruned(self, nodes: Sequence[FieldNode]) -> DocumentNode:
        """Return the document with these root fields only."""
        operation = self.operation
        kept = OperationDefinitionNode(
            operation=operation.operation,
            name=operation.name,
            variable_definitions=operation.variable_definitions,
            directives=operation.directives,
            selection_set=SelectionSetNode(selections=tuple(nodes)),
            loc=operation.loc,
        )
        return DocumentNode(definitions=(kept, *self.fragments.values()))
