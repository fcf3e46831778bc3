"""GraphQL over HTTP: media types, statuses, bodies, the session's guard and the page."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, Protocol, cast

import httpx
import pytest
from litestar import Litestar

from hansa_core.caller import Caller
from hansa_core.graphql.http import graphql_handlers
from hansa_core.graphql.wire import BODY_BYTES_MAX, encoded, read_request
from hansa_core.storage.transaction import Tenant
from hansa_core.testing.platform import Platform
from hansa_sdk import NotFound

GRAPHQL = "application/graphql-response+json"


class Post(Protocol):
    """Send a document or any body."""

    async def __call__(self, body: object, **headers: str) -> httpx.Response: ...


@pytest.fixture(scope="session")
async def key(platform: Platform, manager: Caller) -> str:
    return await platform.key(manager)


@pytest.fixture(scope="session")
async def client(platform: Platform, tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    async def tenant_of(host: str) -> Tenant:
        if host.startswith("unknown"):
            raise NotFound(f"There is no company at {host}.")
        return tenant

    app = Litestar(graphql_handlers(platform.runtime, tenant_of), openapi_config=None)
    transport = httpx.ASGITransport(cast(Any, app))  # Litestar types its scope more closely
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as opened:
        yield opened


@pytest.fixture
def post(client: httpx.AsyncClient, key: str) -> Post:
    async def send(body: object, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in given.items() if value}
        return await client.post("/graphql", content=content, headers=sent)

    return send


async def test_answers_in_the_media_type_that_was_asked_for(post: Post) -> None:
    for accept, answered in (
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}; charset=utf-8, application/json;q=0.9", GRAPHQL),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
    ):
        response = await post({"query": "{ me { email } }"}, accept=accept)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(answered)
        assert response.headers["cache-control"] == "no-store"
        assert list(response.json()) == ["data"]
    assert (await post({"query": "{ me { email } }"}, accept="text/csv")).status_code == 406


async def test_a_refused_document_is_400_for_clients_that_know_why(post: Post) -> None:
    bad = {"query": "{ nothing }"}
    assert (await post(bad, accept=GRAPHQL)).status_code == 400
    assert (await post(bad, accept="application/json")).status_code == 200


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b'{"query": "{ me }", "variables": {"a": NaN}}', "NaN"),
        (b"[" * 100_000, "no JSON"),
        (b'{"query": "{ me }", "variables": {"a": 1e99999999999999999999}}', "no JSON"),
        (b'{"query": "{ me }", "variables": {"a": ' + b"9" * 5000 + b"}}", "no JSON"),
        (b"\xff", "no JSON"),
        (b'[{"query": "{ me { name } }"}]', "array"),
        (b'"query"', "a string"),
        (b"{}", '"query"'),
        (b'{"query": 5}', "a number"),
        (b'{"query": "{ me { name } }", "variables": []}', "an array"),
        (b'{"query": "{ me { name } }", "operationName": 1}', "a number"),
        (b'{"query": "{ me { name } }", "extensions": "cost"}', "a string"),
        (b'{"query": "{ me { name } }", "extensions": {"cost": 1}}', "extensions.cost"),
        (b'{"query": "{ me { name } }", "extensions": {"rows": "all"}}', "extensions.rows"),
        (b'{"query": "{ me { name } }", "extensions": {"explain": null}}', "extensions.explain"),
        (b'{"documentId": 7}', "a number"),
        (b'{"documentId": "sha256:00", "query": "{ me { name } }"}', "both"),
    ],
)
async def test_malformed_bodies_are_400_with_a_sentence(post: Post, body: bytes, word: str) -> None:
    response = await post(body)
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "invalid"
    assert word in error["message"]


async def test_the_cost_is_told_when_it_is_asked_for(post: Post) -> None:
    document = "{ crmDeals(first: 3) { nodes { id title } } }"
    told = await post({"query": document, "extensions": {"cost": True, "more": 1}})
    assert told.json()["extensions"] == {"cost": 2 + 3 * 2}
    for extensions in (None, {}, {"cost": False}):
        answer = await post({"query": document, "extensions": extensions})
        assert list(answer.json()) == ["data"]
    refused = await post({"query": "{ nothing }", "extensions": {"cost": True}})
    assert list(refused.json()) == ["errors"]
    costly = (
        "{ crmDeals(first: 200) { nodes { party { contacts(first: 200) { nodes { id } } } } } }"
    )
    refused = await post({"query": costly, "extensions": {"cost": True}})
    assert refused.json()["errors"][0]["extensions"]["params"]["cost"] == "40,602"


async def test_administrators_have_requests_explained_and_others_are_refused(
    post: Post, platform: Platform, tenant: Tenant
) -> None:
    asked = {"query": "{ crmDeals { nodes { id } } }", "extensions": {"explain": True}}
    for accept, status in ((GRAPHQL, 400), ("application/json", 200)):
        refused = await post(asked, accept=accept)
        assert refused.status_code == status
        (error,) = refused.json()["errors"]
        assert error["extensions"]["code"] == "denied"
        assert "data" not in refused.json()
    key = await platform.key(await platform.user(tenant, "system.administrator"))
    answer = await post(asked, authorization=f"Bearer {key}")
    explained = answer.json()["extensions"]["explain"]
    assert explained["milliseconds"]["identify"] > 0
    assert explained["rows"] == len(answer.json()["data"]["crmDeals"]["nodes"])


async def test_a_persisted_document_that_is_not_there_is_400_or_200(post: Post) -> None:
    asked = {"documentId": "sha256:" + "0" * 64}
    for accept, status in ((GRAPHQL, 400), ("application/json", 200)):
        response = await post(asked, accept=accept)
        assert response.status_code == status
        assert response.json()["errors"][0]["extensions"]["code"] == "not_found"


async def test_an_operation_name_of_half_a_character_is_refused(post: Post) -> None:
    response = await post(
        b'{"query": "{ me { name } }", "operationName": "\\ud800"}', accept=GRAPHQL
    )
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "invalid"


async def test_a_huge_page_size_is_refused(post: Post) -> None:
    query = f"{{ crmDeals(first: {'9' * 5000}) {{ totalCount }} }}"
    response = await post({"query": query}, accept=GRAPHQL)
    assert response.status_code == 400, response.text
    assert response.json()["errors"][0]["extensions"]["code"] == "invalid"


async def test_wrong_content_types_and_sizes_are_refused(post: Post) -> None:
    query = {"query": "{ me { name } }"}
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/graphql"):
        assert (await post(query, content_type=content_type)).status_code == 415
    latin = "application/json; charset=latin-1"
    assert (await post(query, content_type=latin)).status_code == 415
    large = {"query": "#" * BODY_BYTES_MAX}
    assert (await post(large)).status_code == 413


async def test_the_body_of_a_stranger_is_not_read(client: httpx.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        pytest.fail("read the body")
        yield b""

    headers = {"content-type": "application/json", "authorization": "Bearer none"}
    response = await client.post("/graphql", content=parts(), headers=headers)
    assert response.status_code == 401


async def test_a_body_that_does_not_arrive_is_given_up(
    client: httpx.AsyncClient, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    monkeypatch.setattr("hansa_core.graphql.http.BODY_SECONDS", 0.05)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    response = await client.post("/graphql", content=parts(), headers=headers)
    assert response.status_code == 408
    assert "did not arrive" in response.json()["errors"][0]["message"]


async def test_a_body_without_a_stated_length_is_counted(
    client: httpx.AsyncClient, key: str
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65_536

    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    response = await client.post("/graphql", content=parts(), headers=headers)
    assert response.status_code == 413


async def test_who_is_not_signed_in_gets_401_and_nothing_else(post: Post) -> None:
    answers: list[Any] = []  # JSON
    for authorization in ("", "Bearer wrong", "Basic eA==", "Bearer "):
        response = await post(
            {"query": "{ __schema { types { name } } }"}, authorization=authorization
        )
        assert response.status_code == 401
        answers.append(response.json())
    assert answers[0]["errors"][0]["extensions"] == {"code": "unauthenticated"}
    assert all(answer == answers[0] for answer in answers)


async def test_an_unknown_host_is_404(post: Post) -> None:
    assert (await post({"query": "{ me { name } }"}, host="unknown.localhost")).status_code == 404


async def test_a_session_is_refused_when_another_site_sends_it(
    post: Post,
) -> None:
    query = {"query": "{ me { name } }"}
    cookie = "hansa_session=" + "a" * 43
    for headers in (
        {"origin": "http://evil.example"},
        {"sec_fetch_site": "cross-site"},
        {"origin": "null"},
    ):
        response = await post(query, cookie=cookie, authorization="", **headers)
        assert response.status_code == 403
        assert response.json()["errors"][0]["extensions"]["code"] == "denied"
    own = {"origin": "http://localhost:8000", "sec_fetch_site": "same-origin"}
    response = await post(query, cookie=cookie, authorization="", **own)
    assert response.status_code == 401  # its own page may send it; this session is made up


async def test_the_page_is_for_people_who_are_signed_in(
    client: httpx.AsyncClient, key: str
) -> None:
    html = {"accept": "text/html,*/*;q=0.8"}
    stranger = await client.get("/graphql", headers=html)
    assert (stranger.status_code, stranger.headers["location"]) == (
        303,
        "/sign-in?next=/graphql",
    )
    page = await client.get("/graphql", headers={**html, "authorization": f"Bearer {key}"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    program = await client.get("/graphql?query={me{name}}", headers={"accept": "*/*"})
    assert (program.status_code, program.headers["allow"]) == (405, "POST")


async def test_the_page_loads_nothing_and_allows_only_its_own_script(
    client: httpx.AsyncClient, key: str
) -> None:
    headers = {"accept": "text/html", "authorization": f"Bearer {key}"}
    page = await client.get("/graphql", headers=headers)
    assert re.findall(r"(?:src|href)=|https?://|@import|url\(", page.text) == []
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert page.text.count("<script>") == 1


def test_numbers_inside_json_values_stay_exact() -> None:
    body = b'{"query": "q", "variables": {"a": 1.10, "b": 123456789.123456789123456789}}'
    assert encoded(read_request(body).variables) == (b'{"a":1.10,"b":123456789.123456789123456789}')
