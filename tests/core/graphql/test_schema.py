"""The schema made of a shape: its types, names and size."""

from __future__ import annotations

from enum import StrEnum

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    validate_schema,
)

from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.graphql.kernel import Query, kernel_fields
from hansa_core.graphql.names import check_names
from hansa_core.graphql.schema import CompiledSchema, build_schema
from hansa_core.plugins.compile import compile_shape
from hansa_sdk import Context, Entity, Field, Many, Plugin, Ref, action, field, many, ref
from tests.core.graphql.conftest import Ask
from tests.core.graphql.plugin import PLUGIN
from tests.core.graphql.synthetic import measure

_VERBS = ("Create", "Update", "Delete", "Archive", "Restore")


def fields_of(lab: CompiledSchema, name: str) -> dict[str, str]:
    found = lab.schema.type_map[name]
    assert isinstance(found, (GraphQLObjectType, GraphQLInputObjectType))
    return {name: str(member.type) for name, member in found.fields.items()}


def test_schema_is_valid_when_checked_by_graphql_core(lab: CompiledSchema) -> None:
    checked = GraphQLSchema(
        lab.schema.query_type, lab.schema.mutation_type, directives=lab.schema.directives
    )
    assert validate_schema(checked) == []


def test_output_fields_are_nullable_except_id_and_version(lab: CompiledSchema) -> None:
    fields = fields_of(lab, "LabSample")
    assert {name for name, type_ in fields.items() if type_.endswith("!")} == {"id", "version"}
    assert (fields["price"], fields["currency"], fields["length"]) == (
        "Decimal",
        "Currency",
        "Quantity",
    )
    assert (fields["shelf"], fields["colour"]) == ("LabShelf", "LabSampleColour")
    assert (fields["takenOn"], fields["seenAt"], fields["lasts"]) == (
        "Date",
        "DateTime",
        "Duration",
    )
    assert (fields["marks"], fields["more"], fields["shout"]) == ("[String!]", "JSON", "String")
    assert fields_of(lab, "LabShelf")["samples"] == "LabSampleConnection"


def test_create_requires_what_has_no_default_and_update_nothing(lab: CompiledSchema) -> None:
    create = fields_of(lab, "LabSampleCreateInput")
    required = {name for name, type_ in create.items() if type_.endswith("!")}
    assert required == {"shelf", "name", "currency", "price"}
    assert not {"id", "version", "sealed", "shout", "archived"} & set(create)
    update = fields_of(lab, "LabSampleUpdateInput")
    assert set(update) == set(create)
    assert not any(type_.endswith("!") for type_ in update.values())
    assert create["shelf"] == "LabShelfReferenceInput!"
    assert "shelf" not in fields_of(lab, "LabShelfSamplesNewLine")


def test_enum_names_are_upper_case_and_values_as_declared(lab: CompiledSchema) -> None:
    colour = lab.schema.type_map["LabSampleColour"]
    assert isinstance(colour, GraphQLEnumType)
    assert {name: value.value for name, value in colour.values.items()} == {
        "RED": "red",
        "DARK_BLUE": "dark blue",
    }


def test_action_takes_its_functions_arguments(lab: CompiledSchema) -> None:
    assert lab.schema.mutation_type is not None
    seal = lab.schema.mutation_type.fields["labSampleSeal"]
    assert {name: str(argument.type) for name, argument in seal.args.items()} == {
        "id": "ID!",
        "version": "Int",
        "note": "String!",
        "on": "Date",
        "colour": "LabSampleColour!",
        "price": "MoneyInput",
        "to": "ID",
        "beside": "ID",
    }
    assert fields_of(lab, "LabSampleSealPayload")["record"] == "LabSample"
    assert fields_of(lab, "LabShelfClearPayload")["record"] == "LabShelf"
    assert fields_of(lab, "LabSampleWeighPayload")["result"] == "LabReading"
    assert fields_of(lab, "LabReading") == {
        "takenOn": "Date",
        "value": "Decimal",
        "price": "Money",
        "colour": "LabSampleColour",
    }


def test_query_takes_its_functions_arguments_and_gives_its_dataclass(lab: CompiledSchema) -> None:
    assert lab.schema.query_type is not None
    report = lab.schema.query_type.fields["labDayReport"]
    assert {name: str(argument.type) for name, argument in report.args.items()} == {
        "day": "Date!",
        "colours": "[String!]",
    }
    assert fields_of(lab, "LabReport")["readings"] == "[LabReading]"


def test_operations_are_left_out_when_an_entity_cannot_do_them(lab: CompiledSchema) -> None:
    assert lab.schema.mutation_type is not None
    names = set(lab.schema.mutation_type.fields)
    assert "labShelfArchive" in names
    assert "labSampleArchive" not in names
    assert {"labShelfDelete", "labSampleDelete"} <= names
    assert not [name for name in names if name.startswith("labLocked")]


