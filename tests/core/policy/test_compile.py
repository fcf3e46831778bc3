"""Grants of a shape: compiled once per set of roles, keyed by what they grant."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from hansa_core.model.roles import ADMINISTRATOR
from hansa_core.model.shape import HookTables, Shape, content_key
from hansa_core.policy.compile import GrantsCache, compile_grants
from hansa_sdk import CURRENT_USER, Role, Team, UserTeam, allow, deny

READER = Role("demo.reader", (allow(Team, "read"),))
MEMBER = Role("demo.member", (allow(UserTeam, "read", when=UserTeam.user == CURRENT_USER),))
TWIN = Role("demo.twin", (allow(Team, "read"),))
BLOCKED = Role("demo.blocked", (deny(Team, "read"),))
PERMISSIONS = frozenset({("system.team", "read"), ("system.user_team", "read")})


def shape_of(*roles: Role, key: str = "k") -> Shape:
    return Shape(
        key=key,
        plugins={},
        entities={},
        tables={},
        actions={},
        queries={},
        events={},
        handlers=(),
        roles={role.name: role for role in roles},
        permissions=PERMISSIONS,
        hooks=HookTables({}, {}),
        seeds=(),
        imports={},
        views={},
    )


@pytest.fixture
def shape() -> Shape:
    return shape_of(READER, MEMBER, TWIN, BLOCKED, Role(ADMINISTRATOR, ()))


def test_grants_have_equal_keys_when_they_grant_the_same(shape: Shape) -> None:
    reader, twin = compile_grants(shape, ["demo.reader"]), compile_grants(shape, ["demo.twin"])
    assert reader.key == twin.key
    keys = {
        compile_grants(shape, roles).key
        for roles in ([], ["demo.reader"], ["demo.member"], [ADMINISTRATOR])
    }
    assert len(keys) == 4


def test_grants_cannot_be_changed_once_made(shape: Shape) -> None:
    rows = compile_grants(shape, ["demo.reader"]).rows
    with pytest.raises(TypeError):
        rows["system.team", "delete"] = rows["system.team", "read"]  # type: ignore[index]  # pyright: ignore[reportIndexIssue]  # the mistake under test


def test_unknown_role_grants_nothing_and_is_logged_once(
    shape: Shape, caplog: pytest.LogCaptureFixture
) -> None:
    cache = GrantsCache()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert not cache.grants(shape, ["gone.role"]).rows
    assert [record.getMessage().count("gone.role") for record in caplog.records] == [1]


def test_cache_answers_by_shape_and_set_of_roles(shape: Shape) -> None:
    cache = GrantsCache()
    first = cache.grants(shape, ["demo.reader", "demo.blocked"])
    assert cache.grants(shape, ["demo.blocked", "demo.reader", "demo.reader"]) is first
    assert not first.allows("system.team", "read")
    assert cache.grants(shape, ["demo.reader"]).allows("system.team", "read")
    other = shape_of(BLOCKED, key="other")
    assert not cache.grants(other, ["demo.reader"]).allows("system.team", "read")


def test_cache_drops_the_least_recently_used(shape: Shape) -> None:
    cache = GrantsCache(size=2)
    grants: Callable[[str], object] = lambda name: cache.grants(shape, [name])  # noqa: E731  # short for the four lines below
    first, second = grants("demo.reader"), grants("demo.member")
    assert grants("demo.reader") is first
    grants("demo.twin")
    assert grants("demo.reader") is first
    assert grants("demo.member") is not second


def test_shapes_differ_when_only_the_rows_of_a_role_do() -> None:
    mine, archived = UserTeam.user == CURRENT_USER, UserTeam.archived == False  # noqa: E712  # a predicate, not a truth
    both, either = (
        Role("demo.a", (allow(UserTeam, "read", when=when),))
        for when in (mine & archived, mine | archived)
    )
    assert content_key({}, {}, {"demo.a": both}) != content_key({}, {}, {"demo.a": either})
