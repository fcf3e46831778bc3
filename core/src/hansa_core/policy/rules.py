"""What roles declare, spelt out as casbin rules: one per role, entity and action, no wildcard."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from hansa_core.model.roles import ADMINISTRATOR
from hansa_sdk import Predicate, Role


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One line of the policy. `when` and `hidden` hang on it by `id`; casbin decides without them.

    `id` names the place of the declaration (role, position of the rule, action), so that a
    decision can say which rule made it.
    """

    id: str
    role: str
    entity: str
    action: str
    effect: str
    when: Predicate | None = None
    hidden: tuple[str, ...] = ()

    @property
    def pair(self) -> tuple[str, str]:
        """The (entity, action) it is about."""
        return self.entity, self.action


def policy_rules(
    roles: Mapping[str, Role], permissions: Collection[tuple[str, str]]
) -> tuple[PolicyRule, ...]:
    """Return the rules of every role, in the order they are declared.

    A rule about a pair that is not among `permissions` is left out: what does not exist is
    granted to nobody. The administrator's role is every one of `permissions`.
    """
    declared = [rule for role in roles.values() for rule in role_rules(role, permissions)]
    if ADMINISTRATOR not in roles:
        return tuple(declared)
    return (*declared, *_administrator_rules(permissions))


def role_rules(role: Role, permissions: Collection[tuple[str, str]]) -> Iterator[PolicyRule]:
    """Yield the rules one role declares."""
    for position, rule in enumerate(role.rules):
        for action in rule.actions:
            if (rule.entity, action) in permissions:
                name = f"{role.name}#{position}.{action}"
                hidden = rule.hidden if action == "read" else ()
                yield PolicyRule(
                    name, role.name, rule.entity, action, rule.effect, rule.when, hidden
                )


def _administrator_rules(permissions: Collection[tuple[str, str]]) -> Iterator[PolicyRule]:
    for entity, action in sorted(permissions):
        name = f"{ADMINISTRATOR}#{entity}.{action}"
        yield PolicyRule(name, ADMINISTRATOR, entity, action, "allow")
