"""A schema that makes types when they are asked for says the same as one that made them all."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from graphql import (
    GraphQLNamedType,
    GraphQLSchema,
    get_introspection_query,
    is_introspection_type,
    print_schema,
    print_type,
    validate_schema,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa_core.graphql.api import Hidden
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.kernel import kernel_fields
from hansa_core.graphql.lazy import LazySchema
from hansa_core.graphql.names import KERNEL_TYPES
from hansa_core.graphql.outputs import NODE
from hansa_core.graphql.schema import CompiledSchema, build_schema
from hansa_core.graphql.type_names import claimed
from hansa_core.model.shape import Shape
from hansa_core.plugins.compile import compile_shape
from hansa_core.plugins.discovery import installed_plugins
from hansa_core.storage.transaction import Tenant
from hansa_core.system.plugin import plugin as SYSTEM
from hansa_core.testing.platform import Platform
from tests.core.graphql.conftest import Ask
from tests.core.graphql.plugin import PLUGIN

KERNEL = kernel_fields()
SHAPES = {
    "lab": compile_shape([SYSTEM, PLUGIN]),
    "installed": compile_shape([*installed_plugins().values()]),
    "kernel": compile_shape([SYSTEM]),
    "empty": compile_shape([]),
}
UNKNOWN = (
    *("", "L", "Lab", "LabSampl", "LabSampleX", "LabSampleWhereX", "labSample", "SystemUserWhere_"),
    *("LabLockedCreateInput", "LabLockedPayload", "LabSampleSamplesLines", "Float", "XFilter"),
    *("LabSampleNoneSuchInput", "LabSample" * 9),
)


def hidden_in(shape: Shape, seed: int) -> Hidden:
    """Return a quarter of a shape's fields and relations; none for 0."""
    names = [
        (meta.name, name)
        for meta in shape.entities.values()
        for name in (*meta.fields, *meta.relations)
        if name not in ("id", "version")
    ]
    drawn = random.Random(seed).sample(names, len(names) // 4)  # noqa: S311  # a repeatable draw
    return frozenset(drawn if seed else ())


def fresh(shape: str, seed: int = 0) -> LazySchema:
    schema = build_schema(SHAPES[shape], KERNEL, hidden_in(SHAPES[shape], seed)).schema
    assert isinstance(schema, LazySchema)
    return schema


def whole(shape: str, seed: int = 0) -> GraphQLSchema:
    """Return what graphql-core makes of the root types, all at once."""
    lazy = fresh(shape, seed)
    return GraphQLSchema(
        lazy.query_type,
        lazy.mutation_type,
        lazy.subscription_type,
        directives=lazy.directives,
    )


def text_of(type_: GraphQLNamedType | None) -> str:
    return "none" if type_ is None else print_type(type_)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_schema_is_valid_and_its_types_are_known_by_name(shape: str, seed: int) -> None:
    everything = whole(shape, seed)
    assert validate_schema(everything) == []
    lazy = fresh(shape, seed)
    assert len(lazy.type_map) == len(everything.type_map)
    assert lazy.types.names() | lazy.type_map.keys() == everything.type_map.keys()
    assert print_schema(lazy) == print_schema(everything)


@pytest.mark.parametrize("seed", [0, 1])
def test_each_type_is_found_when_it_is_the_first_that_is_asked_for(seed: int) -> None:
    everything = whole("lab", seed)
    for name in (*everything.type_map, *UNKNOWN):
        found = fresh("lab", seed).get_type(name)
        assert text_of(found) == text_of(everything.get_type(name)), name


EVERYTHING = whole("lab", 1)
TEXT = print_schema(EVERYTHING)


@settings(max_examples=25)
@given(st.lists(st.sampled_from([*EVERYTHING.type_map, *UNKNOWN]), max_size=40))
def test_schema_is_the_same_whatever_was_asked_for_before(names: list[str]) -> None:
    lazy = fresh("lab", 1)
    for name in names:
        assert text_of(lazy.get_type(name)) == text_of(EVERYTHING.get_type(name))
        assert (name in lazy.type_map) == (name in EVERYTHING.type_map)
        assert lazy.get_type(name) is lazy.get_type(name)
    assert {each.name for each in lazy.get_possible_types(NODE)} == {
        each.name for each in EVERYTHING.get_possible_types(NODE)
    }
    seen = {name: lazy.get_type(name) for name in names}
    assert print_schema(lazy) == TEXT
    for name, type_ in seen.items():
        assert lazy.whole.get_type(name) is type_


@pytest.mark.parametrize("shape", ["lab", "installed"])
def test_every_type_has_a_name_that_is_claimed_at_boot(shape: str) -> None:
    compiled = SHAPES[shape]
    names = {name for meta in compiled.entities.values() for name in claimed(compiled, meta)}
    names |= {*KERNEL_TYPES}
    others = {
        type_.name
        for type_ in whole(shape).type_map.values()
        if type_.name not in names and not is_introspection_type(type_)
    }
    assert others == ({"LabReading", "LabReport"} if shape == "lab" else set())


def test_threads_get_the_same_types_when_they_ask_at_once() -> None:
    lazy, threads = fresh("installed"), 4
    names = [*whole("installed").type_map]
    barrier = Barrier(threads)

    def ask(seed: int) -> dict[str, GraphQLNamedType | None]:
        mixed = random.Random(seed).sample(names, len(names))  # noqa: S311  # a repeatable draw
        barrier.wait()
        return {name: lazy.get_type(name) for name in mixed}

    with ThreadPoolExecutor(threads) as pool:
        first, *others = pool.map(ask, range(threads))
    assert None not in first.values()
    for other in others:
        assert all(other[name] is type_ for name, type_ in first.items())
    assert all(lazy.whole.get_type(name) is type_ for name, type_ in first.items())


async def test_introspection_leaves_nothing_behind(
    platform: Platform, tenant: Tenant, ask: Ask, graphql: GraphQL
) -> None:
    administrator = await platform.user(tenant, "system.administrator")
    compiled: CompiledSchema = await graphql.platform.shapes.schemas.of(administrator.shape)
    answer = await ask(get_introspection_query(), caller=administrator)
    assert len(answer["data"]["__schema"]["types"]) == len(compiled.schema.type_map)
    assert "whole" not in vars(compiled.schema)
