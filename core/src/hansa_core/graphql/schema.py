"""From a shape to its GraphQL schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import GraphQLField, GraphQLSchema

from hansa_core.graphql.api import Api, Hidden
from hansa_core.graphql.directives import DIRECTIVES
from hansa_core.graphql.lazy import LazySchema
from hansa_core.graphql.named import NamedTypes
from hansa_core.graphql.root_fields import RootFields
from hansa_core.model.shape import Shape


@dataclass(frozen=True, slots=True)
class CompiledSchema:
    """A shape's GraphQL schema and the names it answers by."""

    key: str
    schema: GraphQLSchema
    api: Api


def build_schema(
    shape: Shape, kernel: Mapping[str, GraphQLField], hidden: Hidden = frozenset()
) -> CompiledSchema:
    """Make the schema of a shape; `kernel` are the root fields every schema has.

    There is one for all callers. One without what is `hidden` says what a caller is told who asks
    for it: the same as for what does not exist.

    Its fields and types are made when a document asks for them. The shape's names were checked at
    boot (names.check_names), so graphql-core does not check the schema again; a test does.
    """
    api = Api.of(shape, hidden)
    fields = RootFields(api, kernel)
    schema = LazySchema(*fields.roots, directives=DIRECTIVES, types=NamedTypes(fields))
    return CompiledSchema(shape.key, schema, api)
