"""The HTTP door of GraphQL: POST /graphql for programs and pages, GET /graphql for people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from hansa_core.auth.cookies import session_token
from hansa_core.auth.same_origin import check_same_origin
from hansa_core.auth.tokens import Credential, SessionCredential, read_credential
from hansa_core.graphql.event_stream import EventStream
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.hanging_up import EndsWhenHungUp, HungUp
from hansa_core.graphql.page import console_page
from hansa_core.graphql.subscriptions import StreamPlatform, Streams
from hansa_core.graphql.wire import (
    BODY_BYTES_MAX,
    PLAIN_JSON,
    answer_type,
    asks_for_events,
    encoded,
    read_request,
    refusal,
    retry_headers,
    status_of,
)
from hansa_core.storage.transaction import Tenant
from hansa_sdk import Invalid, Unauthenticated

AnyRequest = Request[Any, Any, Any]  # we use no user, auth or state of Litestar's
TenantOf = Callable[[str], Awaitable[Tenant]]
"""The tenant a Host header means; raises NotFound."""

BODY_SECONDS: Final = 10
"""How long a request's body may take to arrive."""

_HUNG_UP: Final = 499
"""The status of an answer that nobody reads."""
_NO_STORE = {"Cache-Control": "no-store"}


def graphql_handlers(
    platform: StreamPlatform,
    tenant_of: TenantOf,
    engine: GraphQL | None = None,
    streams: Streams | None = None,
) -> list[HTTPRouteHandler]:
    """Return the handlers of POST and GET /graphql."""
    engine, streams = engine or GraphQL(platform), streams or Streams()
    console = console_page()

    # The body's limit is kept below, where a sentence can be said about it.
    @post("/graphql", status_code=200, request_max_body_size=None, include_in_schema=False)
    async def answer(request: AnyRequest) -> Response[bytes]:
        accept = request.headers.get("accept", "")
        streamed = asks_for_events(accept)
        media_type = PLAIN_JSON if streamed else answer_type(accept)
        if media_type is None:
            return _plain(
                406, "Answers are application/graphql-response+json, JSON or text/event-stream."
            )
        if request.content_type[0] != PLAIN_JSON or not _is_utf8(request.content_type[1]):
            return _plain(415, "Send Content-Type: application/json, in UTF-8.")
        try:
            began = time.perf_counter()
            tenant, credential = await _presented(tenant_of, request)
            caller = await platform.authenticate(tenant, credential)  # before a body is kept
            took = time.perf_counter() - began
            body = await _body(request)
            asked = read_request(body)
        except _Unread as unread:
            return _plain(unread.status, str(unread), {"Connection": "close"})
        except Exception as error:  # logged under a reference where it is no HansaError
            content, status = refusal(error)
            return _response(encoded(content), status, media_type)
        if streamed:
            return _Streamed(EventStream(platform, engine, streams, caller, credential, asked))
        try:
            key = request.headers.get("idempotency-key")
            async with EndsWhenHungUp(request.receive):
                result = await engine.answer_request(caller, asked, key, identified_seconds=took)
        except HungUp:
            return _response(b"", _HUNG_UP, media_type)
        return _response(encoded(result), status_of(result, media_type), media_type)

    @get("/graphql", include_in_schema=False)
    async def page(request: AnyRequest) -> Response[bytes]:
        if "text/html" not in request.headers.get("accept", ""):
            return _plain(405, "Send requests with POST.", {"Allow": "POST"})
        try:
            await platform.authenticate(*await _presented(tenant_of, request))
        except Unauthenticated:
            target = f"/sign-in?next={quote('/graphql')}"
            return _response(b"", 303, "text/html", {"Location": target})
        except Exception as error:
            content, status = refusal(error)
            return _response(encoded(content), status, PLAIN_JSON)
        return _response(console.text.encode(), 200, "text/html; charset=utf-8", console.headers)

    return [answer, page]


async def _presented(tenant_of: TenantOf, request: AnyRequest) -> tuple[Tenant, Credential]:
    """Return what a caller presents, to which tenant.

    Raises Unauthenticated, NotFound, or Denied from another site's page.
    """
    scheme, host = request.url.scheme, request.headers.get("host", "")
    tenant = await tenant_of(host)
    token = session_token(request.cookies, scheme, request.url.hostname or "")
    credential = read_credential(request.headers.get("authorization"), token)
    if isinstance(credential, SessionCredential) and request.method != "GET":
        check_same_origin(request.headers, scheme, host)
    return tenant, credential


class _Streamed(Response[bytes]):
    """An answer in events."""

    def __init__(self, stream: EventStream) -> None:
        super().__init__(b"")
        self._stream = stream

    def to_asgi_response(self, *_: object, **__: object) -> ASGIApp:  # type: ignore[override]  # Litestar's many options do not matter
        """Return what sends them."""
        return self._stream


async def _body(request: AnyRequest) -> bytes:
    """Read the body; raises _Unread, without keeping what is too much."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _whole(request)
    except TimeoutError:
        sentence = f"The request did not arrive within {BODY_SECONDS} seconds."
        raise _Unread(408, sentence) from None


async def _whole(request: AnyRequest) -> bytes:
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > BODY_BYTES_MAX:
        raise _too_long()
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise _too_long()
        parts.append(part)
    return b"".join(parts)


class _Unread(Exception):
    """A body that is not read to its end: the status and the sentence to answer with."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def _too_long() -> _Unread:
    return _Unread(413, f"A request has at most {BODY_BYTES_MAX} bytes.")


def _is_utf8(parameters: Mapping[str, str]) -> bool:
    return parameters.get("charset", "utf-8").lower().replace("-", "") == "utf8"


def _plain(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    content, _ = refusal(Invalid(sentence))
    return _response(encoded(content), status, PLAIN_JSON, headers)


def _response(
    body: bytes, status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    every = {**_NO_STORE, **retry_headers(status), **(headers or {})}
    return Response(body, status_code=status, media_type=media_type, headers=every)
