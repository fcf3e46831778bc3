"""Bad requests are refused before the database is touched, but for the look-up of who asks."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
import pytest

from hansa_core.storage import database
from hansa_core.storage.statements import Statement
from hansa_core.storage.transaction import Session
from hansa_core.testing.platform import Platform
from hansa_core.testing.server import WebServer
from tests.scenarios.conftest import CREATE_TAG, Desk

SECONDS_MAX: Final = 5
"""How long any refusal may take, on a machine that has other things to do."""
_OTHERS: Final = ("system_key_secret", "system_state", "system_event")
"""Tables of the look-up of who asks and of their shape, of noting the key's use, of the sealer."""
_WITH_MORE: Final = "CROSS JOIN LATERAL"
"""In the text of a look-up that runs what is asked as well."""
_PARTIES: Final = "{ contactsParties(%s) { nodes { id } pageInfo { endCursor } } }"


class Statements(list[str]):
    """The texts of all statements that sessions ran."""

    def beside_sign_in(self) -> Sequence[str]:
        return [
            text
            for text in self
            if not any(table in text for table in _OTHERS) or _WITH_MORE in text
        ]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    ran = Statements()

    class Noted(Session):
        async def fetch(self, statement: Any, params: Any = None) -> Any:
            if "system_event_pending" not in _text(statement):  # the sealer's, of its own accord
                ran.append(_text(statement))
            return await super().fetch(statement, params)

        async def execute(self, statement: Any, params: Any = None) -> int:
            ran.append(_text(statement))
            return await super().execute(statement, params)

        async def execute_many(self, statement: Any, rows: Any) -> None:
            ran.append(_text(statement))
            await super().execute_many(statement, rows)

    monkeypatch.setattr(database, "Session", Noted)
    return ran


def _text(statement: object) -> str:
    return statement.template if isinstance(statement, Statement) else str(statement)


@pytest.fixture
async def post(desk: Desk, statements: Statements) -> Any:
    """Send a document as a program does; everything about the company is known by then."""

    async def send(document: str, **variables: object) -> httpx.Response:
        return await desk.client.http.post(
            "/graphql",
            json={"query": document, "variables": variables},
            headers={"Accept": "application/graphql-response+json"},
        )

    assert (await send(_PARTIES % "first: 1")).status_code == 200
    assert statements.beside_sign_in(), "what is read is noted"
    statements.clear()
    return send


def told(answer: httpx.Response, status: int, code: str) -> Mapping[str, Any]:
    """Return the first error of an answer that has no data."""
    assert answer.status_code == status, answer.text
    content = answer.json()
    assert not content.get("data"), content
    error: Mapping[str, Any] = content["errors"][0]
    assert error["extensions"]["code"] == code, error
    return error


DEEP = (
    "{ crmDeals { nodes { pipeline { "
    + "stages { nodes { pipeline { " * 4
    + "id"
    + " } } }" * 4
    + " } } } }"
)
COSTLY = "{ crmDeals(first: 200) { nodes { party { addresses(first: 200) { nodes { id } } } } } }"
STORM = "{ " + " ".join(f"a{n}: me {{ name }}" for n in range(400)) + " }"
INNER_STORM = "{ me { " + " ".join(f"a{n}: name" for n in range(1_600)) + " } }"
LEVELS = "".join(
    f"fragment F{n} on ContactsParty {{ addresses {{ nodes {{ party {{ ...F{n + 1} ...F{n + 1} }} "
    "} } } "
    for n in range(20)
)
BOMB = "{ contactsParties { nodes { ...F0 } } } " + LEVELS + "fragment F20 on ContactsParty { id }"
BRANCHES = " ".join(f"a{n}: party {{ ...F%d }}" for n in range(9))
WIDE_BOMB = (
    "{ contactsParties(first: 2) { nodes { ...F0 } } } "
    + "".join(
        f"fragment F{n} on ContactsParty {{ addresses(first: 0) {{ nodes {{ {BRANCHES} }} }} }} "
        % ((n + 1,) * 9)
        for n in range(3)
    )
    + "fragment F3 on ContactsParty { id name kind version createdAt updatedAt archived }"
)
CIRCLE = "{ me { ...A } } fragment A on Me { ...B } fragment B on Me { ...A }"
MANY = " ".join(f"fragment F{n} on Me {{ name }}" for n in range(500))
FRAGMENTS = "{ me { " + " ".join(f"...F{n}" for n in range(500)) + " } } " + MANY
REPEATED = "{ contactsParties { nodes { " + "name " * 4_500 + "} } }"
REPEATED_LISTS = "{ contactsParties { " + "nodes { id } " * 1_000 + "} }"
REPEATED_INLINE = "{ me { " + "... on Me { name } " * 700 + "} }"
INTROSPECTION = "{ __schema { types { " + "fields { type { " * 5 + "name" + " } }" * 5 + " } } }"
WORDS = ", ".join(f'"{n}"' for n in range(1_001))


