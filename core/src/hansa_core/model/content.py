"""Declarations as plain data: what tells shapes apart, in every process alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Final, cast

_PLAIN: Final = frozenset({str, int, bool, type(None)})


def content_hash(value: object) -> str:
    """Hash declarations to a text that is equal in every process."""
    return hashlib.sha256(json.dumps(plain(value), sort_keys=True).encode()).hexdigest()[:32]


def plain(value: object) -> object:
    """Turn declarations into plain data, functions and classes into their names.

    What a declaration leaves at its default is left out: it is most of it.
    """
    if type(value) in _PLAIN:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        # The type's name too: And and Or have the same fields and mean different things.
        content: dict[str, object] = {"": type(value).__name__}
        for name, declared in value.__dataclass_fields__.items():
            held: object = getattr(value, name)
            if not _is_default(held, declared.default):
                content[name] = held if type(held) in _PLAIN else plain(held)
        return content
    if isinstance(value, Mapping):
        pairs = cast(Mapping[object, object], value).items()
        return {str(key): plain(item) for key, item in pairs}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, frozenset):
        return sorted(str(plain(item)) for item in cast("frozenset[object]", value))
    if callable(value):
        return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', repr(value))}"
    return str(value)


def _is_default(held: object, default: object) -> bool:
    alike = type(held) is type(default) and type(held) in _PLAIN
    return held is default or (alike and held == default)
