"""Hooks are checked by pluggy at boot and called as tuples in the order of the plugins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from hansa_core.plugins.compile import compile_shape
from hansa_core.system.plugin import plugin as system
from hansa_sdk import Context, DeclarationErrors, Plugin, Team, before, hookimpl, hookspec


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
