"""Compiled grants are what casbin decides, and their rows what Python evaluates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa_core.model.roles import ADMINISTRATOR
from hansa_core.policy.compile import granted_rows
from hansa_core.policy.conditions import condition_key
from hansa_core.policy.grants import Grants
from hansa_core.policy.reference import ReferencePolicy
from hansa_core.policy.rules import policy_rules
from hansa_sdk import CURRENT_USER, Denied, Predicate, Role, Rule, Team, User, UserTeam
from hansa_sdk.predicates import And, Compare, Everything, Or, Path

ENTITIES = ("demo.deal", "demo.note")
ACTIONS = ("read", "update", "win")
ROLE_NAMES = ("demo.a", "demo.b", "demo.c", "demo.d", ADMINISTRATOR)
PERMISSIONS = frozenset((entity, action) for entity in ENTITIES for action in ACTIONS)

conditions = st.one_of(
    st.none(),
    st.just(Everything()),
    st.sampled_from([Compare(Path("demo.deal", ("stage",)), "eq", stage) for stage in "xyz"]),
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    effect = draw(st.sampled_from(("allow", "allow", "allow", "deny")))
    return Rule(
        draw(st.sampled_from((*ENTITIES, "demo.unknown"))),
        tuple(draw(st.lists(st.sampled_from((*ACTIONS, "unknown")), max_size=3))),
        draw(conditions) if effect == "allow" else None,
        effect,
    )


@st.composite
def policies(draw: st.DrawFn) -> Mapping[str, Role]:
    names = draw(st.sets(st.sampled_from(ROLE_NAMES)))
    return {
        name: Role(
            name, () if name == ADMINISTRATOR else tuple(draw(st.lists(rules(), max_size=4)))
        )
        for name in sorted(names)
    }


held_roles = st.lists(st.sampled_from((*ROLE_NAMES, "gone.role")), max_size=4)


@given(policies(), held_roles)
def test_compiled_grants_equal_casbin_for_any_policy(
    policy: Mapping[str, Role], held: Sequence[str]
) -> None:
    reference = ReferencePolicy(
        policy_rules(policy, PERMISSIONS), {"main": {"u1": held}, "other": {"u2": ROLE_NAMES}}
    )
    granted = granted_rows({name: policy[name] for name in held if name in policy}, PERMISSIONS)
    for entity in (*ENTITIES, "demo.unknown"):
        for action in (*ACTIONS, "unknown", "*"):
            pair = (entity, action)
            expected = action != "*" and reference.allows("main", "u1", entity, action)
            assert (pair in granted) is expected, (pair, policy, held)


@given(policies(), held_roles, st.sampled_from("xyz"))
def test_granted_rows_are_those_of_any_allowing_rule(
    policy: Mapping[str, Role], held: Sequence[str], stage: str
) -> None:
    """The rows are worked out here rule by rule, without the compiler's joining."""
    roles = {name: policy[name] for name in held if name in policy}
    for (entity, action), rows in granted_rows(roles, PERMISSIONS).items():
        allowing = [
            rule.when
            for role in roles.values()
            for rule in role.rules
            if rule.effect == "allow" and rule.entity == entity and action in rule.actions
        ]
        expected = ADMINISTRATOR in roles or any(
            when is None or _holds(when, stage) for when in allowing
        )
        assert _holds(rows, stage) is expected


@given(policies(), held_roles)
def test_grants_are_the_same_in_whatever_order_roles_come(
    policy: Mapping[str, Role], held: Sequence[str]
) -> None:
    forward = {name: policy[name] for name in held if name in policy}
    backward = {name: policy[name] for name in reversed(held) if name in policy}
    assert granted_rows(forward, PERMISSIONS) == granted_rows(backward, PERMISSIONS)


def test_administrator_holds_every_pair_but_denied_ones() -> None:
    roles = {
        ADMINISTRATOR: Role(ADMINISTRATOR, ()),
        "demo.hands_off": Role("demo.hands_off", (Rule("demo.deal", ("win",), None, "deny"),)),
    }
    granted = granted_rows(roles, PERMISSIONS)
    assert set(granted) == PERMISSIONS - {("demo.deal", "win")}
    assert set(granted.values()) == {Everything()}


def test_rows_join_by_or_when_several_rules_allow() -> None:
    own, other = UserTeam.user == CURRENT_USER, Compare(Path("system.user_team", ("id",)), "eq", 1)
    role = Role(
        "demo.a",
        (
            Rule("system.user_team", ("read",), own, "allow"),
            Rule("system.user_team", ("read",), other, "allow"),
            Rule("system.user_team", ("read",), own, "allow"),
        ),
    )
    rows = granted_rows({"demo.a": role}, frozenset({("system.user_team", "read")}))
    (joined,) = rows.values()
    assert isinstance(joined, Or)
    assert set(joined.parts) == {own, other}


def test_grants_refuse_with_entity_and_action_when_missing() -> None:
    grants = Grants("k", {})
    assert not grants.allows("system.team", "read")
    with pytest.raises(Denied) as caught:
        grants.rows_for("system.team", "read")
    assert caught.value.params == {"entity": "system.team", "action": "read"}


@pytest.mark.parametrize(
    ("one", "another"),
    [
        (And((User.active == True,)), Or((User.active == True,))),  # noqa: E712  # a predicate, not a truth
        (User.name == "1", Compare(User.name.path, "eq", 1)),
        (Compare(User.name.path, "eq", Decimal(1)), Compare(User.name.path, "eq", 1)),
        (User.name == "$current_user", Compare(User.name.path, "eq", CURRENT_USER)),
        (User.name == "a", Team.name == "a"),
        (Everything(), ~Everything()),
    ],
)
def test_condition_keys_differ_when_conditions_do(one: Predicate, another: Predicate) -> None:
    assert condition_key(one) != condition_key(another)


def _holds(condition: Predicate, stage: str) -> bool:
    """Evaluate the few kinds of conditions generated here."""
    if isinstance(condition, Or):
        return any(_holds(part, stage) for part in condition.parts)
    if isinstance(condition, Compare):
        return condition.value == stage
    return isinstance(condition, Everything)
