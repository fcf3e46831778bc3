"""The text a condition is known by: equal for equal conditions, in every process."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import cast


def condition_key(value: object) -> str:
    """Return a text that differs whenever the condition or a value in it differs.

    Types are part of it, so that `1` and `"1"`, `And` and `Or` never meet.
    """
    kind = type(value).__name__
    if is_dataclass(value) and not isinstance(value, type):
        parts = ",".join(condition_key(getattr(value, each.name)) for each in fields(value))
        return f"{kind}({parts})"
    if isinstance(value, tuple):
        return f"({','.join(condition_key(each) for each in cast('tuple[object, ...]', value))})"
    return f"{kind}:{value!r}"
