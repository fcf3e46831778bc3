"""Roles compiled to grants: one look-up per decision, equal to what casbin would decide."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from hansa_core.model.shape import Shape
from hansa_core.policy.conditions import condition_key
from hansa_core.policy.grants import Grants
from hansa_core.policy.rules import PolicyRule, policy_rules
from hansa_sdk import Predicate, Role
from hansa_sdk.predicates import Everything, Or

CACHE_SIZE: Final = 1024
"""How many compiled sets of roles a cache keeps by default (about 10 kB each)."""

_log = logging.getLogger(__name__)


def compile_grants(shape: Shape, roles: Sequence[str]) -> Grants:
    """Compile what the holders of `roles` together may do under `shape`.

    A deny of one role outweighs every allow; several allows of a pair join their rows by `or`. A
    role the shape does not know grants nothing.
    """
    held = {name: shape.roles[name] for name in sorted(set(roles)) if name in shape.roles}
    unknown = sorted(set(roles) - set(held))
    if unknown:
        _log.warning("roles that grant nothing, no enabled plugin declares them: %s", unknown)
    allowed = _allowed(policy_rules(held, shape.permissions))
    rows = {pair: _any_of(allowed[pair]) for pair in sorted(allowed)}
    masks = _masks(allowed)
    return Grants(_content_hash(rows, masks), MappingProxyType(rows), MappingProxyType(masks))


def granted_rows(
    roles: Mapping[str, Role], permissions: frozenset[tuple[str, str]]
) -> dict[tuple[str, str], Predicate]:
    """Return the rows each pair is granted on to who holds all of `roles`."""
    allowed = _allowed(policy_rules(roles, permissions))
    return {pair: _any_of(allowed[pair]) for pair in sorted(allowed)}


def _allowed(rules: Sequence[PolicyRule]) -> dict[tuple[str, str], list[PolicyRule]]:
    """Return the allowing rules of each pair that nothing denies."""
    denied = {rule.pair for rule in rules if rule.effect != "allow"}
    allows: dict[tuple[str, str], list[PolicyRule]] = {}
    for rule in rules:
        if rule.pair not in denied:
            allows.setdefault(rule.pair, []).append(rule)
    return allows


def _masks(
    allowed: Mapping[tuple[str, str], Sequence[PolicyRule]],
) -> dict[tuple[str, str], Predicate | None]:
    """Return the fields that do not show on every readable row, with the rows they show on."""
    masks: dict[tuple[str, str], Predicate | None] = {}
    for (entity, action), rules in sorted(allowed.items()):
        if action != "read":
            continue
        for name in sorted({name for rule in rules for name in rule.hidden}):
            showing = [rule for rule in rules if name not in rule.hidden]
            masks[entity, name] = _any_of(showing) if showing else None
    return masks


class GrantsCache:
    """Compiled grants by shape and roles, the least recently used dropped; for all threads.

    A user's roles are read with every request, so a cached answer is never about old roles.
    """

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._grants: OrderedDict[tuple[str, tuple[str, ...]], Grants] = OrderedDict()

    def grants(self, shape: Shape, roles: Sequence[str]) -> Grants:
        """Return the grants of `roles` under `shape`, compiled at most once while cached."""
        key = (shape.key, tuple(sorted(set(roles))))
        with self._lock:
            found = self._grants.get(key)
            if found is not None:
                self._grants.move_to_end(key)
                return found
        made = compile_grants(shape, key[1])
        with self._lock:
            self._grants[key] = made
            while len(self._grants) > self._size:
                self._grants.popitem(last=False)
        return made


def _any_of(rules: Sequence[PolicyRule]) -> Predicate:
    """Join the rows of allowing rules; one without a condition is all rows."""
    conditions: dict[str, Predicate] = {}
    for rule in rules:
        if rule.when is None or isinstance(rule.when, Everything):
            return Everything()
        conditions[condition_key(rule.when)] = rule.when
    ordered = [conditions[key] for key in sorted(conditions)]
    return ordered[0] if len(ordered) == 1 else Or(tuple(ordered))


def _content_hash(
    rows: Mapping[tuple[str, str], Predicate], masks: Mapping[tuple[str, str], Predicate | None]
) -> str:
    lines = [f"{entity} {action} {condition_key(rows[entity, action])}" for entity, action in rows]
    lines += [f"{entity}.{name} {condition_key(masks[entity, name])}" for entity, name in masks]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
