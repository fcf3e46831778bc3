"""graphql-codegen types a client from our schema, tsc compiles it, and what it compiled works."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from hansa_core.graphql.sdl import schema_text
from tests.clients.conftest import Office, ran

pytestmark = pytest.mark.timeout(400)  # npm installs before

_CODEGEN: Final = ("npx", "--no-install", "graphql-codegen", "--config", "codegen.ts")
_COMMENTS: Final = re.compile(r"\s*/\*\*.*?\*/", re.DOTALL)
"""Descriptions: graphql-codegen asks servers for none."""
_TSC: Final = ("npx", "--no-install", "tsc", "-p", ".")


async def generated(programs: Path, environment: Mapping[str, str]) -> str:
    """Generate the types anew and return them."""
    file = programs / "typed" / "generated.ts"
    file.unlink(missing_ok=True)
    await ran(programs / "typed", *_CODEGEN, environment=environment)
    return file.read_text("utf-8")


async def test_typed_client_is_generated_compiled_and_works(
    office: Office, programs: Path, tmp_path: Path
) -> None:
    schema = tmp_path / "schema.graphql"  # as `hansa schema` prints it
    shape = await office.platform.runtime.shape_of(office.tenant)
    schema.write_text(await schema_text(office.platform.runtime, shape), "utf-8")
    of_schema = await generated(programs, {"HANSA_SCHEMA": str(schema)})
    asked = {"HANSA_SCHEMA": office.url, "HANSA_KEY": office.key}
    of_server = await generated(programs, asked)
    assert _COMMENTS.sub("", of_server) == _COMMENTS.sub("", of_schema)

    await ran(programs / "typed", *_TSC)
    printed = await ran(programs, "node", "typed/built/program.js", environment=office.environment)
    assert json.loads(printed) == {
        "name": "Typed & Sons",
        "codes": ["invalid"],
        "amounts": [],
        "total": 0,
    }


async def test_typed_client_that_misspells_a_field_does_not_compile(
    office: Office, programs: Path
) -> None:
    await generated(programs, {"HANSA_SCHEMA": office.url, "HANSA_KEY": office.key})
    program = programs / "typed" / "program.ts"
    right = program.read_text("utf-8")
    try:
        for good, wrong, said in (
            ("deal.amount)", "deal.amuont)", "'amuont' does not exist"),
            ("{ first: 5 }", '{ first: "5" }', "'string' is not assignable to type 'number'"),
            ("{ first: 5 }", "{}", "'first' is missing"),
            ("CrmDealStatus.Open)", '"open")', "have no overlap"),
        ):
            assert right.count(good) == 1
            program.write_text(right.replace(good, wrong), "utf-8")
            with pytest.raises(AssertionError, match=said):
                await ran(programs / "typed", *_TSC)
    finally:
        program.write_text(right, "utf-8")


async def test_typed_client_of_a_role_has_what_the_role_may_use(
    office: Office, programs: Path
) -> None:
    roles = ("crm.sales_rep", "contacts.editor")
    key = await office.platform.key(await office.platform.user(office.tenant, *roles))
    of_role = await generated(programs, {"HANSA_SCHEMA": office.url, "HANSA_KEY": key})
    of_owner = await generated(programs, {"HANSA_SCHEMA": office.url, "HANSA_KEY": office.key})
    for name in ("crmDealDelete", "systemApiKeyCreate", "crmPipelineCreate"):
        assert f"{name}:" in of_owner
        assert f"{name}:" not in of_role
    assert "crmDealWin:" in of_role

    await generated(programs, {"HANSA_SCHEMA": office.url, "HANSA_KEY": key})
    await ran(programs / "typed", *_TSC)
    asked = {"HANSA_URL": office.url, "HANSA_KEY": key}
    printed = await ran(programs, "node", "typed/built/program.js", environment=asked)
    assert json.loads(printed)["name"] == "Typed & Sons"
