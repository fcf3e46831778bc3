"""Requests that are none, too large, by the wrong method, of nobody, or to nowhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from hansa_core.tenants.directory import add_host
from hansa_core.tenants.owner import owner_engine
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import Json, WebServer, open_server
from tests.scenarios.conftest import Desk

pytestmark = pytest.mark.usefixtures("nothing_is_written")

ASK_ME = '{"query": "{ me { name } }"}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("nonsense", "JSON"),
        ('{"query": NaN}', "JSON"),
        ("[" * 100_000, "JSON"),
        ("[]", "array"),
        (f"[{ASK_ME}, {ASK_ME}]", "array"),
        ("7", "object"),
        ("{}", '"query"'),
        ('{"query": 7}', '"query"'),
        ('{"query": "{ me { name } }", "variables": []}', '"variables"'),
        ('{"query": "{ me { name } }", "operationName": 1}', '"operationName"'),
    ],
)
async def test_body_that_is_no_request_is_refused(desk: Desk, body: str, said: str) -> None:
    answer = await desk.client.http.post(
        "/graphql", content=body.encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert error["extensions"]["code"] == "invalid"
    assert said in error["message"], error


async def test_body_that_is_no_utf_8_is_refused(desk: Desk) -> None:
    answer = await desk.client.http.post(
        "/graphql", content=b'{"query": "\xff"}', headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, code_of(answer)) == (400, "invalid")


async def test_body_over_a_megabyte_is_refused_stated_or_not(desk: Desk) -> None:
    body = json.dumps({"query": "{ me { name } }", "variables": {"x": "x" * 1_100_000}}).encode()

    async def stream() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    for content in (body, stream()):
        answer = await desk.client.http.post(
            "/graphql", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 413
        assert "1048576" in answer.json()["errors"][0]["message"]
    assert (await desk.client.ask("{ me { email } }"))["email"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_other_content_types_are_refused(desk: Desk, kind: str) -> None:
    answer = await desk.client.http.post("/graphql", content=ASK_ME, headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
async def test_mutation_by_another_method_is_refused(desk: Desk, method: str) -> None:
    mutation = 'mutation { contactsTagCreate(input: {name: "x"}) { errors { code } } }'
    answer = await desk.client.http.request(method, "/graphql", params={"query": mutation})
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer x", "Basic YTpi", "Bearer " + "x" * 5000]
)
async def test_nobody_is_told_nothing(
    desk: Desk, web: WebServer, authorization: str | None
) -> None:
    client = await web.client(desk.tenant)
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await client.http.post("/graphql", json={"query": "{ nope }"}, headers=headers)
    assert answer.status_code == 401
    assert code_of(answer) == "unauthenticated"
    assert "nope" not in answer.text


async def test_unknown_host_is_not_found(desk: Desk, platform: Platform) -> None:
    with owner_engine(platform.owner_url) as engine:
        add_host(engine, desk.tenant.slug, "desk.example.com")
    async with open_server(platform.runtime, "0.0.0.0") as public:  # noqa: S104  # what is tested
        for host, status in (
            ("desk.example.com", 200),
            ("DESK.example.com.:80", 200),
            ("other.example.com", 404),
            ("nobody.localhost", 404),
            (f"127.0.0.1:{public.port}", 404),
            ("desk.example.com.evil.example", 404),
            ("[::1]", 404),
            ("x" * 300, 400),  # no name is that long
        ):
            client = await public.client(desk.tenant, desk.key)
            client.http.headers["Host"] = host
            answer = await client.post("{ me { email } }")
            assert answer.status_code == status, host
            if status == 404:
                assert code_of(answer) == "not_found"


def code_of(answer: httpx.Response) -> Json:
    return answer.json()["errors"][0]["extensions"]["code"]
