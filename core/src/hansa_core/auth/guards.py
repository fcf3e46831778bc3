"""The HTTP side of signing in: the page, sign in, sign out. The only Litestar module here."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from litestar import Request, Response, get, post
from litestar.exceptions import SerializationException
from litestar.handlers import HTTPRouteHandler

from hansa_core.auth.cookies import cookie_name, session_token, set_cookie
from hansa_core.auth.page import local_path, page_headers, sign_in_page
from hansa_core.auth.same_origin import check_same_origin
from hansa_core.auth.sign_in import Origin, SignIn
from hansa_core.storage.transaction import Tenant
from hansa_sdk import HansaError, Invalid

_BODY_BYTES_MAX: Final = 16_384
_UNAVAILABLE: Final = 503
_STATUS: Final[Mapping[str, int]] = {
    "invalid": 400,
    "unauthenticated": 401,
    "denied": 403,
    "not_found": 404,
    "limit": 429,
    "busy": 503,
    "unavailable": 503,
    "misconfigured": 400,
}

AnyRequest = Request[Any, Any, Any]  # we use no user, auth or state of Litestar's
TenantOf = Callable[[str], Awaitable[Tenant]]
"""The tenant a Host header means; raises NotFound."""


@dataclass(frozen=True, slots=True)
class _Form:
    """What a client asks for; `browser` wants pages, others JSON."""

    values: Mapping[str, str]
    browser: bool


def auth_routes(sign_in: SignIn, tenant_of: TenantOf) -> list[HTTPRouteHandler]:
    """Return the handlers of GET /sign-in, POST /auth/sign-in and POST /auth/sign-out."""

    @get("/sign-in", media_type="text/html", include_in_schema=False)
    async def page(request: AnyRequest) -> Response[str]:
        return _page(next_path=str(request.query_params.get("next", "/")))

    @post("/auth/sign-in", request_max_body_size=_BODY_BYTES_MAX, include_in_schema=False)
    async def enter(request: AnyRequest) -> Response[str]:
        form = _Form({}, browser=_is_form(request))
        try:
            form = await _read(request)
            return await _enter(sign_in, await tenant_of(_host(request)), request, form)
        except HansaError as error:
            return _refuse(error, form)

    @post("/auth/sign-out", request_max_body_size=_BODY_BYTES_MAX, include_in_schema=False)
    async def leave(request: AnyRequest) -> Response[str]:
        form = _Form({}, browser=_is_form(request))
        try:
            _check(request)
            token = _token(request)
            if token is not None:
                await sign_in.sign_out(await tenant_of(_host(request)), token)
        except HansaError as error:
            return _refuse(error, form)
        gone = {"Set-Cookie": set_cookie(_scheme(request), _name(request), "")}
        if form.browser:
            return _answer("", 303, {**gone, "Location": "/sign-in"})
        return _answer("", 204, gone)

    return [page, enter, leave]


async def _enter(
    sign_in: SignIn, tenant: Tenant, request: AnyRequest, form: _Form
) -> Response[str]:
    cookie_name(
        _scheme(request), _name(request)
    )  # refuses plain http before a password is looked at
    origin = Origin(
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
        session_token=_token(request),
    )
    email, password = form.values.get("email", ""), form.values.get("password", "")
    token = await sign_in.sign_in(tenant, email, password, origin)
    cookie = {"Set-Cookie": set_cookie(_scheme(request), _name(request), token)}
    if form.browser:
        target = local_path(form.values.get("next", "/"))
        return _answer("", 303, {**cookie, "Location": target})
    return _answer(json.dumps({"signedIn": True}), 200, cookie)


async def _read(request: AnyRequest) -> _Form:
    """Read a form or JSON object of texts; raises Invalid, or Denied from another site's page."""
    _check(request)
    if _is_form(request):
        data = await request.form()
        texts = {key: value for key, value in data.items() if isinstance(value, str)}
        return _Form(_storable(texts), browser=True)
    if request.content_type[0] != "application/json":
        raise Invalid(
            "Expected a JSON object or a form.", next_step="Set Content-Type: application/json."
        )
    try:
        content: object = await request.json()
    except SerializationException as error:
        raise Invalid("The body is no JSON.", next_step="Send an object.") from error
    if not isinstance(content, dict):
        raise Invalid("The body is no JSON object.", next_step='Send {"email", "password"}.')
    pairs = cast("dict[str, object]", content).items()
    texts = {key: value for key, value in pairs if isinstance(value, str)}
    return _Form(_storable(texts), browser=False)


def _storable(texts: Mapping[str, str]) -> Mapping[str, str]:
    """Return the texts; raises Invalid for a character no account has and PostgreSQL refuses."""
    name = next((name for name, text in texts.items() if "\0" in text), None)
    if name is not None:
        raise Invalid(
            "A text holds the character NUL.", next_step="Type it again.", path=(name[:100],)
        )
    return texts


def _refuse(error: HansaError, form: _Form) -> Response[str]:
    status = _STATUS.get(error.code, 500)
    wait = error.params.get("retry_after_seconds", 1 if status == _UNAVAILABLE else None)
    headers = {"Retry-After": str(wait)} if wait is not None else {}
    if form.browser:
        values = form.values
        page = _page(values.get("next", "/"), values.get("email", ""), str(error), status)
        page.headers.update(headers)
        return page
    body = {"errors": [{"code": error.code, "message": str(error), "path": list(error.path)}]}
    return _answer(json.dumps(body), status, headers)


def _page(
    next_path: str = "/", email: str = "", alert: str = "", status: int = 200
) -> Response[str]:
    text = sign_in_page(next_path=next_path, email=email, alert=alert)
    return Response(text, status_code=status, media_type="text/html", headers=dict(page_headers()))


def _answer(body: str, status: int, headers: Mapping[str, str]) -> Response[str]:
    return Response(
        body,
        status_code=status,
        media_type="application/json",
        headers={**headers, "Cache-Control": "no-store"},
    )


def _check(request: AnyRequest) -> None:
    check_same_origin(request.headers, _scheme(request), _host(request))


def _is_form(request: AnyRequest) -> bool:
    return request.content_type[0] == "application/x-www-form-urlencoded"


def _token(request: AnyRequest) -> str | None:
    return session_token(request.cookies, _scheme(request), _name(request))


def _scheme(request: AnyRequest) -> str:
    return request.url.scheme


def _host(request: AnyRequest) -> str:
    return request.headers.get("host", "")


def _name(request: AnyRequest) -> str:
    """Return the host name without its port."""
    return request.url.hostname or ""
