"""Checks that need all entities: conditions of roles, roll-ups, and names in the database.

Conditions and roll-ups go through what reads compile them by, so that boot and requests agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, get_args
from uuid import UUID

from hansa_core.model.meta import TEXT_KINDS, EntityMeta, FieldMeta, Kind
from hansa_core.model.shape import Shape
from hansa_core.query.conditions import (
    Entities,
    Fixed,
    Route,
    check_size,
    condition_of,
    fixed_by,
    relation_at,
    route_to,
)
from hansa_core.query.late import Bindings
from hansa_core.query.predicates import SqlCompiler
from hansa_core.query.rollups import rollup_column
from hansa_core.storage.tables import column_names, constraint_names
from hansa_sdk import AnyColumn, HansaError, Invalid, Marker, Predicate, Problem, Rollup, Team, User
from hansa_sdk.fields import RollupKind
from hansa_sdk.policy import Rule
from hansa_sdk.predicates import And, Compare, Everything, Not, Or, Related

NAME_BYTES_MAX: Final = 63
"""How long a name PostgreSQL keeps whole may be."""

_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.DECIMAL})
_RANKED: Final = (TEXT_KINDS | _NUMBERS) | {Kind.DATE, Kind.INSTANT, Kind.DURATION}
# Of whom and when does not matter: only the kinds are compared.
_ANYBODY: Final = Bindings(UUID(int=0), (), datetime(2000, 1, 1, tzinfo=UTC))
_MARKED: Final[Mapping[Marker, str]] = {
    Marker.CURRENT_USER: User.__entity_name__,
    Marker.CURRENT_TEAMS: Team.__entity_name__,
}


_SHOWN: Final = frozenset({"id", "version"})
"""Fields that show on every row that may be read."""


def check_shape(shape: Shape) -> Iterator[Problem]:
    """Yield the problems of a shape's role conditions, roll-ups and database names."""
    for plugin in shape.plugins.values():
        for role in plugin.roles:
            for rule in role.rules:
                if rule.when is not None and rule.entity in shape.entities:
                    where = f"role {role.name}: when="
                    for error in mistakes_of(rule.when, shape.entities, rule.entity):
                        yield _of_condition(plugin.name, where, error)
                yield from _hidden(shape, plugin.name, role.name, rule)
    for meta in shape.entities.values():
        for field in meta.fields.values():
            if field.rollup is not None:
                yield from _rollup(shape, meta, field)
    yield from _database_names(shape)


def _hidden(shape: Shape, plugin: str, role: str, rule: Rule) -> Iterator[Problem]:
    """Yield the problems of the fields a rule hides."""
    meta = shape.entities.get(rule.entity)
    if not rule.hidden or meta is None:
        return
    where = f"role {role}: hide="
    if "read" not in rule.actions:
        expected = "a rule that grants read"
        yield Problem(plugin, where, expected, ", ".join(rule.actions), "Leave hide= out there.")
    for name in rule.hidden:
        field = meta.fields.get(name)
        if field is None or field.name in _SHOWN:
            expected = f"fields of {rule.entity} of its own, but id and version"
            yield Problem(plugin, where, expected, name, "Name another field.")


def mistakes_of(
    predicate: Predicate, entities: Entities, entity: str, fixed: Fixed | None = None
) -> Iterator[HansaError]:
    """Yield the errors every comparison of a condition on `entity` would be refused with."""
    try:
        check_size(predicate)
    except HansaError as error:
        yield error
        return
    yield from _mistakes(predicate, entities, entity, fixed or {})


def _mistakes(
    predicate: Predicate, entities: Entities, entity: str, fixed: Fixed
) -> Iterator[HansaError]:
    match predicate:
        case And(parts):
            held = {**fixed, **fixed_by(predicate)}
            for part in parts:
                yield from _mistakes(part, entities, entity, held)
        case Or(parts):
            for part in parts:
                yield from _mistakes(part, entities, entity, fixed)
        case Not(part):
            yield from _mistakes(part, entities, entity, fixed)
        case Related(path=path, part=part):
            try:
                relation = relation_at(entities, entity, path)
            except HansaError as error:
                yield error
            else:
                yield from _mistakes(part, entities, relation.target, {})
        case Compare():
            try:
                _check_compare(predicate, entities, entity, fixed)
            except HansaError as error:
                yield error
        case Everything():
            return
        case _:
            yield Invalid(f"{predicate!r} is no condition.", next_step="Compare fields.")


