"""The reference: casbin deciding over the same rules. Tests and explanations ask it, no request.

An instance is built whole and never changed or reloaded (casbin drops role links while it loads);
a new policy is a new instance. Casbin itself stays inside, so nobody can switch enforcing off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol, cast

import casbin  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]  # casbin has no types: _Casbin below

from hansa_core.policy.rules import PolicyRule
from hansa_sdk import Invalid

MODEL: Final = """
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act, eft
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.act == p.act && r.obj == p.obj && (p.dom == "*" || r.dom == p.dom) && g(r.sub, p.sub, r.dom)
"""

_EVERY_TENANT: Final = "*"
# Never empty: over an empty policy casbin allows a request of empty strings.
_SENTINEL: Final = ("role:sentinel", "t:sentinel", "sentinel", "sentinel", "deny")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,199}", re.ASCII)


class _Assertion(Protocol):
    """One section of a casbin model: its rows, and where each is."""

    policy: list[list[str]]
    policy_map: dict[str, int]


class _Model(Protocol):
    """A casbin model."""

    def load_model_from_text(self, text: str) -> None:
        """Read the definitions."""
        ...

    def __getitem__(self, section: str) -> Mapping[str, _Assertion]: ...


class _Enforcer(Protocol):
    """Casbin's enforcer."""

    def enforce(self, *values: str) -> bool:
        """Decide one request."""
        ...

    def build_role_links(self) -> None:
        """Make the loaded memberships count."""
        ...


class _Casbin(Protocol):
    """The part of casbin used here; casbin itself is untyped."""

    def Model(self) -> _Model:
        """Make an empty model."""
        ...

    def Enforcer(self, model: _Model) -> _Enforcer:
        """Make an enforcer of a filled model."""
        ...


class ReferencePolicy:
    """Casbin over `rules` and who holds which role on which tenant.

    `members` maps a tenant's slug to its users' ids and each user's roles. Rules hold on every
    tenant, memberships on theirs only. Raises Invalid for a name that is empty, or has characters
    a policy could be bent with.
    """

    def __init__(
        self,
        rules: Iterable[PolicyRule],
        members: Mapping[str, Mapping[str, Sequence[str]]],
    ) -> None:
        lines = dict.fromkeys(_line(rule) for rule in rules)
        links = dict.fromkeys(
            (_token("user", user), _token("role", role), _token("t", tenant))
            for tenant, users in members.items()
            for user, roles in users.items()
            for role in roles
        )
        self._enforcer = _load([_SENTINEL, *lines], list(links))

    def allows(self, tenant: str, user: str, entity: str, action: str) -> bool:
        """Decide whether the user may do the action on some row; raises Invalid for a bad name."""
        return self._enforcer.enforce(
            _token("user", user), _token("t", tenant), _named(entity), _named(action)
        )


def _line(rule: PolicyRule) -> tuple[str, ...]:
    effect = "allow" if rule.effect == "allow" else "deny"
    subject = _token("role", rule.role)
    return (subject, _EVERY_TENANT, _named(rule.entity), _named(rule.action), effect)


def _token(prefix: str, name: str) -> str:
    """Prefix a name, so that a user called like a role is still no role."""
    return f"{prefix}:{_named(name)}"


def _named(name: str) -> str:
    # A name may come untyped from outside: casbin never matches an integer, silently.
    if not isinstance(cast(object, name), str) or not _NAME.fullmatch(name):
        raise Invalid(
            f"A policy names users, roles and actions by plain words; found {name!r}.",
            next_step="Begin with a letter or digit; then letters, digits, '.', '_' and '-' only.",
        )
    return name


def _load(rules: Sequence[Sequence[str]], links: Sequence[Sequence[str]]) -> _Enforcer:
    """Build an enforcer with the rows put in at once: casbin's own way to add is quadratic."""
    library = cast(_Casbin, casbin)
    model = library.Model()
    model.load_model_from_text(MODEL)
    for section, rows in (("p", rules), ("g", links)):
        assertion = model[section][section]
        assertion.policy = [list(row) for row in rows]
        assertion.policy_map = {",".join(row): place for place, row in enumerate(rows)}
    enforcer = library.Enforcer(model)
    enforcer.build_role_links()
    return enforcer
