"""A request on its way to an answer, and answers that are refusals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import msgspec
from graphql import DocumentNode, GraphQLError, OperationDefinitionNode
from graphql.execution.values import VariableValues

from hansa_core.graphql.errors import formatted, formatted_error, is_temporary
from hansa_core.graphql.operation import Asked
from hansa_core.graphql.telling import Notes
from hansa_sdk import LimitExceeded

ANSWER_BYTES_MAX: Final = 20_000_000
"""Bytes of the records in the largest answer."""

Answer = dict[str, object]


@dataclass(frozen=True, slots=True)
class Asking:
    """A request as it came, and what is noted of it."""

    text: str
    variables: dict[str, object]
    operation_name: str | None
    idempotency_key: str | None = None
    persisted: bool = False
    notes: Notes = field(default_factory=Notes)


class Refused(Exception):
    """A request that is not answered, with why."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("refused")
        self.errors = [formatted(error) for error in errors]


def streamed() -> GraphQLError:
    """Return the error for a subscription where one answer was expected."""
    return GraphQLError(
        "A subscription has many answers: send it over a WebSocket of graphql-transport-ws, or "
        "with Accept: text/event-stream.",
        extensions={"code": "invalid_query"},
    )


def unexplained() -> GraphQLError:
    """Return the error for a subscription that is to be explained."""
    return GraphQLError(
        "A subscription has many answers and is not explained: explain a query of the same fields.",
        extensions={"code": "invalid_query"},
    )


def coerced_of(asked: Asked, variables: dict[str, object]) -> VariableValues:
    """Return the coerced variables; raises Refused."""
    coerced = asked.coercion.values(variables)
    if isinstance(coerced, list):
        raise Refused(coerced)
    return coerced


def is_too_large(found: Iterable[object]) -> bool:
    """Tell whether records in their JSON are more than an answer holds."""
    sizes = (len(bytes(text)) for text in found if isinstance(text, msgspec.Raw))
    return sum(sizes) > ANSWER_BYTES_MAX


def too_large() -> list[dict[str, object]]:
    """Return the errors of an answer that is too large."""
    error = LimitExceeded(
        f"The answer has more than {ANSWER_BYTES_MAX:,} bytes.",
        next_step="Ask for smaller pages (first) or fewer fields; what was written stays.",
    )
    return [formatted_error(error)]


def failed(error: GraphQLError) -> Answer:
    """Return the answer of an operation whose one failure leaves no data."""
    return refused_for_now({"data": None, "errors": [formatted(error)]})


def no_operation(document: DocumentNode, operation_name: str | None) -> GraphQLError:
    """Return the error for a document that has no such operation."""
    names = [
        node.name.value
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode) and node.name is not None
    ]
    found = "has none" if not names else f"has {', '.join(names)}"
    wanted = f"called {operation_name}" if operation_name else "to run; name one"
    return GraphQLError(
        f"Expected an operation {wanted}: the document {found}.",
        extensions={"code": "invalid_query"},
    )


def answer_of(data: Mapping[str, object] | None, errors: list[GraphQLError]) -> Answer:
    """Tell a refused request, which has no data, from a failed field, which has data null."""
    refused = data is None and all(error.path is None for error in errors)
    answer: Answer = {} if refused else {"data": data}
    if errors:
        answer["errors"] = [formatted(error) for error in errors]
    return answer


def refused_for_now(answer: Answer) -> Answer:
    """Leave out a null `data` where nothing was done and asking again later is right."""
    errors = cast("list[Mapping[str, object]]", answer.get("errors", []))
    if answer.get("data") is None and errors and all(map(is_temporary, errors)):
        return {"errors": errors}
    return answer
