"""Persisted documents: requests that name their document instead of sending it.

They follow the appendix "Persisted Documents" of GraphQL over HTTP: `documentId` is `sha256:` and
the SHA-256 of the text. A key may be narrowed to a collection of them.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, cast

import sqlalchemy as sa

from hansa_core.caller import Caller
from hansa_core.graphql.request import Platform
from hansa_core.graphql.wire import GraphQLRequest
from hansa_core.storage.statements import TENANT_SCHEMA, Statement, compile_statement
from hansa_sdk import Denied, Invalid, NotFound

_IDENTIFIER: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_KEPT: Final = timedelta(seconds=1)
"""Also how long a document still runs after it was removed."""
_KEPT_MAX: Final = 500
_CHARACTERS_KEPT: Final = 4_000_000
_DOCUMENT: Final = sa.table(
    "system_persisted_document",
    sa.column("collection", sa.Text),
    sa.column("document_id", sa.Text),
    sa.column("text", sa.Text),
    schema=TENANT_SCHEMA,
)

Key = tuple[str, str, str | None]


class PersistedDocuments:
    """Looks documents up; one for the whole process. What was found is kept for a second."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._kept: OrderedDict[Key, tuple[datetime, str]] = OrderedDict()
        self._characters = 0

    async def text(self, caller: Caller, asked: GraphQLRequest) -> str:
        """Return the text of the document a request asks for.

        Raises Denied for a text from a key that may run persisted documents only, Invalid for an
        identifier of another kind, and NotFound for a document that is not in the collection.
        """
        if asked.document_id is None:
            check_may_send_text(caller)
            return asked.query
        if not _IDENTIFIER.fullmatch(asked.document_id):
            raise Invalid(
                f"Expected a documentId like sha256: and 64 small hexadecimal digits, "
                f"found {asked.document_id[:80]!r}.",
                next_step="Take the SHA-256 of the document's text in UTF-8.",
                path=("documentId",),
            )
        now = self._platform.clock.now()
        key = (caller.tenant.schema, asked.document_id, caller.principal.documents)
        known = self._kept.get(key)
        if known is not None and now - known[0] < _KEPT:
            return known[1]
        text = await self._look_up(caller, asked.document_id)
        self._keep(key, now, text)
        return text

    async def _look_up(self, caller: Caller, identifier: str) -> str:
        collection = caller.principal.documents
        values = {"identifier": identifier, "collection": collection}
        async with self._platform.read(caller) as unit:
            found = await unit.session.fetch_value(self._statement, values)
        if found is None:
            where = "" if collection is None else f" in the collection {collection}"
            raise NotFound(
                f"There is no persisted document {identifier}{where}.",
                next_step="Store it with `hansa document add`.",
                path=("documentId",),
            )
        return cast(str, found)

    @cached_property
    def _statement(self) -> Statement:
        collection = sa.bindparam("collection", type_=sa.Text)
        identifier = sa.bindparam("identifier", type_=sa.Text)
        return compile_statement(
            sa.select(_DOCUMENT.c.text)
            .where(
                _DOCUMENT.c.document_id == identifier,
                sa.or_(collection.is_(None), _DOCUMENT.c.collection == collection),
            )
            .limit(1)
        )

    def _keep(self, key: Key, now: datetime, text: str) -> None:
        _, before = self._kept.pop(key, (now, ""))
        self._kept[key] = (now, text)
        self._characters += len(text) - len(before)
        while len(self._kept) > _KEPT_MAX or self._characters > _CHARACTERS_KEPT:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._characters -= len(oldest)


def check_may_send_text(caller: Caller) -> None:
    """Raise Denied for a key that may run persisted documents only."""
    collection = caller.principal.documents
    if collection is not None:
        raise Denied(
            f"This API key runs the persisted documents of the collection {collection} only.",
            next_step='Send {"documentId": "sha256:..."} instead of a query.',
        )
