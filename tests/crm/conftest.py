"""The company that tests of crm act on: the one of contacts, with a pipeline of its own."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest

from tests.contacts.conftest import company, now
from tests.contacts.tenant import Company, row_id

__all__ = ("company", "now")


@dataclass(frozen=True)
class Sales:
    """The first pipeline of a company and its stages, in order."""

    pipeline: UUID
    new: UUID
    negotiation: UUID


@pytest.fixture(scope="session")
async def sales(company: Company) -> Sales:
    kernel = company.kernel
    pipeline = row_id(
        await company.create(kernel, "crm.pipeline", name="Sales of tests", position=-1)
    )
    # the later stage is made first: only the position counts
    last = {"pipeline": pipeline, "name": "Negotiation", "position": 2, "probability": 80}
    first = {"pipeline": pipeline, "name": "New", "position": 1, "probability": 10}
    rows = await company.create_all(kernel, "crm.stage", last, first)
    return Sales(pipeline, row_id(rows[1]), row_id(rows[0]))
