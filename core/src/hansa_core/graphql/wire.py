"""GraphQL over HTTP without HTTP: bodies in, bodies and statuses out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NoReturn, cast

import msgspec

from hansa_core.graphql.errors import formatted_error, is_temporary
from hansa_sdk import HansaError, Invalid

BODY_BYTES_MAX: Final = 1_048_576
RETRY_SECONDS: Final = 2
GRAPHQL_JSON: Final = "application/graphql-response+json"
PLAIN_JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
TOLD: Final = frozenset({"cost", "rows", "explain"})
"""What a request may have told in the answer's `extensions`, by the name it asks with."""

_STATUS: Final[Mapping[str, int]] = {
    "unauthenticated": 401,
    "denied": 403,
    "not_found": 404,
    "limit": 400,
    "busy": 503,
    "unavailable": 503,
    "misconfigured": 503,
    "internal": 500,
}


def _plain_text(value: object) -> object:
    """Currency, Email and the like are texts of classes of their own."""
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain_text)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One request as its body says it: the document's text in `query`, or its identifier.

    `tells` names what is asked to be told beside the answer (see `TOLD`).
    """

    query: str
    variables: Mapping[str, object] = field(default_factory=dict[str, object])
    operation_name: str | None = None
    document_id: str | None = None
    tells: frozenset[str] = frozenset()


def read_request(body: bytes) -> GraphQLRequest:
    """Read a request's body; raises Invalid for one that is no single GraphQL request."""
    return request_in(_json(body))


def request_in(content: object) -> GraphQLRequest:
    """Take a request from decoded JSON; raises Invalid for what is no single GraphQL request."""
    if isinstance(content, list):
        raise Invalid(
            "Expected one request, found an array.",
            next_step="Send several root fields in one document instead of a batch.",
        )
    if not isinstance(content, dict):
        raise _malformed("an object", content)
    given = cast("dict[str, object]", content)
    identifier = given.get("documentId")
    query = given.get("query") if identifier is None else _instead(given)
    if not isinstance(query, str):
        raise _malformed('the document as a string in "query"', query)
    if identifier is not None and not isinstance(identifier, str):
        raise _malformed('a string in "documentId"', identifier)
    variables = _map_in(given, "variables")
    name = given.get("operationName")
    if name is not None and not isinstance(name, str):
        raise _malformed('a string or null in "operationName"', name)
    return GraphQLRequest(query, variables, name, identifier, _told(given))


def _told(given: Mapping[str, object]) -> frozenset[str]:
    """Return what is to be told beside the answer; other extensions are for others."""
    asked = _map_in(given, "extensions")
    for name in TOLD & asked.keys():
        if not isinstance(asked[name], bool):
            raise _malformed(f'true or false in "extensions.{name}"', asked[name])
    return frozenset(name for name in TOLD & asked.keys() if asked[name])


def _instead(given: Mapping[str, object]) -> str:
    """Return the text of a request that names its document; raises Invalid where it has one."""
    if given.get("query") is not None:
        raise Invalid(
            'Expected either "query" or "documentId", found both.',
            next_step="Send the identifier of a persisted document alone.",
        )
    return ""


def _map_in(given: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = given.get(name)
    if found is not None and not isinstance(found, dict):
        raise _malformed(f'an object or null in "{name}"', found)
    return cast("Mapping[str, object]", found or {})


def asks_for_events(accept: str) -> bool:
    """Tell whether an Accept header asks for server-sent events before all else."""
    return accept.split(",")[0].split(";")[0].strip().lower() == EVENT_STREAM


def answer_type(accept: str) -> str | None:
    """Return the media type to answer in for an Accept header; None where none fits."""
    wanted = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    if GRAPHQL_JSON in wanted:
        return GRAPHQL_JSON
    if not accept.strip() or {"*/*", "application/*", PLAIN_JSON} & set(wanted):
        return PLAIN_JSON
    return None


def status_of(answer: Mapping[str, object], media_type: str) -> int:
    """Return the status of an answer: 503 for one refused only for now (see `retry_headers`).

    Otherwise 400 for a refused document where the client knows why, and 200.
    """
    if "data" in answer:
        return 200
    if all(map(is_temporary, cast("Sequence[Mapping[str, object]]", answer["errors"]))):
        return 503
    return 400 if media_type == GRAPHQL_JSON else 200


def retry_headers(status: int) -> Mapping[str, str]:
    """Return the headers that say when to ask again, for a status that asks for it."""
    return {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}


def encoded(answer: Mapping[str, object]) -> bytes:
    """Return an answer as JSON; exact decimals inside JSON values stay numbers."""
    return _ENCODER.encode(answer)


def refusal(error: Exception) -> tuple[dict[str, object], int]:
    """Return the answer and status for a request that is not even looked at."""
    code = error.code if isinstance(error, HansaError) else "internal"
    return {"errors": [formatted_error(error)]}, _STATUS.get(code, 400)


def _json(body: bytes) -> object:
    try:
        # Decimal marks numbers with a fraction: exact in JSON values, refused as amounts.
        return cast(object, json.loads(body, parse_float=Decimal, parse_constant=_no_constant))
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise Invalid(
            f"The body is no JSON: {str(error)[:200]}.",
            next_step='Send an object like {"query": "{ me { name } }"}.',
        ) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _malformed(expected: str, found: object) -> Invalid:
    nouns: Sequence[tuple[type[object], str]] = (
        (str, "a string"),
        (bool, "a boolean"),
        (dict, "an object"),
        (list, "an array"),
        (type(None), "null"),
    )
    noun = next((text for kind, text in nouns if isinstance(found, kind)), "a number")
    return Invalid(
        f"Expected {expected}, found {noun}.",
        next_step='Send an object like {"query": "{ me { name } }"}.',
    )