def _check_compare(compare: Compare, entities: Entities, entity: str, fixed: Fixed) -> None:
    """Raise Invalid for a comparison that cannot be meant, or that is with a roll-up.

    A rule is asked of every record that is read, and a roll-up of roll-ups might have no end.
    """
    condition = condition_of(compare, entities, entity, fixed, _ANYBODY)
    field = condition.route.field
    other = condition.value.field if isinstance(condition.value, Route) else field
    for each in (field, other):
        if each.rollup is not None:
            raise Invalid(
                f"{each.name} is a roll-up, which conditions of roles and roll-ups do not take.",
                next_step="Ask for some, none or every of the related records.",
            )
    meant = _MARKED.get(compare.value) if isinstance(compare.value, Marker) else None
    if meant is not None and field.kind is Kind.REFERENCE and field.target != meant:
        raise Invalid(
            f"{compare.path} refers to {field.target}, {compare.value} to {meant}.",
            next_step=f"Compare a reference to {meant}.",
        )


def _of_condition(plugin: str, where: str, error: HansaError) -> Problem:
    message = error.message.rstrip(".")
    return Problem(plugin, where, "a condition that can be met", message, error.next_step)


def _rollup(shape: Shape, meta: EntityMeta, field: FieldMeta) -> Iterator[Problem]:
    """Check a roll-up by compiling it, and that its figure is of the field's type."""
    assert field.rollup is not None
    where = f"entity {meta.name}.{field.name}"
    if field.rollup.kind not in get_args(RollupKind):
        kinds = ", ".join(get_args(RollupKind))
        yield Problem(
            meta.plugin, where, f"a roll-up of {kinds}", repr(field.rollup.kind), "Correct it."
        )
        return
    try:
        rollup_column(SqlCompiler(shape, _ANYBODY), meta, field, shape.table(meta.name))
        over = field.rollup.over()
        _check_where(shape, meta, field.rollup, over)
    except HansaError as error:
        message = error.message.rstrip(".")
        yield Problem(meta.plugin, where, "a roll-up that can be made", message, error.next_step)
        return
    except (AttributeError, NameError) as error:  # what is declared later, or misspelt
        yield Problem(meta.plugin, where, "a field to roll up", str(error), "Correct the name.")
        return
    expected = _expected_type(shape, field, over)
    if expected:
        found = f"{field.kind}{' or None' if field.nullable else ''}"
        yield Problem(meta.plugin, where, expected, found, "Correct the field's type.")


def _check_where(shape: Shape, meta: EntityMeta, rollup: Rollup, over: AnyColumn | None) -> None:
    """Raise the first mistake of a roll-up's condition."""
    if rollup.where is None or over is None:
        return
    relation = meta.relations.get(over.field_name) if over.path.entity == meta.name else None
    target = over.path.entity if relation is None else relation.target
    for error in mistakes_of(rollup.where(), shape.entities, target):
        raise error


def _expected_type(shape: Shape, field: FieldMeta, over: AnyColumn | None) -> str:
    """Return the type a roll-up's field should have; empty where it has it."""
    assert field.rollup is not None
    assert over is not None
    kind = field.rollup.kind
    if kind == "count":
        return "" if field.kind is Kind.INTEGER else "Field[int] for a count"
    rolled = route_to(shape.entities, over.path.entity, over.path).field
    if rolled.kind is Kind.MONEY:  # of one currency, which the roll-up's condition names
        expected = Kind.DECIMAL
        fits = field.kind is expected and (field.nullable or kind == "sum")
        return "" if fits else f"{expected}{'' if kind == 'sum' else ' or None'}, as {over.path} is"
    if kind == "sum":
        if rolled.kind not in _NUMBERS:
            return f"a sum of numbers or amounts, not of {over.path}, which is {rolled.kind},"
        fits = field.kind is rolled.kind or field.kind is Kind.DECIMAL
        return "" if fits else f"the type of {over.path}, {rolled.kind}"
    if rolled.kind not in _RANKED:
        return f"a {kind} of values in an order, not of {over.path}, which is {rolled.kind},"
    if not field.nullable:
        return f"{rolled.kind} or None, as there may be no record to take the {kind} of"
    alike = field.kind is rolled.kind and field.enum is rolled.enum
    return "" if alike else f"the type of {over.path}, {rolled.kind}, or None"


def _database_names(shape: Shape) -> Iterator[Problem]:
    """Check that PostgreSQL keeps the names apart: it cuts what is too long without a word."""
    owners: dict[str, str] = {}
    for name, meta in shape.entities.items():
        plugin, where = meta.plugin, f"entity {name}"
        for long in (meta.table, *column_names(meta)):
            if len(long.encode()) > NAME_BYTES_MAX:
                yield Problem(
                    plugin,
                    where,
                    f"names of at most {NAME_BYTES_MAX} bytes in the database",
                    f"{long} of {len(long.encode())}",
                    "Shorten the name of the entity or of the field.",
                )
        for cut in sorted(constraint_names(meta, shape.entities)):
            if cut in owners:
                yield Problem(
                    plugin,
                    where,
                    f"constraints and indexes that differ in their last {NAME_BYTES_MAX} bytes",
                    f"{cut} for two, one of {owners[cut]}",
                    "Shorten the names of the entity or of its fields.",
                )
            owners[cut] = name
