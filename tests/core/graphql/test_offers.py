"""Introspection shows what the caller may use: operations, types, fields and values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from uuid import uuid4

import pytest
from graphql import (
    GraphQLSchema,
    IntrospectionQuery,
    build_client_schema,
    get_introspection_query,
    print_schema,
    validate_schema,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa_core.auth.principal import Principal
from hansa_core.caller import Caller
from hansa_core.graphql import introspection, schemas
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.kernel import kernel_fields
from hansa_core.graphql.offers import offered, offers_all, unreachable_names
from hansa_core.graphql.schema import build_schema
from hansa_core.plugins.compile import compile_shape
from hansa_core.policy.grants import Grants
from hansa_core.query.hidden import hidden_names
from hansa_core.system.plugin import plugin as SYSTEM
from hansa_sdk.predicates import Everything
from tests.core.graphql.conftest import Ask
from tests.core.graphql.plugin import PLUGIN

SHAPE = compile_shape([SYSTEM, PLUGIN])
KERNEL = kernel_fields()
NOTHING: set[str] = set()
READS = ("lab.sample read", "lab.shelf read")


def grants(*permissions: str, hidden: Iterable[str] = ()) -> Grants:
    """Grant permissions like "lab.sample read"; `hidden` are fields of samples."""
    rows = {(pair.split()[0], pair.split()[1]): Everything() for pair in permissions}
    return Grants(str(uuid4()), rows, {("lab.sample", name): None for name in hidden})


def shown(held: Grants) -> GraphQLSchema:
    left_out = {*hidden_names(SHAPE, held), *unreachable_names(SHAPE, held)}
    return offered(build_schema(SHAPE, KERNEL, left_out), SHAPE, held).schema


def roots(schema: GraphQLSchema) -> set[str]:
    """Return the root fields beside the kernel's."""
    types = (schema.query_type, schema.mutation_type, schema.subscription_type)
    names = {name for each in types if each is not None for name in each.fields}
    return names - {"me", "meta", "node", "changes"}


@pytest.mark.parametrize(
    ("permissions", "names"),
    [
        ((), NOTHING),
        (
            ("lab.sample read",),
            {"labSample", "labSamples", "labSamplesGroup", "labSampleChanges", "labDayReport"},
        ),
        (("lab.sample create",), {"labSampleCreate", "labSampleUpsertMany"}),
        (("lab.sample update", "lab.sample delete", "lab.sample weigh"), NOTHING),  # of what?
        (
            ("lab.shelf read", "lab.shelf update"),
            {"labShelf", "labShelves", "labShelvesGroup", "labShelfChanges", "labShelfUpdate"}
            | {"labShelfUpdateMany", "labShelfUpsertMany"},
        ),
        (
            ("lab.shelf read", "lab.shelf delete", "lab.shelf archive"),
            {"labShelf", "labShelves", "labShelvesGroup", "labShelfChanges", "labShelfDelete"}
            | {"labShelfDeleteMany", "labShelfArchive", "labShelfRestore"},
        ),
        (
            ("lab.shelf read", "lab.shelf clear"),
            {"labShelf", "labShelves", "labShelvesGroup", "labShelfChanges", "labShelfClear"},
        ),
    ],
    ids=["nothing", "read", "create", "unseen", "update", "delete", "action"],
)
def test_operations_are_those_that_are_granted(
    permissions: tuple[str, ...], names: set[str]
) -> None:
    assert roots(shown(grants(*permissions))) == names


def test_types_that_nothing_leads_to_vanish() -> None:
    whole = set(shown(grants(*(f"{entity} {verb}" for entity, verb in SHAPE.permissions))).type_map)
    reader = set(shown(grants(*READS)).type_map)
    assert {"LabSampleColour", "LabReport", "LabReading"} <= reader
    assert {"LabSampleCreateInput", "LabSampleSetInput", "LabSamplePayload"} <= whole - reader
    assert {"LabShelfSamplesNewLine", "ErrorPolicy", "UserError"} <= whole - reader
    nobody = set(shown(grants()).type_map)
    assert not {name for name in nobody if name.startswith(("Lab", "System"))}


def test_what_leads_to_records_nobody_may_read_is_not_shown() -> None:
    schema = shown(grants("lab.sample read", "lab.sample create", "lab.sample update"))
    assert not [name for name in schema.type_map if name.startswith("LabShelf")]
    types = cast(Any, schema.type_map)
    for name in ("LabSample", "LabSampleWhere", "LabSampleCreateInput", "LabSampleGroupKeys"):
        assert "shelf" not in types[name].fields
        assert "name" in types[name].fields
    values = {*types["LabSampleOrderField"].values, *types["LabSampleGroupOrderField"].values}
    assert "name" in values
    assert not [value for value in values if value.startswith("shelf")]


def test_a_record_that_may_be_written_and_not_read_is_in_no_payload() -> None:
    types = cast(Any, shown(grants("lab.sample create")).type_map)
    assert set(types["LabSamplePayload"].fields) == {"errors"}
    assert set(types["LabSampleRowResult"].fields) == {"status", "errors"}
    assert "LabSample" not in types


def test_lines_are_written_as_far_as_they_are_granted() -> None:
    writes = ("lab.shelf read", "lab.shelf create", "lab.shelf update")
    without = cast(Any, shown(grants(*writes, "lab.sample read")).type_map)
    assert "samples" not in without["LabShelfCreateInput"].fields
    assert "samples" not in without["LabShelfUpdateInput"].fields
    adding = cast(Any, shown(grants(*writes, "lab.sample read", "lab.sample create")).type_map)
    assert "samples" in adding["LabShelfCreateInput"].fields
    assert set(adding["LabShelfSamplesLines"].fields) == {"create"}
    every = ("lab.sample read", "lab.sample update", "lab.sample delete")
    changing = cast(Any, shown(grants(*writes, *every)).type_map)
    assert "samples" not in changing["LabShelfCreateInput"].fields
    assert set(changing["LabShelfSamplesLines"].fields) == {"update", "delete"}


