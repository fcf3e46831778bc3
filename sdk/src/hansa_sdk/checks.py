"""Checks: the rules of single records, said as methods of their entity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """A rule every saved record must meet, and the sentence for who breaks it.

    >>> Check("x must be positive", lambda record: True).message
    'x must be positive'
    """

    message: str
    holds: Callable[..., bool]


def check(message: str) -> Callable[[Callable[..., bool]], Check]:
    """Make a method a rule of the entity: it must return True, else `message` is the answer.

    >>> check("must hold")(lambda record: True).message
    'must hold'
    """

    def declare(function: Callable[..., bool]) -> Check:
        return Check(message, function)

    return declare
