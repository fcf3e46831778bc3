"""Statements of writes: compiled once for a set of columns, for every tenant."""

from __future__ import annotations

from itertools import combinations

from hansa_core.plugins.compile import compile_shape
from hansa_core.records.statements import (
    KEPT_MAX,
    columns_of,
    delete_statement,
    insert_statement,
    update_statement,
)
from hansa_core.storage import kept
from hansa_core.storage.kept import families_of
from hansa_core.system.plugin import plugin as system
from tests.core.graphql.synthetic import synthetic_shape
from tests.core.records.probe import plugin as probe

SHAPE = compile_shape([system, probe])
TABLE = SHAPE.table("probe.thing")
COLUMNS = list(columns_of(SHAPE.entity("probe.thing")).values())


def test_statement_of_the_same_columns_is_compiled_once() -> None:
    first = insert_statement(TABLE, COLUMNS)
    assert insert_statement(TABLE, list(COLUMNS)) is first
    assert insert_statement(TABLE, COLUMNS[:3]) is not first
    assert update_statement(TABLE, COLUMNS[:3]) is not insert_statement(TABLE, COLUMNS[:3])
    assert delete_statement(TABLE) is delete_statement(TABLE)
    one, two = first.text("t_one"), first.text("t_two")
    assert '"t_one"' in one
    assert two == one.replace("t_one", "t_two")


def test_another_shapes_table_has_statements_of_its_own() -> None:
    other = compile_shape([system, probe]).table("probe.thing")
    assert delete_statement(other) is not delete_statement(TABLE)


def test_the_statements_last_used_are_kept_and_no_more() -> None:
    table = SHAPE.table("probe.order")
    names = list(columns_of(SHAPE.entity("probe.order")).values())
    sets = [list(each) for size in (2, 3) for each in combinations(names, size)][: KEPT_MAX + 8]
    assert len(sets) > KEPT_MAX
    always = update_statement(table, ["name"])
    for each in sets:
        assert update_statement(table, ["name"]) is always
        update_statement(table, each)
    assert len(families_of(table)[table.name, "statements"]) == KEPT_MAX


def test_statements_of_all_tables_of_a_shape_are_bounded_together() -> None:
    shape = synthetic_shape(45)
    tables = [shape.table(name) for name in shape.entities]
    for table in tables:
        names = [column.name for column in table.columns]
        for each in list(combinations(names, 2))[: KEPT_MAX - 4]:
            update_statement(table, list(each))
    families = families_of(tables[0])
    assert 0 < sum(map(len, families.values())) <= kept.KEPT_MAX < len(tables) * (KEPT_MAX - 4)
    assert (tables[0].name, "statements") not in families
    assert len(families[tables[-1].name, "statements"]) == KEPT_MAX - 4
