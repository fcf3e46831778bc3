"""Running a write statement so that a refusal by the database is an error of the entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from hansa_core.caller import Caller
from hansa_core.model.meta import EntityMeta
from hansa_core.records.database_errors import Violation, duplicate, in_use
from hansa_core.storage.refusals import FOREIGN_KEY, UNIQUE, refusal_kind
from hansa_core.storage.statements import Statement
from hansa_core.storage.transaction import Row, Session
from hansa_sdk import Rejected


async def run_write(
    session: Session,
    caller: Caller,
    meta: EntityMeta,
    statement: object,
    params: Mapping[str, object],
    rows: Sequence[Mapping[str, object]],
    *,
    positions: Sequence[int] = (),
    deleting: bool = False,
) -> list[Row]:
    """Run a compiled write; raises Rejected with a Duplicate, InUse or NotFound.

    `positions` are those of `rows` in the caller's list. The transaction is broken afterwards:
    the caller lets it roll back, or used a savepoint.
    """
    try:
        return await session.fetch(cast(Statement, statement), params)
    except Exception as error:
        kind = refusal_kind(error)
        if kind == UNIQUE:
            raise Rejected(
                [duplicate(caller, meta, cast(Violation, error), rows, positions)]
            ) from error
        if kind == FOREIGN_KEY:
            raise in_use(caller, meta, cast(Violation, error), deleting=deleting) from error
        raise
