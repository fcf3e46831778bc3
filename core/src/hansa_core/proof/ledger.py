"""The kernel's own proof that a tenant's ledger is whole."""

from __future__ import annotations

from typing import Final

from hansa_core.events.chain import verify_chain
from hansa_core.events.tables import EventTables
from hansa_core.storage.database import Database
from hansa_core.storage.transaction import Tenant

_TIMEOUT_SECONDS: Final = 900


async def ledger_fault(database: Database, tenant: Tenant, tables: EventTables) -> str | None:
    """Verify the tenant's whole chain in one snapshot; return a sentence about its first fault."""
    async with database.transaction(
        tenant, isolation="repeatable read", read_only=True, timeout_seconds=_TIMEOUT_SECONDS
    ) as session:
        report = await verify_chain(session, tables)
    if report.fault is None:
        return None
    position = report.fault.position
    where = "beside the chain" if position is None else f"at position {position}"
    return f"Ledger of {tenant.slug}, {where}: {report.fault.reason}."
