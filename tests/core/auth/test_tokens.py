"""Tokens as clients present them: recognised exactly, or refused with the one answer."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hansa_core.auth.tokens import (
    KeyCredential,
    SessionCredential,
    key_prefix,
    new_key,
    new_session_token,
    read_credential,
    read_key,
    token_hash,
)
from hansa_sdk import Unauthenticated

KEY = "hansa_main_" + "0" * 43


@given(st.from_regex(r"\A[a-z][a-z0-9-]{0,30}\Z"))
def test_key_tells_its_tenant_whatever_the_slug(slug: str) -> None:
    token = new_key(slug)
    assert read_key(token) == KeyCredential(token, slug)
    assert token.startswith(key_prefix(token))
    assert len(token) - len(key_prefix(token)) >= 39


TOKEN = new_key("main")


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("abcXYZ019_- "))
def test_key_with_one_wrong_character_is_refused(place: int, other: str) -> None:
    token = TOKEN
    assume(other != token[place])
    with pytest.raises(Unauthenticated):
        read_key(token[:place] + other + token[place + 1 :])


def test_tokens_are_never_the_same() -> None:
    assert len({new_key("main") for _ in range(100)} | {new_session_token() for _ in "ab"}) == 102
    assert token_hash("a") != token_hash("b")


def test_key_goes_before_a_session() -> None:
    token = new_key("main")
    assert read_credential(f"Bearer {token}", "session") == KeyCredential(token, "main")
    assert read_credential(f"bearer  {token} ", None) == KeyCredential(token, "main")
    assert read_credential(None, "session") == SessionCredential("session")


@pytest.mark.parametrize(
    ("authorization", "session"),
    [
        (None, None),
        (None, ""),
        (None, "a" * 201),
        ("", "session"),
        ("Basic YTpi", "session"),
        ("Bearer", "session"),
        (f"Bearer {KEY}", "session"),
        (f"Bearer {KEY}000000{'0' * 200}", None),
    ],
)
def test_what_is_no_credential_is_refused(authorization: str | None, session: str | None) -> None:
    with pytest.raises(Unauthenticated):
        read_credential(authorization, session)


def test_secrets_do_not_show_in_a_log() -> None:
    token = new_key("main")
    assert token not in repr(read_key(token))
    assert "secret" not in repr(SessionCredential("secret"))
