"""Requests that are refused: with a code, a place and no inner text."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.query.compiled import Compiled
from hansa_core.query.late import Request
from hansa_core.storage.transaction import Session
from tests.core.graphql.conftest import Answer, Ask

NEW = {"title": "t", "currency": "EUR", "party": {"connect": "x"}}
DEEP = (
    "{ crmDeals { nodes { party "
    + "{ contacts { nodes { organisation " * 4
    + "{ id }"
    + " } } }" * 4
    + " } } }"
)


def only_error(answer: Answer) -> Any:  # JSON
    (error,) = answer["errors"]
    return error


@pytest.mark.parametrize(
    ("document", "code", "word"),
    [
        ("{", "syntax", "Syntax Error"),
        ("{ crmDeels { nodes { id } } }", "invalid_query", "crmDeels"),
        ("{ crmDeals { nodes { titel } } }", "invalid_query", "titel"),
        ("query ($a: Int) { me { name } }", "invalid_query", "never used"),
        (
            "{ crmDeals(where: {amount: {gte: 10.5}}) { nodes { id } } }",
            "invalid_query",
            "fraction",
        ),
        ('{ crmDeals(search: "\\u0000") { nodes { id } } }', "invalid", "NUL"),
        ("query A { me { name } } query B { me { id } }", "invalid_query", "A, B"),
        ("fragment F on Me { name }", "invalid_query", "never used"),
        ("", "syntax", "Syntax Error"),
    ],
)
async def test_bad_documents_are_refused_without_data_or_suggestions(
    ask: Ask, document: str, code: str, word: str
) -> None:
    answer = await ask(document)
    assert "data" not in answer
    error = answer["errors"][0]
    assert error["extensions"]["code"] == code
    assert word in error["message"]
    assert "Did you mean" not in str(answer)


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"input": {**NEW, "amount": 10.5}}, "fraction"),
        ({"input": {**NEW, "amuont": "1"}}, "amuont"),
        ({"input": {"title": "t\x00", "currency": "EUR"}}, "NUL"),
        ({"input": {"title": "t\ud800", "currency": "EUR"}}, "surrogate"),
        ({"input": "text"}, "text"),
        ({}, "input"),
    ],
)
async def test_bad_variables_are_refused_without_data(
    ask: Ask, variables: dict[str, object], word: str
) -> None:
    document = """mutation ($input: CrmDealCreateInput!) {
      crmDealCreate(input: $input) { errors { code } } }"""
    answer = await ask(document, variables)
    assert "data" not in answer
    assert word in answer["errors"][0]["message"]
    assert "Did you mean" not in str(answer)


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ("{ " + " ".join(f"x{n}: me {{ name }}" for n in range(31)) + " }", "aliases"),
        (DEEP, "deep"),
        ("{ me { " + "name " * 5001 + " } }", "tokens"),
    ],
)
async def test_limits_are_kept_and_told(ask: Ask, document: str, word: str) -> None:
    answer = await ask(document)
    assert "data" not in answer
    assert word in answer["errors"][0]["message"]


async def test_deep_fragments_are_measured_once_each(ask: Ask) -> None:
    spreads = "".join(
        f"fragment F{n} on ContactsParty {{ ...F{n + 1} ...F{n + 1} name }} " for n in range(40)
    )
    answer = await ask(
        "{ contactsParties { nodes { ...F0 } } } "
        + spreads
        + "fragment F40 on ContactsParty { id }"
    )
    assert "errors" not in answer


async def test_introspection_works_and_is_bounded(ask: Ask) -> None:
    answer = await ask("{ __schema { types { name fields { name type { ofType { name } } } } } }")
    assert {"name": "CrmDeal"}.items() <= next(
        type_ for type_ in answer["data"]["__schema"]["types"] if type_["name"] == "CrmDeal"
    ).items()
    bomb = "{ __schema { types { fields { type { fields { type { fields { type { fields { name"
    bomb += " } } } } } } } } } }"
    assert "data" not in await ask(bomb)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 201", "limit"),
        ("first: -1", "invalid"),
        ("first: 1, last: 1", "invalid"),
        ('after: "nonsense"', "invalid"),
        ('where: {id: {eq: "nine"}}', "invalid"),
    ],
)
async def test_bad_arguments_are_errors_at_their_field(ask: Ask, arguments: str, code: str) -> None:
    answer = await ask(f"{{ deals: crmDeals({arguments}) {{ nodes {{ id }} }} }}")
    error = only_error(answer)
    assert (error["extensions"]["code"], error["path"]) == (code, ["deals"])


async def test_a_fault_is_logged_and_told_by_reference_only(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(Compiled, "fetch", broken)
    with caplog.at_level(logging.ERROR, "hansa.graphql"):
        answer = await ask("{ crmDeals { nodes { id } } }")
    error = only_error(answer)
    assert error["extensions"]["code"] == "internal"
    assert error["extensions"]["reference"] in error["message"]
    assert "secret" not in str(answer)
    assert error["extensions"]["reference"] in caplog.text
    assert "secret of the house" in caplog.text


async def test_documents_are_checked_once_per_schema(
    graphql: GraphQL, manager: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = "{ me { name email } } # kept"
    first = await graphql.execute(manager, document)

    def again(*_: object) -> None:
        pytest.fail("checked again")

    monkeypatch.setattr("hansa_core.graphql.documents._check", again)
    assert await graphql.execute(manager, document) == first


async def test_one_statement_answers_all_root_fields(
    graphql: GraphQL, manager: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[Compiled] = []
    fetch = Compiled.fetch

    async def counted(self: Compiled, session: Session, request: Request) -> Sequence[object]:
        run.append(self)
        before = session.statement_count
        found = await fetch(self, session, request)
        assert session.statement_count == before + 1
        return found

    monkeypatch.setattr(Compiled, "fetch", counted)
    await graphql.execute(manager, "{ a: crmDeals { totalCount } b: crmDeals { totalCount } }")
    assert len(run) == 1
    await graphql.execute(manager, "{ me { name } meta { hash } }")
    assert len(run) == 1
