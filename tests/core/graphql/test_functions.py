"""What plugin functions take and give: defaults, nulls, translated texts, classes of one name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, cast
from uuid import uuid4

import pytest
from graphql import GraphQLObjectType

from hansa_core.auth.principal import Principal
from hansa_core.caller import Caller
from hansa_core.graphql.kernel import kernel_fields
from hansa_core.graphql.names import check_names
from hansa_core.graphql.schema import build_schema
from hansa_core.plugins.compile import compile_shape
from hansa_core.policy.grants import Grants
from hansa_core.system.plugin import plugin as SYSTEM
from hansa_core.testing.platform import Platform
from hansa_sdk import (
    Action,
    Context,
    Currency,
    Entity,
    Link,
    Money,
    Plugin,
    Quantity,
    Team,
    Translated,
    action,
    query,
)
from hansa_sdk.predicates import Everything
from tests.core.graphql.conftest import Ask

PRICE: Final = Money(Decimal("9.90"), Currency("EUR"))
WIDTH: Final = Quantity(Decimal("1.5"), "m")
TITLE: Final = Translated({"en": "Team"})


class Size(StrEnum):
    SMALL = "small"
    VERY_LARGE = "very large"


@dataclass(frozen=True, slots=True)
class Notice:
    text: Translated
    others: list[Translated]


@query(permission="system.team.read")
async def greeting(ctx: Context) -> Translated:
    return Translated({"en": "Good day", "de": "Guten Tag"})


@query(permission="system.team.read")
async def notices(ctx: Context) -> list[Notice]:
    return [Notice(Translated({"en": "Open"}), [Translated({"fr": "Ouvert"})])]


@action(Team, permission="system.team.describe")
async def describe_team(
    ctx: Context,
    team: Team,
    *,
    note: str | None,
    size: Size = Size.VERY_LARGE,
    share: Decimal = Decimal("0.125"),
    day: date = date(2026, 1, 2),
    lasts: timedelta = timedelta(minutes=90),
    price: Money = PRICE,
    width: Quantity = WIDTH,
    title: Translated = TITLE,
) -> str:
    return repr((note, size, share, day, lasts, price, width, title))


@pytest.fixture(scope="session")
async def author(platform: Platform) -> Caller:
    """Who may do everything with a plugin that has no tables."""
    plugin = Plugin(
        name="texts", version="1", queries=(greeting, notices), actions=(describe_team,)
    )
    shape = compile_shape([SYSTEM, plugin])
    everything = Grants("all", {pair: Everything() for pair in shape.permissions})
    principal = Principal(uuid4(), name="Author")
    return Caller(await platform.tenant(), principal, shape, everything)


async def _team(ask: Ask, author: Caller) -> str:
    made = await ask(
        f'mutation {{ systemTeamCreate(input: {{name: "{uuid4()}"}}) {{ record {{ id }} }} }}',
        caller=author,
    )
    return str(made["data"]["systemTeamCreate"]["record"]["id"])


async def test_translated_texts_are_a_querys_result_alone_and_inside_a_dataclass(
    ask: Ask, author: Caller
) -> None:
    answer = await ask("{ textsGreeting textsNotices { text others } }", caller=author)
    assert answer["data"] == {
        "textsGreeting": {"en": "Good day", "de": "Guten Tag"},
        "textsNotices": [{"text": {"en": "Open"}, "others": [{"fr": "Ouvert"}]}],
    }


async def test_defaults_of_every_kind_reach_the_function_as_declared(
    ask: Ask, author: Caller
) -> None:
    document = "mutation ($id: ID!) { systemTeamDescribe(id: $id) { result errors { message } } }"
    answer = await ask(document, {"id": await _team(ask, author)}, caller=author)
    assert answer["data"]["systemTeamDescribe"] == {
        "result": repr(
            (
                None,
                Size.VERY_LARGE,
                Decimal("0.125"),
                date(2026, 1, 2),
                timedelta(minutes=90),
                PRICE,
                WIDTH,
                TITLE,
            )
        ),
        "errors": [],
    }


@pytest.mark.parametrize(
    ("name", "type_"), [("size", "TextsSize"), ("share", "Decimal"), ("price", "MoneyInput")]
)
async def test_null_for_an_argument_without_none_is_refused_before_the_function_runs(
    ask: Ask, author: Caller, name: str, type_: str
) -> None:
    id = str(uuid4())
    written = await ask(
        f'mutation {{ systemTeamDescribe(id: "{id}", {name}: null) {{ result }} }}', caller=author
    )
    assert "data" not in written
    assert f"Expected value of non-null type '{type_}!'" in written["errors"][0]["message"]
    sent = await ask(
        f'mutation ($it: {type_}) {{ systemTeamDescribe(id: "{id}", {name}: $it) {{ result }} }}',
        {"it": None},
        caller=author,
    )
    assert sent["errors"][0]["path"] == ["systemTeamDescribe"]
    assert name in sent["errors"][0]["message"]


async def test_money_in_a_currency_that_is_none_is_refused_with_its_place(
    ask: Ask, author: Caller
) -> None:
    answer = await ask(
        """mutation ($id: ID!, $price: MoneyInput!) { systemTeamDescribe(id: $id, price: $price) {
          result errors { message path } } }""",
        {"id": await _team(ask, author), "price": {"amount": "1.00", "currency": "ABC"}},
        caller=author,
    )
    assert answer["data"]["systemTeamDescribe"] == {
        "result": None,
        "errors": [
            {
                "message": "Expected a currency of ISO 4217, got 'ABC'. Write it like EUR or USD.",
                "path": ["price", "currency"],
            }
        ],
    }


def _mode(module: str, value: str) -> type[StrEnum]:
    made = cast("type[StrEnum]", StrEnum("Mode", {value.upper(): value}))
    made.__module__ = module
    return made


def _moving(kind: type[StrEnum], verb: str) -> Action[Team, ..., Team]:
    async def move(ctx: Context, team: Team, *, mode: Any) -> Team:
        raise AssertionError("never called")

    move.__annotations__.update({"mode": kind, "return": Team})
    return Action(verb, Team, f"system.team.{verb}", verb, move)


def test_enums_of_one_name_of_two_plugins_are_two_types() -> None:
    first, second = _mode("cars", "fast"), _mode("boats", "slow")
    shape = compile_shape(
        [
            SYSTEM,
            Plugin(name="cars", version="1", actions=(_moving(first, "drive"),)),
            Plugin(name="boats", version="1", actions=(_moving(second, "sail"),)),
        ]
    )
    assert check_names(shape) == []
    built = build_schema(shape, kernel_fields()).schema
    assert built.mutation_type is not None
    fields = built.mutation_type.fields
    assert str(fields["systemTeamDrive"].args["mode"].type) == "CarsMode!"
    assert str(fields["systemTeamSail"].args["mode"].type) == "BoatsMode!"


def test_enums_of_one_name_in_one_plugin_are_refused() -> None:
    first, second = _mode("cars.first", "fast"), _mode("cars.second", "slow")
    plugin = Plugin(
        name="cars", version="1", actions=(_moving(first, "drive"), _moving(second, "park"))
    )
    [problem] = check_names(compile_shape([SYSTEM, plugin]))
    assert str(problem) == (
        "cars: class cars.second.Mode: expected the API name CarsMode to be free, "
        "found class cars.first.Mode has it. Rename one."
    )


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    parts: list[Account]


@query(permission="system.team.read")
async def tree(ctx: Context) -> Account:
    return Account("all", [Account("some", [])])


@dataclass(frozen=True, slots=True)
class Sums:
    by_name: dict[str, int]


@query(permission="system.team.read")
async def sums(ctx: Context) -> list[Sums]:
    raise AssertionError("never called")


@query(permission="system.team.read")
async def first_team(ctx: Context) -> Team:
    raise AssertionError("never called")


class Stray(Entity, name="stray.one", label="One"):
    """Its plugin is not enabled."""


@action(Team, permission="system.team.stray")
async def stray_team(ctx: Context, team: Team, *, one: Link[Stray]) -> Stray:
    raise AssertionError("never called")


def test_result_that_holds_results_of_its_own_type_has_a_type() -> None:
    shape = compile_shape([SYSTEM, Plugin(name="books", version="1", queries=(tree,))])
    assert check_names(shape) == []
    account = build_schema(shape, kernel_fields()).schema.type_map["BooksAccount"]
    assert isinstance(account, GraphQLObjectType)
    assert str(account.fields["parts"].type) == "[BooksAccount]"


def test_results_and_arguments_the_api_has_no_type_for_are_told_by_function() -> None:
    plugin = Plugin(name="books", queries=(sums, first_team), actions=(stray_team,))
    told = check_names(compile_shape([SYSTEM, plugin]))
    assert [f"{each.declaration}: {each.found}" for each in told] == [
        "query sums: dict[str, int]",
        "query first_team: <class 'hansa_sdk.system.Team'>",
        "action stray: stray.one",
        "action stray: stray.one",
    ]


async def late(ctx: Context, team: Team, *, size: Size = "huge", at: datetime = None) -> Team:  # type: ignore[assignment]  # noqa: RUF013  # pyright: ignore[reportArgumentType]  # the mistakes under test
    raise AssertionError("never called")


def test_default_of_another_type_is_refused_at_boot() -> None:
    declared: Action[Team, ..., Team] = Action("late", Team, "system.team.late", "Late", late)
    told = check_names(compile_shape([SYSTEM, Plugin(name="cars", actions=(declared,))]))
    assert [f"{each.expected}, found {each.found}" for each in told] == [
        "a member of Size, found size='huge'",
        "a value, as its type has no None, found at=None",
    ]
