"""Which column goes where: what the user says, what plugins know, what names suggest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from hansa_core.model.meta import EntityMeta, Kind, ManyMeta
from hansa_core.model.shape import Shape
from hansa_core.transfer.names import folded
from hansa_core.transfer.targets import (
    Target,
    did_you_mean,
    resolve,
    resolve_hints,
    settable,
    with_hints,
)
from hansa_sdk import Invalid

_PLACES_MAX: Final = 50


class Origin(StrEnum):
    """Who said where a column goes."""

    GIVEN = "given"
    PLUGIN = "plugin"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """A column of the file and its target; `index` is its place in a row."""

    index: int
    column: str
    target: Target
    origin: Origin


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Every column of a file: mapped, ignored on request, or unmapped because nobody knew it."""

    columns: tuple[MappedColumn, ...]
    ignored: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()


def map_columns(
    shape: Shape, entity: EntityMeta, headers: Sequence[str], given: Mapping[str, str]
) -> ColumnMapping:
    """Map each header to a target of `entity`.

    `given` (column to path, "" to ignore it) is followed first, then the plugins' ImportMaps, then
    names, labels and aliases. A column nobody knows is left in `unmapped`. Raises Invalid for a
    given column or path that does not exist, and when two columns mean the same field.
    """
    said = {_header(headers, column): path for column, path in given.items()}
    hints = resolve_hints(shape, entity)
    known = {folded(column): path for column, path in shape.imports.get(entity.name, {}).items()}
    names = _paths_by_name(shape, entity)
    found: list[MappedColumn] = []
    ignored: list[str] = []
    unmapped: list[str] = []
    guesses: list[tuple[int, str, str, Origin]] = []
    for index, header in enumerate(headers):
        if header in said:
            if not said[header].strip():
                ignored.append(header)
                continue
            target = with_hints(resolve(shape, entity, said[header]), hints)
            found.append(MappedColumn(index, header, target, Origin.GIVEN))
        elif folded(header) in known:
            guesses.append((index, header, known[folded(header)], Origin.PLUGIN))
        elif folded(header) in names:
            guesses.append((index, header, names[folded(header)], Origin.NAME))
        else:
            unmapped.append(header)
    found = _placed(found)
    taken = {_address(each.target) for each in found}
    for index, header, path, origin in sorted(
        guesses, key=lambda guess: guess[3] is not Origin.PLUGIN
    ):
        target = with_hints(resolve(shape, entity, path), hints)
        if _address(target) in taken:  # said for another column: a guess never overrules that
            unmapped.append(header)
            continue
        taken.add(_address(target))
        found.append(MappedColumn(index, header, target, origin))
    order = {header: index for index, header in enumerate(headers)}
    return ColumnMapping(
        tuple(sorted(found, key=lambda each: each.index)),
        tuple(ignored),
        tuple(sorted(unmapped, key=lambda header: order[header])),
    )


def _header(headers: Sequence[str], column: str) -> str:
    """Find a column by its exact name, else by a name that means the same."""
    if column in headers:
        return column
    alike = [header for header in headers if folded(header) == folded(column)]
    if len(alike) == 1 and folded(column):
        return alike[0]
    raise Invalid(
        f"The file has no column {column!r}.",
        next_step=did_you_mean(column, headers),
        path=("map", column),
    )


def _paths_by_name(shape: Shape, entity: EntityMeta) -> Mapping[str, str]:
    """Return folded names, labels and aliases with the path they mean.

    The entity's own fields come first; a field of an owned line counts when no other line has the
    same name.
    """
    own: dict[str, str] = {}
    for field in settable(entity):
        for name in (field.name, *field.aliases, field.label):
            own.setdefault(folded(name), field.name)
    of_lines: dict[str, set[str]] = {}
    for relation in entity.relations.values():
        if relation.owned and relation.target in shape.entities:
            for name, path in _line_names(shape.entity(relation.target), relation):
                of_lines.setdefault(folded(name), set()).add(path)
    single = {name: next(iter(paths)) for name, paths in of_lines.items() if len(paths) == 1}
    return {**single, **own}


def _line_names(line: EntityMeta, relation: ManyMeta) -> Iterable[tuple[str, str]]:
    required = [field for field in settable(line) if field.required]
    main = [field for field in required if field.name != relation.inverse]
    if len(main) == 1 and main[0].kind is not Kind.REFERENCE:
        for alias in (relation.name, relation.label, *relation.aliases):
            yield alias, f"{relation.name}.{main[0].name}"
    for field in settable(line):
        if field.kind is not Kind.REFERENCE:
            for name in (field.name, field.label, *field.aliases):
                yield name, f"{relation.name}.{field.name}"


def _placed(columns: Sequence[MappedColumn]) -> list[MappedColumn]:
    """Let columns given the same path of a line begin another line each; refuse others."""
    taken: set[object] = set()
    placed: list[MappedColumn] = []
    for each in columns:
        target = each.target
        while _address(target) in taken:
            if target.relation is None:
                raise Invalid(
                    f"Two columns are mapped to {target.path}; one of them is {each.column!r}.",
                    next_step=f"Leave one out with --map '{each.column}='.",
                    path=("map", each.column),
                )
            if target.place >= _PLACES_MAX:
                raise Invalid(
                    f"More than {_PLACES_MAX} columns are mapped to {target.path}.",
                    next_step="Leave some out.",
                )
            target = replace(target, place=target.place + 1)
        taken.add(_address(target))
        placed.append(replace(each, target=target))
    return placed


def _address(target: Target) -> object:
    """Return what two columns may not share: one field of one record."""
    return (
        target.relation.name if target.relation is not None else "",
        target.relation_fixed,
        target.place,
        target.reference.name if target.reference is not None else "",
        target.field.name,
    )
