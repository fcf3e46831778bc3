"""Optimistic locking: of any number of writers on one version exactly one wins."""

from __future__ import annotations

import asyncio
from typing import cast
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from hansa_contacts.api import Party
from hansa_core.caller import Caller
from hansa_core.records.unit import UnitOfWork
from hansa_core.records.writer import RowUpdate
from hansa_core.testing.platform import Platform
from hansa_sdk import Busy, Stale


@given(rounds=st.lists(st.integers(min_value=1, max_value=5), min_size=1, max_size=4))
async def test_one_writer_wins_each_version_whatever_the_crowd(
    platform: Platform, manager: Caller, rounds: list[int]
) -> None:
    async def make(unit: UnitOfWork) -> UUID:
        return cast(UUID, (await unit.create_rows("contacts.party", [{"name": "Race"}]))[0]["id"])

    record = await platform.runtime.write(manager, make)

    async def write(version: int, text: str) -> str:
        async def work(unit: UnitOfWork) -> str:
            change = RowUpdate(record, version, {"notes": text})
            return str((await unit.update_rows("contacts.party", [change]))[0]["notes"])

        return await platform.runtime.write(manager, work)

    for number, writers in enumerate(rounds):
        version = number + 1
        answers = await asyncio.gather(
            *(write(version, f"{version}.{i}") for i in range(writers)), return_exceptions=True
        )
        won = [answer for answer in answers if isinstance(answer, str)]
        # on a loaded machine a loser may be told to come back, before it is told that it lost
        lost = [answer for answer in answers if isinstance(answer, (Stale, Busy))]
        assert len(won) == 1, answers
        assert len(lost) == writers - 1, answers
        async with platform.runtime.read(manager) as unit:
            kept = await unit.get(Party, record)
        assert (kept.version, kept.notes) == (version + 1, won[0])
