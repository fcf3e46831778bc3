"""Running a plan's statement, and its answer by response key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec

from hansa_core.graphql.asking import Answer, failed, is_too_large, too_large
from hansa_core.graphql.plans import Plan, located
from hansa_core.graphql.telling import Notes
from hansa_core.query.compiled import Compiled
from hansa_core.query.late import Request
from hansa_core.storage.transaction import Session
from hansa_sdk import Unauthenticated

Fetch: TypeAlias = Callable[[Compiled, Request], Awaitable[Sequence[object] | None]]
"""Runs a plan's statement; returns what it wrote for each part, None for another caller."""


async def answered_by(
    plan: Plan, request: Request, fetch: Fetch, notes: Notes | None = None
) -> Answer | None:
    """Answer the root fields of a plan's statement; None where `fetch` has nothing."""
    statement = plan.statement if notes is None else notes.text(plan)
    assert statement is not None
    found: dict[str, object] = {}
    part = plan.parts[0]
    try:
        rows = await fetch(statement, request)
        if rows is None:
            return None
        for position, part in enumerate(plan.parts):
            found[part[0]] = msgspec.Raw(statement.text(rows, position, request))
        if notes is not None:
            notes.count(rows)
    except Unauthenticated:
        raise
    except Exception as error:  # told with its place, or logged under a reference
        key, nodes = part
        return failed(located(error, nodes, key))
    if is_too_large(found.values()):
        return {"errors": too_large()}
    return {"data": found}


async def answered_on(session: Session, plan: Plan, request: Request, notes: Notes) -> Answer:
    """Answer the root fields of a plan's statement on a session of the caller's."""

    async def fetch(compiled: Compiled, request: Request) -> Sequence[object]:
        return await compiled.fetch(session, request)

    answer = await answered_by(plan, request, fetch, notes)
    assert answer is not None
    return answer