async def test_roles_and_plugin_states_cannot_be_written_by_people(
    graphql: GraphQL, manager: Caller
) -> None:
    compiled = await graphql.platform.shapes.schemas.of(manager.shape)
    assert compiled.schema.mutation_type is not None
    names = set(compiled.schema.mutation_type.fields)
    assert {"crmDealDelete", "crmDealArchive", "crmDealRestore"} <= names
    own = ("systemRole", "systemPluginState")
    assert {"systemRole", "systemPluginState"} <= {
        one.meta.single_api_name for one in compiled.api.entities.values()
    }
    written = [name + verb for name in own for verb in _VERBS]
    assert not set(written) & names


def test_kernel_fields_come_from_strawberry_with_their_resolvers() -> None:
    """The contract on Strawberry's private schema: a new version must still give all this."""
    private = strawberry.Schema(query=Query)._schema  # pyright: ignore[reportPrivateUsage]  # it is what this test is about
    assert isinstance(private, GraphQLSchema)
    fields = kernel_fields()
    assert set(fields) == {"me", "meta"}
    assert all(callable(field.resolve) for field in fields.values())
    types: list[object] = [getattr(field, "type", None) for field in fields.values()]
    assert {"Me!", "Meta!"} == set(map(str, types))


def test_schema_of_sixty_entities_is_small() -> None:
    assert measure()["schema MB"] < 10


class Clash(Entity, name="lab.clash", label="Clash"):
    """Its fields meet each other and a plugin."""

    part_1: Field[str] = field(default="")
    part1: Field[str] = field(default="")
    other: Field[str] = field(default="")


class DealWin(Entity, name="lab.deal_win", label="Deal win"):
    title: Field[str] = field(default="")


class Deal(Entity, name="lab.deal", label="Deal"):
    title: Field[str] = field(default="")


@action(Deal, name="win_create", permission="lab.deal.win")
async def win(ctx: Context, deal: Deal) -> Deal:
    return deal


@action(Deal, name="take", permission="lab.deal.take")
async def take(ctx: Context, deal: Deal, *, version: int, what: set[int]) -> Deal:
    return deal


def test_clashing_names_are_all_told_at_once() -> None:
    shape = compile_shape(
        [
            Plugin(name="other", version="1"),
            Plugin(
                name="lab",
                version="1",
                entities=(Clash, Deal, DealWin),
                actions=(win, take),
            ),
        ]
    )
    told = "\n".join(map(str, check_names(shape)))
    assert "labDealWinCreate to be free" in told
    assert "entity lab.clash: other" in told
    assert "part_1 and part1 are both part1" in told
    assert "action take: expected annotations" in told


class DealGroup(Entity, name="lab.deal_group", label="Deal group"):
    title: Field[str] = field(default="")


class Shade(StrEnum):
    GRÜN = "green"
    Red = "red"
    RED = "dark red"


class Paint(Entity, name="lab.paint", plural="lots of paint", label="Paint"):
    shade: Field[Shade]


@action(Deal, name="paint", permission="lab.deal.paint")
async def paint(ctx: Context, deal: Deal, *, größe: int) -> Deal:
    return deal


def test_names_the_api_cannot_have_are_told_before_any_type_is_made() -> None:
    lab = Plugin(name="lab", version="1", entities=(Deal, DealGroup, Paint), actions=(paint,))
    told = "\n".join(map(str, check_names(compile_shape([lab]))))
    for found in ("LabDealGroup to be free", "RED twice", "labLots of paint", "GRÜN", "größe"):
        assert found in told
    assert "digits and _, not a digit first, found GRÜN" in told


def test_no_clash_is_told_when_there_is_none() -> None:
    assert check_names(compile_shape([PLUGIN])) == []


class Branch(Entity, name="lab.branch", label="Branch"):
    up: Ref[Branch | None] = ref(default=None)
    down: Many[Branch] = many("up")


@pytest.mark.parametrize("entities", [(Branch,), ()])
def test_schema_is_built_when_types_are_cyclic_or_there_are_none(
    entities: tuple[type[Entity], ...],
) -> None:
    shape = compile_shape([Plugin(name="lab", version="1", entities=entities)])
    built = build_schema(shape, kernel_fields())
    assert ("LabBranch" in built.schema.type_map) == bool(entities)


async def test_directives_are_those_released_clients_read(ask: Ask) -> None:
    answer = await ask("{ __schema { directives { name locations } } }")
    directives = {
        each["name"]: each["locations"] for each in answer["data"]["__schema"]["directives"]
    }
    assert directives["deprecated"] == [
        "FIELD_DEFINITION",
        "ARGUMENT_DEFINITION",
        "INPUT_FIELD_DEFINITION",
        "ENUM_VALUE",
    ]
    assert set(directives) == {"include", "skip", "deprecated", "specifiedBy", "oneOf"}
