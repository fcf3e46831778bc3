"""The directives of every schema, as clients of the released specification can read them."""

from __future__ import annotations

from typing import Final

from graphql import DirectiveLocation, GraphQLDirective, specified_directives

_DRAFT: Final = frozenset({"DIRECTIVE_DEFINITION"})
"""Places that only drafts know: a client that reads them of us takes the schema for broken."""


def _released(directive: GraphQLDirective) -> GraphQLDirective:
    places: list[DirectiveLocation] = [
        place for place in directive.locations if place.name not in _DRAFT
    ]
    return GraphQLDirective(
        directive.name,
        places,
        directive.args,
        is_repeatable=directive.is_repeatable,
        description=directive.description,
    )


DIRECTIVES: Final = tuple(map(_released, specified_directives))
