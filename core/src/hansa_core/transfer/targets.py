"""Import paths understood: which entity's field a path means, and what it fixes on the way."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from hansa_core.model.meta import EntityMeta, FieldMeta, Kind, ManyMeta
from hansa_core.model.shape import Shape
from hansa_core.transfer.paths import ImportPath, Step, parse_path
from hansa_core.transfer.values import CellError, ValueReader
from hansa_sdk import Invalid

Fixed = tuple[tuple[str, object], ...]
"""Fields of a line or referenced record that the path itself gives a value."""

_SHOWN_MAX: Final = 30

M = TypeVar("M", FieldMeta, ManyMeta)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a column goes.

    `field` belongs to `holder`: the imported entity itself, its owned line of `relation`, or the
    record that `reference` (of the line, else of the entity) refers to. `place` tells lines of one
    relation apart whose path fixes the same: the same field named twice begins another line.
    """

    path: ImportPath
    field: FieldMeta
    holder: EntityMeta
    relation: ManyMeta | None = None
    relation_fixed: Fixed = ()
    reference: FieldMeta | None = None
    reference_fixed: Fixed = ()
    place: int = 1


def resolve(shape: Shape, entity: EntityMeta, text: str) -> Target:
    """Understand a path from `entity`. Raises Invalid with the names that would be right."""
    return _Resolver(shape, entity, text).resolve(parse_path(text))


def resolve_hints(shape: Shape, entity: EntityMeta) -> Mapping[str, Fixed]:
    """Return what the plugins' own mappings always fix at a reference: `contacts.person`.

    A path given by hand then need not repeat that a contact person is a person.
    """
    found: dict[str, set[Fixed]] = {}
    for text in shape.imports.get(entity.name, {}).values():
        target = resolve(shape, entity, text)
        if target.reference is not None:
            found.setdefault(_reference_key(target), set()).add(target.reference_fixed)
    return {key: next(iter(values)) for key, values in found.items() if len(values) == 1}


def with_hints(target: Target, hints: Mapping[str, Fixed]) -> Target:
    """Add what the plugins always fix at the target's reference, where the path fixes nothing."""
    if target.reference is None or target.reference_fixed:
        return target
    fixed = hints.get(_reference_key(target), ())
    if not fixed or any(name == target.field.name for name, _ in fixed):
        return target
    return Target(
        target.path,
        target.field,
        target.holder,
        target.relation,
        target.relation_fixed,
        target.reference,
        fixed,
        target.place,
    )


def settable(entity: EntityMeta) -> list[FieldMeta]:
    """The fields an import may give a value."""
    return [field for field in entity.fields.values() if field.writable]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a next step that names the nearest of the known names, else lists them."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    more = ", ..." if len(names) > _SHOWN_MAX else ""
    return f"Possible are: {', '.join(names[:_SHOWN_MAX])}{more}."


class _Resolver:
    """Follows one path, keeping its text for the sentences."""

    def __init__(self, shape: Shape, entity: EntityMeta, text: str) -> None:
        self._shape = shape
        self._entity = entity
        self._text = text

    def resolve(self, path: ImportPath) -> Target:
        holder, steps = self._entity, list(path.steps)
        relation: ManyMeta | None = None
        relation_fixed: Fixed = ()
        reference: FieldMeta | None = None
        reference_fixed: Fixed = ()
        if len(steps) > 1:
            relation = self._relation(holder, steps[0])
        if relation is not None:
            holder = self._shape.entity(relation.target)
            relation_fixed = self._fixed(holder, steps.pop(0), relation.inverse)
        if len(steps) > 1:
            reference = self._reference(holder, steps[0])
            target = self._shape.entities.get(reference.target)
            if target is None:
                raise self._wrong(f"{reference.target} is not enabled", "Enable its plugin first.")
            holder = target
            reference_fixed = self._fixed(holder, steps.pop(0))
        if len(steps) > 1:
            names = ".".join(step.name for step in steps)
            raise self._wrong(f"{names} goes further than one reference", "Shorten it.")
        field = self._field(holder, steps[0].name, relation, reference)
        return Target(path, field, holder, relation, relation_fixed, reference, reference_fixed)

    def _relation(self, holder: EntityMeta, step: Step) -> ManyMeta | None:
        found = _named(step.name, holder.relations.values())
        if found is None:
            return None
        if not found.owned:
            owned = [each.name for each in holder.relations.values() if each.owned]
            raise self._wrong(
                f"{step.name} of {holder.name} is not owned by it and is imported by itself",
                f"Owned are: {', '.join(owned) or 'none'}.",
            )
        return found

    def _reference(self, holder: EntityMeta, step: Step) -> FieldMeta:
        found = _named(step.name, settable(holder))
        if found is None:
            references = [each.name for each in settable(holder) if each.kind is Kind.REFERENCE]
            lines = [each.name for each in holder.relations.values() if each.owned]
            raise self._wrong(
                f"{holder.name} has no line or reference {step.name}",
                did_you_mean(step.name, (*references, *lines)),
            )
        if found.kind is not Kind.REFERENCE:
            raise self._wrong(
                f"{step.name} of {holder.name} is a plain value ({found.kind})",
                f"End the path there: {step.name}.",
            )
        return found

    def _field(
        self,
        holder: EntityMeta,
        name: str,
        relation: ManyMeta | None,
        reference: FieldMeta | None,
    ) -> FieldMeta:
        found = _named(name, holder.fields.values())
        own_inverse = relation.inverse if relation is not None and reference is None else ""
        names = [field.name for field in settable(holder) if field.name != own_inverse]
        if found is None:
            line = _named(name, holder.relations.values())
            if line is not None:
                example = next(iter(settable(self._shape.entity(line.target))), None)
                raise self._wrong(
                    f"{name} of {holder.name} is a list of lines",
                    f"Name a field of the line, like {line.name}.{example.name if example else ''}",
                )
            lines = holder.relations if relation is None and reference is None else ()
            raise self._wrong(
                f"{holder.name} has no field {name}", did_you_mean(name, (*names, *lines))
            )
        looked_up = relation is None and reference is not None
        if (not found.writable and not looked_up) or found.name == own_inverse or not found.stored:
            raise self._wrong(
                f"{name} of {holder.name} is set by Hansa itself", did_you_mean(name, names)
            )
        return found

    def _fixed(self, holder: EntityMeta, step: Step, inverse: str = "") -> Fixed:
        values: list[tuple[str, object]] = []
        for name, text in step.qualifiers:
            field = _named(name, settable(holder))
            if field is None or field.name == inverse or field.kind is Kind.REFERENCE:
                names = [
                    each.name
                    for each in settable(holder)
                    if each.name != inverse and each.kind is not Kind.REFERENCE
                ]
                raise self._wrong(
                    f"{holder.name} has no plain field {name} to fix", did_you_mean(name, names)
                )
            try:
                value = ValueReader(field).read(text)
            except CellError as error:
                raise self._wrong(f"{name}={text} cannot be: {error}", "Correct it.") from error
            values.append((field.name, value))
        return tuple(sorted(values))

    def _wrong(self, what: str, next_step: str) -> Invalid:
        return Invalid(f"The path {self._text!r} leads nowhere: {what}.", next_step=next_step)


def _reference_key(target: Target) -> str:
    assert target.reference is not None
    line = f"{target.relation.name}." if target.relation is not None else ""
    return f"{line}{target.reference.name}"


def _named(name: str, metas: Iterable[M]) -> M | None:
    """Find a field or relation by its Python or its API name."""
    return next((meta for meta in metas if name in (meta.name, meta.api_name)), None)
