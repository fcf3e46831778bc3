"""Two callers: owner-or-team rows, and rows by conditions across references; both with masks."""

from __future__ import annotations

import uuid

from hansa_core.auth.principal import Principal
from hansa_core.caller import Caller
from hansa_core.policy.grants import Grants
from hansa_sdk import Predicate
from hansa_sdk.predicates import Compare, Marker, Not, Operator, Or, Path, Related
from tests.core.query.conftest import TEAMS, USER, Probe

OTHER = uuid.UUID(int=1)


def _thing(names: str, operator: Operator, value: object) -> Predicate:
    return Compare(Path("probe.thing", tuple(names.split("."))), operator, value)


def _box(names: str, operator: Operator, value: object) -> Predicate:
    return Compare(Path("probe.box", tuple(names.split("."))), operator, value)


_OWN = _thing("owner", "eq", Marker.CURRENT_USER)
_KEPT = _box("keeper", "eq", Marker.CURRENT_USER)

OWNERS = Grants(
    "owners",
    {
        ("probe.thing", "read"): Or(
            (
                _OWN,
                _thing("owner", "in", Marker.CURRENT_TEAMS),
                _thing("owner", "is_null", True),
                _thing("amount", "ge", 0),
            )
        ),
        ("probe.box", "read"): Or(
            (
                _KEPT,
                _box("keeper", "in", Marker.CURRENT_TEAMS),
                _box("keeper", "is_null", True),
                _box("outer", "is_null", False),
            )
        ),
    },
    {
        ("probe.thing", "price"): _thing("done", "eq", True),
        ("probe.thing", "weight"): _thing("amount", "ne", 7),
        ("probe.thing", "box"): Not(_thing("colour", "eq", "dark blue")),
        ("probe.thing", "name"): Or((_OWN, _thing("done", "is_null", False))),
        ("probe.thing", "day"): _thing("seen_at", "le", Marker.NOW),
        ("probe.thing", "length"): _thing("done", "eq", False),
        ("probe.thing", "shout"): _thing("version", "ge", 2),
        ("probe.box", "name"): Not(_KEPT),
        ("probe.box", "outer"): _box("version", "le", 2),
        ("probe.box", "thing_count"): _box("version", "ge", 2),
        ("probe.box", "first_name"): Not(_KEPT),
        ("probe.thing", "density"): _thing("version", "ge", 2),
    },
)
"""Rows of one's own, of one's teams and some more; masks by fields of the same row."""

ACROSS = Grants(
    "across",
    {
        ("probe.thing", "read"): Or(
            (
                _thing("box", "is_null", True),
                _thing("box.keeper", "in", Marker.CURRENT_TEAMS),
                _thing("box.outer.version", "le", 2),
            )
        ),
        ("probe.box", "read"): Or(
            (
                _box("outer.name", "is_null", True),
                Related(Path("probe.box", ("things",)), "some", _thing("done", "eq", True)),
            )
        ),
    },
    {
        ("probe.thing", "currency"): _thing("version", "ge", 2),
        ("probe.thing", "colour"): _thing("box.version", "ge", 2),
        ("probe.thing", "amount"): Not(_thing("box.currency", "eq", "JPY")),
        ("probe.thing", "seen_at"): _thing("done", "is_null", False),
        ("probe.thing", "took"): _thing("box.keeper", "is_null", True),
        ("probe.thing", "email"): _thing("archived", "eq", False),
        ("probe.thing", "owner"): _OWN,
        ("probe.thing", "title"): _thing("version", "ne", 2),
        ("probe.thing", "tags"): _thing("version", "ne", 1),
        ("probe.thing", "more"): _thing("version", "ne", 3),
        ("probe.box", "price"): _box("outer.version", "ge", 2),
        ("probe.box", "red_weight"): _box("version", "ne", 1),
        ("probe.thing", "margin"): _thing("version", "ne", 1),
    },
)
"""Rows and masks by records that a row refers to."""


def callers(probe: Probe) -> tuple[Caller, Caller]:
    """Return one caller with each of the two grants."""
    return (
        Caller(probe.tenant, Principal(USER, teams=TEAMS), probe.shape, OWNERS),
        Caller(probe.tenant, Principal(OTHER, teams=TEAMS), probe.shape, ACROSS),
    )
