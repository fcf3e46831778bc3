"""Checked documents: kept by number and size, and long ones checked beside the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hansa_core.graphql import documents
from hansa_core.graphql.documents import CHARACTERS_KEPT, DOCUMENTS_KEPT, Checked, Documents
from hansa_core.graphql.schema import CompiledSchema


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """The texts that were really checked, and whether on the thread of the event loop."""
    seen: list[tuple[str, bool]] = []
    check = documents._check  # pyright: ignore[reportPrivateUsage]  # counted, not replaced

    def counted(compiled: CompiledSchema, text: str) -> Checked:
        seen.append((text, threading.current_thread() is threading.main_thread()))
        return check(compiled, text)

    monkeypatch.setattr(documents, "_check", counted)
    return seen


async def test_documents_are_forgotten_by_their_size(
    lab: CompiledSchema, checks: list[tuple[str, bool]]
) -> None:
    kept = Documents()
    size = 30_000
    texts = [f"{{ me {{ name }} }} # {n} ".ljust(size, "x") for n in range(CHARACTERS_KEPT // size)]
    for text in (*texts, *texts):
        assert (await kept.check(lab, text)).document is not None
    assert len(checks) == len(texts)  # all are kept
    await kept.check(lab, f"{{ me {{ name }} }} # {'y' * size}")
    await kept.check(lab, texts[0])
    assert len(checks) == len(texts) + 2  # the oldest had to go
    await kept.check(lab, texts[0])
    assert len(checks) == len(texts) + 2


async def test_documents_are_forgotten_by_their_number(
    lab: CompiledSchema, checks: list[tuple[str, bool]]
) -> None:
    kept = Documents()
    for n in range(DOCUMENTS_KEPT + 1):
        await kept.check(lab, f"{{ me {{ name }} }} # {n}")
    await kept.check(lab, "{ me { name } } # 0")
    assert len(checks) == DOCUMENTS_KEPT + 2


async def test_long_documents_are_checked_beside_the_event_loop(
    lab: CompiledSchema, checks: list[tuple[str, bool]]
) -> None:
    kept = Documents()
    short, long = "{ me { name } }", "{ me { name } } #" + "x" * 2_000
    await asyncio.gather(*(kept.check(lab, text) for text in (short, long, long)))
    assert (short, True) in checks
    assert checks.count((long, False)) == 1
    assert len(checks) == 2
