"""Blocks that end when the client hangs up, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from hansa_core.graphql import hanging_up
from hansa_core.graphql.hanging_up import EndsWhenHungUp, HungUp


class Line:
    """What a server tells of a client: parts of the body, and in the end that it is gone."""

    def __init__(self, *told: str) -> None:
        self.told = list(told)
        self.asked = asyncio.Event()

    async def receive(self) -> Mapping[str, object]:
        self.asked.set()
        if not self.told:
            await asyncio.Event().wait()
        return {"type": self.told.pop(0)}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hanging_up, "LOOKED_AFTER_SECONDS", 0.01)


async def test_block_ends_when_the_client_hangs_up() -> None:
    line = Line("http.request", "http.disconnect")  # an empty end of the body comes first
    with pytest.raises(HungUp):
        async with EndsWhenHungUp(line.receive):
            await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_block_of_a_client_that_waits_is_left_alone() -> None:
    line, before = Line(), asyncio.all_tasks()
    async with EndsWhenHungUp(line.receive):
        await line.asked.wait()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_nobody_looks_when_the_block_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hanging_up, "LOOKED_AFTER_SECONDS", 60)
    line = Line("http.disconnect")
    async with EndsWhenHungUp(line.receive):
        await asyncio.sleep(0)
    assert not line.asked.is_set()


async def test_cancelling_by_another_stays_a_cancelling() -> None:
    line = Line()

    async def work() -> None:
        async with EndsWhenHungUp(line.receive):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await line.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_error_of_the_block_is_raised_as_it_is() -> None:
    line = Line()
    with pytest.raises(KeyError):  # noqa: PT012  # its end raises
        async with EndsWhenHungUp(line.receive):
            await line.asked.wait()
            raise KeyError
