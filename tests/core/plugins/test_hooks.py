"""Hooks are checked by pluggy at boot and called as tuples in the order of the plugins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from hansa_core.plugins.compile import compile_shape
from hansa_core.system.plugin import plugin as system
from hansa_sdk import (
    Context,
    DeclarationErrors,
    HookImpl,
    HookSpec,
    Plugin,
    RecordHook,
    Team,
    before,
    hookimpl,
    hookspec,
)


@hookspec
async def prices(ctx: Context, names: Sequence[str]) -> list[int]:
    """Asked when prices are shown."""
    raise AssertionError("a spec is never called")


@hookimpl(prices)
async def short_prices(ctx: Context, names: Sequence[str]) -> list[int]:
    return [len(name) for name in names]


@hookimpl(prices)
async def long_prices(ctx: Context, names: Sequence[str]) -> list[int]:
    return [100 * len(name) for name in names]


@before(Team, "create")
async def trim(ctx: Context, batch: Sequence[Team]) -> None:
    for team in batch:
        team.name = team.name.strip()


NO_CONTEXT = cast(Context, None)


async def test_answers_come_in_the_order_of_the_plugins() -> None:
    shape = compile_shape(
        [
            system,
            Plugin(name="asks", hook_specs=(prices,)),
            Plugin(name="zeta", requires=("asks",), hooks=(short_prices,)),
            Plugin(name="beta", requires=("asks",), hooks=(long_prices,)),
        ]
    )
    answers = [await answer(NO_CONTEXT, ["abc"]) for answer in shape.hooks.answers["prices"]]
    assert answers == [[300], [3]]


def test_hook_that_matches_no_spec_is_refused_at_boot() -> None:
    with pytest.raises(DeclarationErrors, match="unknown hook 'prices'"):
        compile_shape([system, Plugin(name="beta", hooks=(long_prices,))])


def test_record_hooks_are_kept_by_entity_and_change() -> None:
    shape = compile_shape([system, Plugin(name="beta", hooks=(trim,))])
    assert trim in shape.hooks.before["system.team", "create"]
    assert ("system.team", "delete") not in shape.hooks.before


def problems(*plugins: Plugin) -> str:
    with pytest.raises(DeclarationErrors) as caught:
        compile_shape([system, *plugins])
    return str(caught.value)


async def test_several_answers_of_one_plugin_to_one_hook_are_all_given() -> None:
    shape = compile_shape(
        [
            system,
            Plugin(name="asks", hook_specs=(prices,)),
            Plugin(name="beta", requires=("asks",), hooks=(short_prices, long_prices)),
        ]
    )
    answers = [await answer(NO_CONTEXT, ["abc"]) for answer in shape.hooks.answers["prices"]]
    assert answers == [[3], [300]]


def _other_prices() -> HookSpec[[list[str]], list[int]]:
    @hookspec
    async def prices(names: list[str]) -> list[int]:
        raise AssertionError("never called")

    return prices


def test_hook_name_that_two_plugins_declare_is_refused_with_both_named() -> None:
    text = problems(
        Plugin(name="asks", hook_specs=(prices,)),
        Plugin(name="other", hook_specs=(_other_prices(),)),
    )
    assert (
        "other: hookspec prices: expected a name that one plugin declares once, "
        "found one of asks too. Rename it, for example other_prices."
    ) in text


def test_answer_to_a_hook_of_the_same_name_that_is_not_enabled_is_refused() -> None:
    @hookimpl(_other_prices())
    async def stray(names: list[str]) -> list[int]:
        raise AssertionError("never called")

    text = problems(Plugin(name="asks", hook_specs=(prices,)), Plugin(name="beta", hooks=(stray,)))
    assert "beta: hookimpl(prices) stray: expected the hook of that name that is enabled" in text


def test_misspelt_hook_is_refused_with_the_near_name() -> None:
    lost = HookImpl(HookSpec("pricse", short_prices.function), short_prices.function)
    text = problems(Plugin(name="asks", hook_specs=(prices,)), Plugin(name="beta", hooks=(lost,)))
    assert "found unknown hook 'pricse'. Did you mean prices?" in text


def test_all_mistakes_of_hooks_are_told_at_once() -> None:
    async def reversed_prices(names: Sequence[str], ctx: Context) -> list[int]:
        raise AssertionError("never called")

    async def too_few(ctx: Context) -> list[int]:
        raise AssertionError("never called")

    def not_async(ctx: Context, names: Sequence[str]) -> list[int]:
        raise AssertionError("never called")

    async def one_too_few(ctx: Context) -> None: ...

    made: Any = HookImpl  # as a plugin that no type checker saw would make them
    text = problems(
        Plugin(name="asks", hook_specs=(prices, cast(Any, not_async))),
        Plugin(
            name="beta",
            requires=("asks",),
            hooks=(
                made(prices, reversed_prices),
                made(prices, too_few),
                made(prices, not_async),
                cast(Any, one_too_few),
                RecordHook(Team, (cast(Any, "explode"),), one_too_few),
            ),
        ),
    )
    parameters = "expected the parameters of prices, (ctx, names), found"
    for expected in (
        "asks: Plugin(hook_specs=...): expected functions decorated with @hookspec, "
        "found the plain function not_async. Correct it, or leave it out.",
        f"beta: hookimpl(prices) reversed_prices: {parameters} (names, ctx).",
        f"beta: hookimpl(prices) too_few: {parameters} (ctx).",
        "beta: hookimpl(prices) not_async: expected an async function, found not_async, which",
        "beta: Plugin(hooks=...): expected functions decorated with @hookimpl(...) or "
        "@before(...), found the plain function one_too_few.",
        "beta: before(system.team) one_too_few: expected one of create, update, delete, "
        "found 'explode'.",
        "beta: before(system.team) one_too_few: expected two parameters, (ctx, batch), found",
    ):
        assert expected in text
    assert text.startswith("7 problems")
