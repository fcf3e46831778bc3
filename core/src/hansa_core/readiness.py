"""What must hold before requests are served: plugins that compile, tables that are up to them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hansa_core.migrate.columns import lacks, missing_columns
from hansa_core.migrate.waiting import waiting_steps
from hansa_core.model.shape import Shape
from hansa_core.plugins.order import in_order
from hansa_core.runtime import Runtime
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.owner import owner_engine
from hansa_sdk import DeclarationErrors, Misconfigured, Problem


async def require_ready(runtime: Runtime, owner_url: str, tenants: Sequence[Tenant]) -> None:
    """Check that requests for these companies can be answered.

    Raises DeclarationErrors with every problem of all their plugins, else Misconfigured naming
    every migration that waits, else Misconfigured naming what the migrations leave out.
    """
    problems: dict[Problem, None] = {}
    shapes: list[tuple[Tenant, Shape]] = []
    for tenant in tenants:
        try:
            shapes.append((tenant, await runtime.shape_of(tenant)))
        except DeclarationErrors as error:
            problems.update(dict.fromkeys(error.problems))
    if problems:
        raise DeclarationErrors(list(problems))
    if shapes:
        await asyncio.to_thread(_require_tables, owner_url, shapes)


def _require_tables(owner_url: str, shapes: Sequence[tuple[Tenant, Shape]]) -> None:
    waiting: list[str] = []
    missing: dict[str, tuple[str, ...]] = {}
    with owner_engine(owner_url) as engine, engine.connect() as connection:
        for tenant, shape in shapes:
            steps = waiting_steps(connection, tenant, in_order(list(shape.plugins.values())))
            if steps:
                waiting.append(f"{tenant.slug} waits for {', '.join(steps)}")
            missing.update(missing_columns(connection, tenant.schema, shape))
            connection.rollback()
    if waiting:
        raise Misconfigured(
            f"Migrations are to be run first: {'; '.join(waiting)}.",
            next_step="Run `hansa migrate`, then start again.",
        )
    if missing:
        raise lacks(missing)
