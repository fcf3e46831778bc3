"""Roll-ups: a figure over related records as a correlated scalar subquery."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hansa_core.model.meta import EntityMeta, FieldMeta, Kind, ManyMeta
from hansa_core.query.conditions import route_to
from hansa_core.query.predicates import SqlCompiler, sql_type
from hansa_sdk import CurrencyMismatch, Invalid
from hansa_sdk.predicates import Everything, Path


def rollup_column(
    compiler: SqlCompiler, meta: EntityMeta, field: FieldMeta, table: sa.FromClause
) -> sa.ColumnElement[Any]:  # Any: a figure of whatever type
    """Return the figure over the related records the caller may read, without archived ones.

    Raises Invalid when the roll-up names no relation, CurrencyMismatch when it is over amounts.
    """
    rollup = field.rollup
    assert rollup is not None
    over = rollup.over()
    if over is None:
        raise _without_relation(meta, field)
    path = over.path
    relation = _relation(meta, field, path)
    target = compiler.shape.table(relation.target).alias()
    figure = _figure(compiler, field, relation, path, target)
    where = rollup.where() if rollup.where is not None else Everything()
    query = sa.select(sa.cast(figure, sql_type(field.kind))).where(
        target.c[relation.inverse] == table.c.id,
        compiler.condition(where, relation.target, target),
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
    compiler: SqlCompiler, field: FieldMeta, relation: ManyMeta, path: Path, target: sa.FromClause
) -> sa.ColumnElement[Any]:  # Any: a figure of whatever type
    assert field.rollup is not None
    kind = field.rollup.kind
    if kind == "count" and path.entity != relation.target:
        return sa.func.count()  # over the relation itself
    route = route_to(compiler.shape.entities, relation.target, path)
    if kind != "count" and route.field.kind in (Kind.MONEY, Kind.QUANTITY):
        raise CurrencyMismatch(
            f"{field.name} rolls up amounts of {path}, which may differ in currency or unit.",
            next_step="Ask for the amounts themselves, filtered to one currency.",
            path=(field.name,),
        )
    column = compiler.route(route, target)
    if kind == "count":
        return sa.func.count(column)
    if kind == "sum":
        return sa.func.coalesce(sa.func.sum(column), 0)
    return sa.func.min(column) if kind == "min" else sa.func.max(column)


def _relation(meta: EntityMeta, field: FieldMeta, path: Path) -> ManyMeta:
    """Find the relation rolled up: the one named, or the only one to the entity of the field."""
    if path.entity == meta.name and path.names[0] in meta.relations:
        return meta.relations[path.names[0]]
    found = [each for each in meta.relations.values() if each.target == path.entity]
    if len(found) != 1:
        raise _without_relation(meta, field)
    return found[0]


def _without_relation(meta: EntityMeta, field: FieldMeta) -> Invalid:
    return Invalid(
        f"{meta.name}.{field.name} rolls up records of no one relation of {meta.name}.",
        next_step="Declare one `many(...)` to the entity it is over.",
        path=(field.name,),
    )
