"""Persisted documents: their identifiers, and what `hansa document` does with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from hansa_core.system.entities import PersistedDocument
from hansa_sdk import Context, NotFound, Predicate

DOCUMENTS_MAX: Final = 10_000
"""How many documents are listed at the most."""


def document_id(text: str) -> str:
    """Return the identifier of a document: its text's SHA-256, as clients reckon it too.

    >>> document_id("{ me { name } }")[:15]
    'sha256:b8d9506e'
    """
    digest = hashlib.sha256(text.encode(errors="surrogatepass"))  # refused once it is written
    return f"sha256:{digest.hexdigest()}"


async def add_documents(unit: Context, collection: str, texts: Sequence[str]) -> Mapping[str, bool]:
    """Store documents; return their identifiers, and whether each one is new there."""
    added: dict[str, bool] = {}
    for text in texts:
        identifier = document_id(text)
        if identifier in added:
            continue
        known = await unit.find(PersistedDocument, _one(collection, identifier), limit=1)
        added[identifier] = not known
        if not known:
            await unit.save(PersistedDocument(collection=collection, text=text))
    return added


async def list_documents(unit: Context) -> Sequence[PersistedDocument]:
    """Return every document, by collection."""
    order = (PersistedDocument.collection.ascending(), PersistedDocument.id.ascending())
    return await unit.find(PersistedDocument, order_by=order, limit=DOCUMENTS_MAX)


async def remove_document(unit: Context, collection: str, identifier: str) -> None:
    """Remove a document from a collection; raises NotFound."""
    found = await unit.find(PersistedDocument, _one(collection, identifier), limit=1)
    if not found:
        raise NotFound(
            f"There is no document {identifier} in the collection {collection}.",
            next_step="`hansa document list` shows them all.",
        )
    await unit.delete(found[0])


def _one(collection: str, identifier: str) -> Predicate:
    return (PersistedDocument.collection == collection) & (
        PersistedDocument.document_id == identifier
    )