PERMISSIONS = sorted(f"{entity} {verb}" for entity, verb in SHAPE.permissions)


@settings(max_examples=25, deadline=None)
@given(st.sets(st.sampled_from(PERMISSIONS)), st.sets(st.sampled_from(["weight", "colour"])))
def test_every_schema_that_is_shown_is_valid_and_part_of_the_whole(
    permissions: set[str], hidden: set[str]
) -> None:
    held = grants(*permissions, hidden=hidden)
    schema = shown(held)
    assert validate_schema(schema) == []
    whole = build_schema(SHAPE, KERNEL).schema
    assert roots(schema) <= roots(whole)
    assert offers_all(SHAPE, held) == (roots(schema) == roots(whole) and not hidden)
    for name, type_ in cast("dict[str, Any]", schema.type_map).items():
        fields = getattr(type_, "fields", {})
        assert fields.keys() <= getattr(whole.type_map[name], "fields", {}).keys(), name


def test_who_may_do_everything_is_shown_everything() -> None:
    held = grants(*PERMISSIONS)
    whole = build_schema(SHAPE, KERNEL).schema
    assert offers_all(SHAPE, held)
    assert print_schema(shown(held)) == print_schema(whole)


@pytest.fixture
def someone(keeper: Caller) -> Caller:
    return Caller(keeper.tenant, Principal(uuid4()), keeper.shape, grants("lab.sample read"))


async def test_introspection_is_answered_by_what_is_offered(ask: Ask, someone: Caller) -> None:
    answer = await ask(get_introspection_query(), caller=someone)
    told = build_client_schema(cast(IntrospectionQuery, answer["data"]))
    assert print_schema(told) == print_schema(shown(someone.grants))
    document = """query Names($type: String!, $where: LabShelfWhere, $all: Boolean = true) {
      __type(name: $type) { name } absent: __type(name: "LabShelf") { name }
      sample: __type(name: "LabSample") { fields(includeDeprecated: $all) { name } }
      labSamples { nodes { id } } me { name } labShelves(where: $where) { totalCount } }"""
    variables = {"type": "LabSamplePayload", "where": {"name": {"eq": "x"}}}
    answer = await ask(document, variables, caller=someone)
    assert answer["data"] is None  # labShelves is denied, and never null
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "denied"
    rest = document.replace("labShelves(where: $where) { totalCount }", "").replace(
        "$where: LabShelfWhere,", ""
    )
    found = (await ask(rest, {"type": "LabSamplePayload"}, caller=someone))["data"]
    assert (found["__type"], found["absent"]) == (None, None)
    assert "shelf" not in {field["name"] for field in found["sample"]["fields"]}
    assert list(found) == ["__type", "absent", "sample", "labSamples", "me"]


async def test_an_operation_that_is_not_granted_says_which_permission_it_needs(
    ask: Ask, someone: Caller
) -> None:
    weighed = f'labSampleWeigh(id: "{uuid4()}", factor: "1")'
    for document, missing in (
        ("{ labShelves { nodes { id } } }", "read on lab.shelf"),
        ('mutation { labShelfCreate(input: {name: "x"}) { errors { message } } }', "create on"),
        (f"mutation {{ {weighed} {{ errors {{ message }} }} }}", "weigh on lab.sample"),
    ):
        answer = await ask(document, caller=someone)
        assert f"Your roles do not grant {missing}" in str(answer), document
    answer = await ask("{ labShelfs { nodes { id } } }", caller=someone)
    assert "Did you mean" not in str(answer)
    assert "labShelves" not in str(answer)


async def test_answers_are_kept_by_grants_and_never_by_user(
    ask: Ask, someone: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = "{ __schema { types { name } } }"
    first = await ask(document, caller=someone)
    built: list[object] = []

    def again(*given: object) -> object:
        built.append(given)
        return run(*given)  # type: ignore[arg-type]  # passed on as they came

    run = introspection._run  # pyright: ignore[reportPrivateUsage]  # what is not to be repeated
    monkeypatch.setattr(introspection, "_run", again)
    other = Caller(someone.tenant, Principal(uuid4()), someone.shape, someone.grants)
    assert await ask(document, caller=other) == first
    assert built == []
    less = Caller(someone.tenant, other.principal, someone.shape, grants())
    assert await ask(document, caller=less) != first
    assert len(built) == 1


async def test_schema_of_what_is_offered_is_made_for_introspection_only(
    ask: Ask, someone: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(*_: object) -> None:
        pytest.fail("made a schema")

    monkeypatch.setattr(schemas, "offered", made)
    caller = Caller(someone.tenant, Principal(uuid4()), someone.shape, grants("lab.sample read"))
    assert "errors" not in await ask("{ labSamples { totalCount } me { name } }", caller=caller)


async def test_only_so_many_bytes_of_answers_are_kept(graphql: GraphQL, someone: Caller) -> None:
    made = introspection.Introspection(graphql.platform.shapes.schemas, bytes_kept=2_000)
    graphql = GraphQL(graphql.platform)
    graphql._introspection = made  # pyright: ignore[reportPrivateUsage]  # with a small bound
    for number in range(20):
        await graphql.execute(someone, f"query Q{number} {{ __schema {{ types {{ kind }} }} }}")
        assert made._bytes <= 2_000  # pyright: ignore[reportPrivateUsage]  # as above
