"""How errors leave: in a mutation's payload, or as GraphQL errors without inner text."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, cast
from uuid import UUID, uuid4

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
    GraphQLSyntaxError,
)

from hansa_core.graphql.scalars import JSON
from hansa_core.model.meta import camel
from hansa_core.records.refusals import NOT_OF_A_ROW
from hansa_sdk import Busy, HansaError, Rejected, Unavailable

log: Final = logging.getLogger("hansa.graphql")

MESSAGE_LENGTH_MAX: Final = 1000
"""Characters of the longest message."""

NOT_IN_PAYLOAD: Final = NOT_OF_A_ROW
"""Errors that are GraphQL errors also in mutations: sign-in, limits and faults."""

USER_ERROR: Final = GraphQLObjectType(
    "UserError",
    {
        "code": GraphQLField(
            GraphQLNonNull(GraphQLString),
            description="invalid, not_found, denied, stale, duplicate, in_use or a plugin's own.",
        ),
        "path": GraphQLField(
            GraphQLNonNull(GraphQLList(GraphQLNonNull(GraphQLString))),
            description="The place in the arguments: names, and positions in lists from 0.",
        ),
        "message": GraphQLField(GraphQLNonNull(GraphQLString)),
        "params": GraphQLField(JSON, description="The values the message speaks of."),
    },
    description="Why a write was refused. Nothing was changed.",
)


@dataclass(frozen=True, slots=True)
class UserError:
    """One reason why a write was refused, as its payload shows it."""

    code: str
    path: tuple[str, ...]
    message: str
    params: Mapping[str, object]


def user_errors(
    error: HansaError, place: Sequence[str | int] = (), *, listed: bool = False
) -> list[UserError]:
    """Return an error as a payload's errors, with the API's names for fields.

    `place` goes before each path; the position among the rows is told only where the input is a
    list (`listed`).
    """
    several = error.errors if isinstance(error, Rejected) else (error,)
    found: list[UserError] = []
    for single in several:
        inner = single.path
        if not listed and inner and isinstance(inner[0], int):
            inner = inner[1:]
        path = (*place, *api_path(inner))
        found.append(
            UserError(single.code, tuple(map(str, path)), str(single), plain_params(single))
        )
    return found


def api_path(path: Sequence[str | int]) -> list[str | int]:
    """Return an error's path with the API's names of fields, relations and arguments.

    All of them are the Python names in camel case, so the entity need not be known: an action may
    tell of a record of another one.
    """
    return [camel(step) if isinstance(step, str) else step for step in path]


def plain_params(error: HansaError) -> dict[str, object]:
    """Return an error's values as JSON can hold them, `field` and `fields` by the API's names."""
    params = {name: json_value(value) for name, value in error.params.items()}
    for name in ("field", "fields"):
        value = params.get(name)
        if isinstance(value, str):
            params[name] = camel(value)
        elif isinstance(value, list):
            params[name] = api_path(cast("list[str | int]", value))
    return params


def formatted(error: GraphQLError) -> dict[str, object]:
    """Return a GraphQL error for the response; unexpected ones are logged under a reference."""
    answer: dict[str, object] = {"message": error.message}
    if error.locations:
        answer["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        answer["path"] = list(error.path)
    answer["extensions"] = _extensions(error, answer)
    message = str(answer["message"])  # it may quote what the client sent
    if len(message) > MESSAGE_LENGTH_MAX:
        answer["message"] = f"{message[: MESSAGE_LENGTH_MAX - 3]}..."
    return answer


def formatted_error(error: Exception) -> dict[str, object]:
    """Return an error of the request as a whole for the response; unexpected ones are logged."""
    return formatted(GraphQLError(str(error), original_error=error))


def is_temporary(error: Mapping[str, object]) -> bool:
    """Tell whether a formatted error passes by itself, so that asking again later is right."""
    extensions = cast("Mapping[str, object]", error.get("extensions") or {})
    return extensions.get("code") in (Busy.code, Unavailable.code)


def _extensions(error: GraphQLError, answer: dict[str, object]) -> dict[str, object]:
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, HansaError):
        answer["message"] = str(cause)
        extensions: dict[str, object] = {"code": cause.code}
        if cause.path:
            extensions["argument"] = api_path(cause.path)
        if cause.params:
            extensions["params"] = plain_params(cause)
        return extensions
    if cause is not None:
        reference = uuid4().hex[:12]
        log.error("GraphQL request failed, reference %s", reference, exc_info=cause)
        answer["message"] = f"Internal error. Tell your administrator the reference {reference}."
        return {"code": "internal", "reference": reference}
    given = error.extensions or {}
    if given.get("code"):
        return dict(given)
    if isinstance(error, GraphQLSyntaxError):
        return {"code": "syntax"}
    return {"code": "invalid_query" if error.path is None else "invalid"}


def json_value(value: object) -> object:
    """Return a value as JSON can hold it, exact numbers as numbers."""
    if value is None or isinstance(value, (str, int, Decimal)):
        return value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (UUID, timedelta)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [json_value(item) for item in cast("Sequence[object]", value)]
    return str(value)
