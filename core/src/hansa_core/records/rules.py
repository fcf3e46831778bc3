"""An entity's own rules (`@check`), and which of its fields a broken one speaks of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from hansa_core.model.meta import EntityMeta
from hansa_sdk import Check, Entity, HansaError, Invalid


def check_rules(meta: EntityMeta, record: Entity) -> list[HansaError]:
    """Return an error per broken rule; its path is the first field the rule looked at.

    A field that may be given comes before one that only actions set; `params` tells all of them.
    """
    errors: list[HansaError] = []
    for rule in meta.checks:
        try:
            if not rule.holds(record):
                errors.append(_broken(meta, rule, _fields_of(meta, rule, record)))
        except HansaError as error:
            errors.append(error)
    return errors


def _broken(meta: EntityMeta, rule: Check, names: Sequence[str]) -> Invalid:
    sentence = f"{meta.label}: {rule.message}".removesuffix(".")
    return Invalid(f"{sentence}.", path=names[:1], params={"fields": list(names)} if names else {})


class _Noted(dict[str, object]):
    """A record's values that note which of them are read, in that order."""

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__(values)
        self.read: dict[str, None] = {}

    def __getitem__(self, name: str) -> object:
        self.read[name] = None
        return super().__getitem__(name)


def _fields_of(meta: EntityMeta, rule: Check, record: Entity) -> list[str]:
    """Ask a broken rule again on values that note what it reads: its declaration names none."""
    values = cast("dict[str, object]", record.__dict__["values"])
    noted = _Noted(values)
    record.__dict__["values"] = noted
    try:
        rule.holds(record)
    finally:
        record.__dict__["values"] = values
    fields = [meta.fields[name] for name in noted.read if name in meta.fields]
    said = [field for field in fields if field.stored and not field.system]
    return [field.name for field in sorted(said, key=lambda field: not field.writable)]
