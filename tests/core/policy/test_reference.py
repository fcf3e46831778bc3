"""Each way casbin is known to go wrong, and that the reference does not."""

from __future__ import annotations

import time
from typing import cast

import pytest

from hansa_core.policy.reference import MODEL, ReferencePolicy
from hansa_core.policy.rules import PolicyRule
from hansa_sdk import Invalid

READ = PolicyRule("demo.a#0.read", "demo.a", "demo.deal", "read", "allow")
DENY = PolicyRule("demo.b#0.read", "demo.b", "demo.deal", "read", "deny")


def test_role_holds_on_its_tenant_only() -> None:
    policy = ReferencePolicy([READ], {"one": {"ada": ["demo.a"]}, "two": {"bob": ["demo.a"]}})
    assert policy.allows("one", "ada", "demo.deal", "read")
    assert not policy.allows("two", "ada", "demo.deal", "read")
    assert policy.allows("two", "bob", "demo.deal", "read")


def test_deny_wins_whatever_allows() -> None:
    policy = ReferencePolicy([READ, DENY], {"one": {"ada": ["demo.a", "demo.b"]}})
    assert not policy.allows("one", "ada", "demo.deal", "read")


def test_empty_policy_allows_nothing() -> None:
    policy = ReferencePolicy([], {})
    assert not policy.allows("one", "ada", "demo.deal", "read")


def test_user_called_like_a_role_is_no_role() -> None:
    policy = ReferencePolicy([READ], {"one": {"ada": ["demo.b"]}})
    assert not policy.allows("one", "demo.a", "demo.deal", "read")
    with pytest.raises(Invalid):
        policy.allows("one", "role:demo.a", "demo.deal", "read")


@pytest.mark.parametrize("name", ["", " ", "*", "a,b", "a\nb", "a\n", "role:a", "a" * 201, 7, None])
def test_names_that_could_bend_a_policy_are_refused(name: object) -> None:
    text = cast(str, name)
    policy = ReferencePolicy([READ], {"one": {"ada": ["demo.a"]}})
    for request in (
        (text, "ada", "demo.deal", "read"),
        ("one", text, "demo.deal", "read"),
        ("one", "ada", text, "read"),
        ("one", "ada", "demo.deal", text),
    ):
        with pytest.raises(Invalid):
            policy.allows(*request)
    with pytest.raises(Invalid):
        ReferencePolicy([PolicyRule("x", text, "demo.deal", "read", "allow")], {})
    with pytest.raises(Invalid):
        ReferencePolicy([], {"one": {text: ["demo.a"]}})


def test_model_has_no_pattern_functions() -> None:
    assert not [word for word in ("Match", "regex", "glob", "keyGet") if word in MODEL]


def test_large_policy_loads_in_bulk() -> None:
    rules = [
        PolicyRule(f"r{i}", f"demo.r{i % 50}", f"demo.e{i}", "read", "allow") for i in range(20_000)
    ]
    started = time.perf_counter()
    policy = ReferencePolicy(rules, {"one": {"ada": ["demo.r7"]}})
    assert time.perf_counter() - started < 5  # adding them one by one takes minutes
    assert policy.allows("one", "ada", "demo.e7", "read")
