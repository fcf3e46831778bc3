"""Idempotency keys: a write sent twice under one key has one effect and one answer.

The answer is stored in the transaction of the write, and stands for 24 hours. Whoever sends the
same key meanwhile waits for that transaction, for its row of this table is taken first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from hansa_core.storage.statements import TENANT_SCHEMA, Statement, compile_statement
from hansa_core.storage.transaction import Session
from hansa_sdk import HansaError, Invalid

KEPT: Final = timedelta(hours=24)
"""How long an answer is replayed."""
KEY_LENGTH_MAX: Final = 200
CLEANED_MAX: Final = 20
"""How many answers past their time each new key takes away: more than it adds."""


class KeyReused(HansaError):
    """A key was sent before, by somebody else or with another request."""

    code = "idempotency_key"


def idempotency_table(metadata: sa.MetaData) -> sa.Table:
    """Declare the table of keys and the answers given under them."""
    return sa.Table(
        "system_idempotency",
        metadata,
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("request_hash", sa.LargeBinary, nullable=False),
        # empty in the transaction that makes it only
        sa.Column("answer", sa.LargeBinary),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Index("system_idempotency_at_idx", "at"),
        schema=TENANT_SCHEMA,
    )


@dataclass(frozen=True, slots=True)
class Submission:
    """A request with the key it was sent under; `identity` is the key or user that sent it."""

    key: str
    identity: str
    request_hash: bytes

    @classmethod
    def of(
        cls,
        key: str,
        identity: str,
        grants: str,
        text: str,
        variables: Mapping[str, object],
        operation_name: str | None,
    ) -> Submission:
        """Return the submission of a request; raises Invalid for what is no key.

        `grants` is part of it: what the caller may see no more is not replayed to him.
        """
        if not 0 < len(key) <= KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
            raise Invalid(
                f"An idempotency key is 1 to {KEY_LENGTH_MAX} printable ASCII characters.",
                next_step="Send a new UUID for each change.",
            )
        said = json.dumps([grants, text, operation_name, variables], sort_keys=True, default=str)
        digest = hashlib.sha256(said.encode("utf-8", "backslashreplace")).digest()
        return cls(key, identity, digest)

    async def claim(self, session: Session, now: datetime) -> bytes | None:
        """Take the key for this transaction; return the answer given under it, None for a new one.

        Waits for another transaction that has it. Answers past their time are taken away, a
        bounded number. Raises KeyReused where the key was sent with another request.
        """
        row = await session.fetch_one(
            _claim(),
            {
                "key": self.key,
                "identity": self.identity,
                "request_hash": self.request_hash,
                "now": now,
                "until": now - KEPT,
            },
        )
        assert row is not None  # it is inserted, or updated
        if row["answer"] is None:
            return None
        if row["identity"] != self.identity:
            raise KeyReused(
                "This idempotency key was sent by somebody else before.",
                next_step="Send a new key, best a UUID.",
            )
        if row["request_hash"] != self.request_hash:
            raise KeyReused(
                "This idempotency key was sent with another request, or with other rights, before.",
                next_step="Send a new key for a new request, or the same request again.",
            )
        return cast(bytes, row["answer"])

    async def keep(self, session: Session, answer: bytes) -> None:
        """Store the answer in the transaction that claimed the key."""
        await session.execute(_keep(), {"kept_key": self.key, "kept_answer": answer})


@cache
def _claim() -> Statement:
    """One statement: clean up, take the key, tell what was answered under it."""
    table = idempotency_table(sa.MetaData())
    new = {
        name: sa.bindparam(name, type_=table.c[name].type)
        for name in ("key", "identity", "request_hash")
    }
    now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
    until = sa.bindparam("until", type_=sa.DateTime(timezone=True))
    old = (
        sa.select(table.c.key)
        .where(table.c.at < until, table.c.key != new["key"])
        .order_by(table.c.at)
        .limit(sa.literal_column(str(CLEANED_MAX), sa.Integer))
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    cleaned = sa.delete(table).where(table.c.key.in_(old)).returning(table.c.key).cte("cleaned")
    insert = postgresql.insert(table).values(**new, at=now)
    over = table.c.at < until

    def renewed(name: str) -> sa.ColumnElement[object]:
        return sa.case((over, insert.excluded[name]), else_=table.c[name])

    claimed = insert.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={name: renewed(name) for name in ("identity", "request_hash", "answer", "at")},
    )
    return compile_statement(
        claimed.returning(table.c.identity, table.c.request_hash, table.c.answer).add_cte(cleaned)
    )


@cache
def _keep() -> Statement:
    table = idempotency_table(sa.MetaData())
    return compile_statement(
        sa.update(table)
        .where(table.c.key == sa.bindparam("kept_key", type_=sa.Text))
        .values(answer=sa.bindparam("kept_answer", type_=sa.LargeBinary))
    )
