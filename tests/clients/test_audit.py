"""The audit suite of the GraphQL-over-HTTP specification finds nothing that must or should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Office, ran

pytestmark = pytest.mark.timeout(400)  # npm installs before


async def test_audit_of_graphql_over_http_fails_nothing(office: Office, programs: Path) -> None:
    printed = await ran(programs, "node", "audit.mjs", environment=office.environment)
    audits: list[dict[str, Any]] = [json.loads(line) for line in printed.splitlines()]
    assert len(audits) > 50
    assert [each for each in audits if each["status"] in ("error", "warn")] == []
    # What it only notices is about GET, which we do not serve to programs.
    notices = {each["name"] for each in audits if each["status"] == "notice"}
    assert {name for name in notices if "GET" not in name} == set()
