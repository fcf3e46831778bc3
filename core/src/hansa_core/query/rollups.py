"""Roll-ups: a figure over related records as a correlated scalar subquery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from hansa_core.model.meta import EntityMeta, FieldMeta, Kind, ManyMeta
from hansa_core.query.conditions import Entities, Route, fixed_by, route_to
from hansa_core.query.sqltypes import sql_type
from hansa_sdk import CurrencyMismatch, Invalid, Predicate
from hansa_sdk.fields import RollupKind
from hansa_sdk.predicates import Everything, Path

if TYPE_CHECKING:
    from hansa_core.query.predicates import SqlCompiler


@dataclass(frozen=True, slots=True)
class RolledUp:
    """A roll-up resolved: of which records, and of which of their values (None: of all of them)."""

    kind: RollupKind
    relation: ManyMeta
    where: Predicate
    route: Route | None


def rolled_up(entities: Entities, meta: EntityMeta, field: FieldMeta) -> RolledUp:
    """Resolve a roll-up.

    Raises Invalid when it names no relation or rolls up a roll-up, CurrencyMismatch when it is
    over amounts whose currency its condition leaves open.
    """
    rollup = field.rollup
    assert rollup is not None
    over = rollup.over()
    if over is None:
        raise _without_relation(meta, field)
    path = over.path
    relation = _relation(meta, field, path)
    where = rollup.where() if rollup.where is not None else Everything()
    if rollup.kind == "count" and _names_relation(meta, path):
        return RolledUp(rollup.kind, relation, where, None)
    route = route_to(entities, relation.target, path)
    if route.field.rollup is not None:
        raise Invalid(
            f"{field.name} rolls up {path}, which is a roll-up.",
            next_step="Roll up stored fields or formulas.",
            path=(field.name,),
        )
    amounts = rollup.kind != "count" and route.field.kind in (Kind.MONEY, Kind.QUANTITY)
    if amounts and route.unit_names not in fixed_by(where):
        raise CurrencyMismatch(
            f"{field.name} rolls up amounts of {path}, which may differ in currency or unit.",
            next_step="Hold them to one in where=, or ask for the amounts themselves.",
            path=(field.name,),
        )
    return RolledUp(rollup.kind, relation, where, route)


def rollup_column(
    compiler: SqlCompiler, meta: EntityMeta, field: FieldMeta, table: sa.FromClause
) -> sa.ColumnElement[Any]:  # Any: a figure of whatever type
    """Return the figure over the related records the caller may read, without archived ones.

    Raises what `rolled_up` raises, HiddenField where the caller sees nothing it is over.
    """
    rolled = rolled_up(compiler.shape.entities, meta, field)
    relation = rolled.relation
    target = compiler.shape.table(relation.target).alias()
    query = sa.select(sa.cast(_figure(compiler, rolled, target), sql_type(field.kind))).where(
        target.c[relation.inverse] == table.c.id,
        compiler.condition(rolled.where, relation.target, target),
        *compiler.related(relation, target),
        *unarchived(compiler, relation.target, target),
    )
    return query.select_from(target).correlate(table).scalar_subquery()


def unarchived(
    compiler: SqlCompiler, entity: str, table: sa.FromClause
) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition that hides archived records, where the entity has them."""
    if not compiler.shape.entities[entity].archivable or "archived" not in table.c:
        return ()
    return (table.c.archived.is_(sa.false()),)


def _figure(
    compiler: SqlCompiler, rolled: RolledUp, target: sa.FromClause
) -> sa.ColumnElement[Any]:  # Any: a figure of whatever type
    if rolled.route is None:
        return sa.func.count()
    column = compiler.route(rolled.route, target)
    match rolled.kind:
        case "count":
            return sa.func.count(column)
        case "sum":
            whole = rolled.route.field.kind is Kind.INTEGER
            nothing: sa.ColumnElement[Any] = sa.literal_column("0" if whole else "0.00")
            return sa.func.coalesce(sa.func.sum(column), nothing)
        case "min":
            return sa.func.min(column)
        case _:
            return sa.func.max(column)


def _relation(meta: EntityMeta, field: FieldMeta, path: Path) -> ManyMeta:
    """Find the relation rolled up: the one named, or the only one to the entity of the field."""
    if _names_relation(meta, path):
        return meta.relations[path.names[0]]
    found = [each for each in meta.relations.values() if each.target == path.entity]
    if len(found) != 1:
        raise _without_relation(meta, field)
    return found[0]


def _names_relation(meta: EntityMeta, path: Path) -> bool:
    return path.entity == meta.name and path.names[0] in meta.relations


def _without_relation(meta: EntityMeta, field: FieldMeta) -> Invalid:
    return Invalid(
        f"{meta.name}.{field.name} rolls up records of no one relation of {meta.name}.",
        next_step="Declare one `many(...)` to the entity it is over.",
        path=(field.name,),
    )
