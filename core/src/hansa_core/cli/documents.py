"""`hansa document`: persisted documents, which clients run by their identifiers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, cast

import typer

from hansa_core.cli.options import JsonOption, TenantOption, tenant_of
from hansa_core.cli.output import note, say, say_json, say_rows
from hansa_core.cli.place import (
    Place,
    open_place,
    open_tenant,
    read_as_system,
    seal,
    write_as_system,
)
from hansa_core.graphql.documents import Documents
from hansa_core.records.unit import UnitOfWork
from hansa_core.system.documents import (
    add_documents,
    document_id,
    list_documents,
    remove_document,
)
from hansa_sdk import Invalid

_BYTES_MAX: Final = 10_000_000
_SHOWN: Final = 60
"""Characters of a document that a list shows."""

Collection = Annotated[
    str, typer.Option(help="The documents of one client; a key may be narrowed to them.")
]


def add_to(app: typer.Typer) -> None:
    """Add the group to the program."""
    group = typer.Typer(help="Persisted documents.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(show)
    group.command("remove")(remove)
    app.add_typer(group, name="document")


def add(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Documents, or manifests.", metavar="FILE")],
    collection: Collection = "main",
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Store GraphQL documents that clients run by {"documentId": "sha256:..."}.

    A FILE is one document, byte for byte, or ends in .json: an object of documents by SHA-256, as
    code generators write it. All are stored or, with any mistake, none.
    """
    texts = [text for file in files for text in _texts(file)]
    with open_place() as place:
        added = asyncio.run(_add(place, tenant_of(context, tenant), collection, texts))
    if as_json:
        say_json([{"document": name, "new": new} for name, new in added.items()])
        return
    for name, new in added.items():
        say(name)
        if not new:
            note(f"It was in the collection {collection} already.")


async def _add(
    place: Place, slug: str, collection: str, texts: Sequence[str]
) -> Mapping[str, bool]:
    async with open_tenant(place, slug) as (runtime, tenant):
        caller = await runtime.system_caller(tenant, "hansa document add")
        compiled = await runtime.shapes.schemas.of(caller.shape)
        checking = Documents()
        for text in texts:
            checked = await checking.check(compiled, text)
            if checked.errors:
                raise Invalid(
                    f"{document_id(text)} cannot be answered: {checked.errors[0].message}",
                    next_step="`hansa schema` prints what can be asked.",
                )
        added = await runtime.write(caller, lambda unit: add_documents(unit, collection, texts))
        await seal(runtime, tenant)
        return added


def show(context: typer.Context, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List the persisted documents."""

    async def work(unit: UnitOfWork) -> list[dict[str, object]]:
        return [
            {
                "collection": each.collection,
                "document": each.document_id,
                "text": each.text if as_json else " ".join(each.text.split())[:_SHOWN],
            }
            for each in await list_documents(unit)
        ]

    rows = read_as_system(tenant_of(context, tenant), work)
    say_rows(rows, as_json=as_json, none="There is no persisted document yet.")


def remove(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="As `hansa document list` shows it.")],
    collection: Collection = "main",
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a document; within a second nobody runs it any more."""

    async def work(unit: UnitOfWork) -> None:
        await remove_document(unit, collection, document)

    write_as_system(tenant_of(context, tenant), "hansa document remove", work)
    if as_json:
        say_json({"removed": document})
    else:
        say(f"The document {document} is removed.")


def _texts(file: Path) -> list[str]:
    """Return the documents of a file; raises Invalid with its name."""
    try:
        if file.stat().st_size > _BYTES_MAX:
            raise Invalid(f"{file} has more than {_BYTES_MAX:,} bytes.")
        text = file.read_bytes().decode()
        found: object = json.loads(text) if file.suffix == ".json" else None
    except (OSError, ValueError) as error:
        raise Invalid(f"{file} cannot be read: {error}.", next_step="Check the file.") from error
    if found is None:
        return [text]
    documents = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    for name, document in documents.items():
        if not isinstance(document, str) or document_id(document)[-64:] != name[-64:]:
            raise Invalid(
                f"{file}: expected documents by the SHA-256 of their texts, found {name[:80]!r}.",
                next_step="Let the code generator hash with sha256.",
            )
    if not documents:
        raise Invalid(
            f"{file} holds no document.", next_step='Expected an object like {"sha256:...": "..."}.'
        )
    return cast("list[str]", list(documents.values()))
