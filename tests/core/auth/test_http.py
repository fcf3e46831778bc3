"""Signing in over HTTP: a page without scripts, JSON for programs, cookies that stay at home."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from html.parser import HTMLParser
from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar

from hansa_core.auth.guards import auth_routes
from hansa_core.auth.sign_in import SignIn
from hansa_core.auth.tokens import SessionCredential
from hansa_core.storage.transaction import Tenant
from hansa_sdk import Busy, HansaError, NotFound, Unauthenticated, Unavailable
from tests.core.auth.office import PASSWORD, Office

LOCAL = "http://main.localhost"
PUBLIC = "https://books.example.com"


@pytest.fixture
async def web(office: Office) -> AsyncIterator[AsyncClient]:
    async def tenant_of(host: str) -> Tenant:
        if host.startswith("nowhere"):
            raise NotFound("There is no tenant here.")
        return office.tenant

    door = SignIn(office.database, office.passwords, office.clock)
    app = Litestar(auth_routes(door, tenant_of), openapi_config=None)
    # httpx and not Litestar's client, which runs the app in a loop of its own; its type of an
    # ASGI application is wider than Litestar's
    async with AsyncClient(transport=ASGITransport(cast(Any, app)), base_url=LOCAL) as made:
        yield made


async def post(web: AsyncClient, place: str, values: Mapping[str, str], **headers: str) -> Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await web.post(place, json=dict(values), headers=sent, follow_redirects=False)


async def post_form(
    web: AsyncClient, place: str, values: Mapping[str, str], **headers: str
) -> Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await web.post(place, data=dict(values), headers=sent, follow_redirects=False)


async def test_json_sign_in_sets_a_cookie_that_is_a_session(
    office: Office, web: AsyncClient
) -> None:
    user_id, email = await office.add_user(password=PASSWORD)
    answer = await post(web, "/auth/sign-in", {"email": email, "password": PASSWORD})
    assert (answer.status_code, answer.json()) == (200, {"signedIn": True})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("hansa_session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    token = answer.cookies["hansa_session"]
    identified = await office.identify(SessionCredential(token))
    assert identified.principal.user_id == user_id


async def test_https_cookie_is_secure_and_bound_to_the_host(
    office: Office, web: AsyncClient
) -> None:
    _, email = await office.add_user(password=PASSWORD)
    values = {"email": email, "password": PASSWORD}
    answer = await post(web, f"{PUBLIC}/auth/sign-in", values, origin=PUBLIC)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-hansa=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


async def test_plain_http_from_another_machine_is_refused(office: Office, web: AsyncClient) -> None:
    _, email = await office.add_user(password=PASSWORD)
    values = {"email": email, "password": PASSWORD}
    answer = await post(web, "http://books.example.com/auth/sign-in", values)
    assert answer.status_code == 400
    assert "https" in answer.json()["errors"][0]["message"]
    assert "set-cookie" not in answer.headers


async def test_form_leads_on_to_where_the_person_wanted_to_go(
    office: Office, web: AsyncClient
) -> None:
    _, email = await office.add_user(password=PASSWORD)
    for wanted, led in (
        ("/crm/deals?x=1", "/crm/deals?x=1"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nSet-Cookie: b=c", "/"),
    ):
        values = {"email": email, "password": PASSWORD, "next": wanted}
        answer = await post_form(web, "/auth/sign-in", values, origin=LOCAL)
        assert (answer.status_code, answer.headers["location"]) == (303, led)
        assert "hansa_session" in answer.cookies


async def test_wrong_password_answers_the_same_for_every_account(
    office: Office, web: AsyncClient
) -> None:
    _, email = await office.add_user(password=PASSWORD)
    wrong = {"email": email, "password": "wrong password"}
    nobody = {"email": "nobody@example.org", "password": "wrong password"}
    first = await post(web, "/auth/sign-in", wrong)
    second = await post(web, "/auth/sign-in", nobody)
    assert (first.status_code, first.content) == (401, second.content)
    assert first.json()["errors"][0]["code"] == "unauthenticated"
    assert "set-cookie" not in first.headers


async def test_form_keeps_the_address_and_says_what_went_wrong(web: AsyncClient) -> None:
    values = {"email": '"><script>', "password": "wrong password", "next": "/crm"}
    answer = await post_form(web, "/auth/sign-in", values, origin=LOCAL)
    page = Page.of(answer)
    assert answer.status_code == 401
    assert page.fields["email"]["value"] == '"><script>'
    assert page.fields["next"]["value"] == "/crm"
    assert "value" not in page.fields["password"]
    assert "script" not in page.tags
    assert "is wrong" in answer.text


async def test_page_is_a_labelled_form_that_loads_nothing(web: AsyncClient) -> None:
    answer = await web.get("/sign-in", params={"next": "/crm"})
    page = Page.of(answer)
    assert answer.status_code == 200
    assert set(page.fields) == {"next", "email", "password"}
    assert page.labels == {"email", "password"}
    assert not {"script", "link", "img", "iframe"} & page.tags
    assert page.language == "en"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://main.localhost:81"},
        {"origin": "https://main.localhost"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": LOCAL},
    ],
)
@pytest.mark.parametrize("place", ["/auth/sign-in", "/auth/sign-out"])
async def test_requests_from_pages_of_other_sites_are_refused(
    web: AsyncClient, place: str, headers: dict[str, str]
) -> None:
    answer = await web.post(place, data={}, headers=headers, follow_redirects=False)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_sign_out_ends_the_session_and_the_cookie(office: Office, web: AsyncClient) -> None:
    _, email = await office.add_user(password=PASSWORD)
    answer = await post(web, "/auth/sign-in", {"email": email, "password": PASSWORD})
    token = answer.cookies["hansa_session"]
    gone = await post(web, "/auth/sign-out", {})
    assert gone.status_code == 204
    assert "hansa_session=;" in gone.headers["set-cookie"]
    assert "Max-Age=0" in gone.headers["set-cookie"]
    with pytest.raises(Unauthenticated):
        await office.identify(SessionCredential(token))
    form = await post_form(web, "/auth/sign-out", {"a": "b"}, origin=LOCAL)
    assert (form.status_code, form.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'"text"', "application/json"),
        (b"email=a", "text/plain"),
        (b"\xff\xfe", "application/json"),
    ],
)
async def test_malformed_body_is_refused_with_a_sentence(
    web: AsyncClient, content: bytes, kind: str
) -> None:
    answer = await web.post("/auth/sign-in", content=content, headers={"content-type": kind})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "invalid"


async def test_character_no_account_has_is_refused(web: AsyncClient) -> None:
    values = {"email": "a\0b", "password": "x"}
    answer = await post(web, "/auth/sign-in", values)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, ["email"])
    form = await post_form(web, "/auth/sign-in", values, origin=LOCAL)
    assert (form.status_code, "NUL" in form.text) == (400, True)


@pytest.mark.parametrize("error", [Busy("Too many at once."), Unavailable("No database.")])
async def test_sign_in_without_a_database_asks_to_come_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, web: AsyncClient, error: HansaError
) -> None:
    async def fail(*_: object) -> str:
        raise error

    monkeypatch.setattr(SignIn, "sign_in", fail)
    answer = await post(web, "/auth/sign-in", {"email": "a", "password": "b"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["errors"][0]["code"] == error.code


async def test_values_that_are_no_text_count_as_missing(web: AsyncClient) -> None:
    answer = await web.post("/auth/sign-in", json={"email": ["a"], "password": {"b": 1}})
    assert answer.status_code == 401


async def test_huge_body_is_refused(web: AsyncClient) -> None:
    answer = await post(web, "/auth/sign-in", {"email": "a" * 20_000, "password": "b"})
    assert answer.status_code == 413


async def test_unknown_host_is_not_found(web: AsyncClient) -> None:
    answer = await post(web, "http://nowhere.localhost/auth/sign-in", {})
    assert answer.status_code == 404


class Page(HTMLParser):
    """What a browser finds on the page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.labels: set[str | None] = set()
        self.fields: dict[str, dict[str, str | None]] = {}
        self.language: str | None = None

    @classmethod
    def of(cls, answer: Response) -> Page:
        assert answer.headers["content-type"].startswith("text/html")
        page = cls()
        page.feed(answer.text)
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        if tag == "html":
            self.language = values.get("lang")
        if tag == "label":
            self.labels.add(values.get("for"))
        if tag == "input":
            self.fields[str(values["name"])] = values