@pytest.mark.parametrize(
    ("document", "code", "said"),
    [
        pytest.param(COSTLY, "limit", "The cost of this operation is", id="cost"),
        pytest.param(DEEP, "limit", "12 levels", id="depth"),
        pytest.param(STORM, "limit", "30 aliases", id="aliases"),
        pytest.param(INNER_STORM, "limit", "30 aliases", id="aliases of a field"),
        pytest.param(BOMB, "limit", "12 levels", id="fragments that double"),
        pytest.param(WIDE_BOMB, "limit", "The cost of this", id="fragments that multiply"),
        pytest.param(CIRCLE, "invalid_query", "within itself", id="fragments in a circle"),
        pytest.param(FRAGMENTS, "limit", "200 fragments", id="fragments without end"),
        pytest.param(REPEATED, "limit", "100 times", id="a field over and over"),
        pytest.param(REPEATED_LISTS, "limit", "100 times", id="a list over and over"),
        pytest.param("{ me { " + "name " * 5_000 + "} }", "limit", "5,000 tokens", id="tokens"),
        pytest.param(INTROSPECTION, "invalid_query", "introspection", id="introspection"),
        pytest.param(_PARTIES % f"where: {{name: {{in: [{WORDS}]}}}}", "limit", "1000", id="in"),
        pytest.param(_PARTIES % "first: 201", "limit", "200", id="page"),
        pytest.param("{ contactsParties { nodes { nmae } } }", "invalid_query", "nmae", id="field"),
        pytest.param("{ nobody }", "invalid_query", "nobody", id="root field"),
        pytest.param(_PARTIES % "size: 1", "invalid_query", "size", id="argument"),
        pytest.param("{ me {", "syntax", "Expected Name", id="syntax"),
    ],
)
async def test_bad_document_is_refused_unread(
    post: Any, statements: Statements, document: str, code: str, said: str
) -> None:
    for _ in range(2):  # what is kept of a document is no way around
        started = time.monotonic()
        answer = await post(document)
        assert time.monotonic() - started < SECONDS_MAX
        status = 200 if "errors" in answer.json() and "data" in answer.json() else 400
        assert said in told(answer, status, code)["message"]
    assert statements.beside_sign_in() == []


async def test_fields_repeated_in_fragments_are_asked_once(
    post: Any, statements: Statements
) -> None:
    answer = await post(REPEATED_INLINE)
    assert list(answer.json()["data"]["me"]) == ["name"]
    assert statements.beside_sign_in() == []


async def test_huge_list_of_a_variable_is_refused_unread(post: Any, statements: Statements) -> None:
    document = "query ($ids: [ID!]) { contactsParties(where: {id: {in: $ids}}) { totalCount } }"
    few = ["0190a6b2-5c3e-7000-8000-000000000000"]
    assert (await post(document, ids=few)).status_code == 200  # planned, and the plan is kept
    statements.clear()
    for ids in (few * 1_001, few * 20_000):
        answer = await post(document, ids=ids)
        assert "at most 1000 values" in told(answer, 200, "limit")["message"]
    assert statements.beside_sign_in() == []


async def test_cursor_that_is_not_the_callers_is_refused_unread(
    post: Any, platform: Platform, web: WebServer, desk: Desk, statements: Statements
) -> None:
    await desk.client.change(CREATE_TAG, name="another")

    async def cursor(client: Any, document: str) -> str:
        (page,) = (await client.answer(document))["data"].values()
        return str(page["pageInfo"]["endCursor"])

    mate = await platform.user(desk.tenant, "system.administrator")
    other = await web.client(desk.tenant, await platform.key(mate))
    tags = "{ contactsTags(first: 1) { pageInfo { endCursor } } }"
    own = await cursor(desk.client, _PARTIES % "first: 1")
    changed = own[:-2] + ("AA" if own[-2:] != "AA" else "BB")
    forged = {
        "nothing": "",
        "text": "x",
        "base64": "YWJjZA==",
        "long": "A" * 950_000,
        "changed": changed,
        "of another person": await cursor(other, _PARTIES % "first: 1"),
        "of another list": await cursor(desk.client, tags),
        "of another order": await cursor(
            desk.client, _PARTIES % "first: 1, orderBy: [{field: name}]"
        ),
        "of another filter": await cursor(
            desk.client, _PARTIES % 'first: 1, where: {name: {contains: "n"}}'
        ),
    }
    document = "query ($c: String) " + _PARTIES % "first: 1, after: $c"
    inner = """query ($c: String) { contactsParties(first: 1) { nodes {
      addresses(after: $c) { nodes { id } } } } }"""
    assert (await post(document, c=own)).status_code == 200  # planned, and the plan is kept
    statements.clear()
    for kind, given in forged.items():
        literal = _PARTIES % f"first: 1, after: {json.dumps(given)}"
        answers = (await post(document, c=given), await post(inner, c=given), await post(literal))
        for answer in answers:
            assert "cursor" in told(answer, 200, "invalid")["message"], kind
    assert statements.beside_sign_in() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'[{"query": "{ me { name } }"}]', 400),
        (b"[]", 400),
        (b"{", 400),
        (b'{"query": 7}', 400),
        (json.dumps({"query": "#" * 1_048_576}).encode(), 413),
        (b"[" * 100_000, 400),
    ],
    ids=["batch", "empty batch", "no JSON", "no document", "body", "nested"],
)
@pytest.mark.usefixtures("post")
async def test_body_that_is_no_request_is_refused_unread(
    desk: Desk, statements: Statements, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await desk.client.http.post("/graphql", content=body, headers=headers)
    told(answer, status, "invalid")
    assert statements.beside_sign_in() == []


@pytest.mark.parametrize(
    ("method", "kind", "status"),
    [
        ("GET", "application/json", 405),
        ("GET", "", 405),
        ("POST", "text/plain", 415),
        ("POST", "application/x-www-form-urlencoded", 415),
        ("POST", "multipart/form-data; boundary=x", 415),
        ("POST", "application/graphql", 415),
        ("POST", "", 415),
    ],
)
@pytest.mark.usefixtures("post")
async def test_method_or_content_type_of_another_kind_asks_nobody(
    desk: Desk, statements: Statements, method: str, kind: str, status: int
) -> None:
    mutation = 'mutation { contactsTagCreate(input: {name: "x"}) { errors { code } } }'
    answer = await desk.client.http.request(
        method,
        "/graphql",
        params={"query": mutation},
        content=json.dumps({"query": mutation}),
        headers={"Content-Type": kind},
    )
    assert answer.status_code == status
    assert statements == []  # not even who it is
