"""Answers of Python on their way into a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from hansa_core.graphql.request import Info


def resolve_default(source: object, info: Info, **_arguments: object) -> object:
    """Read a mapping by field name, anything else by attribute."""
    if isinstance(source, Mapping):
        return cast("Mapping[str, object]", source).get(info.field_name)
    return getattr(source, info.field_name, None)
