"""A schema written down in GraphQL's schema language."""

from __future__ import annotations

import asyncio

from graphql import print_schema

from hansa_core.graphql.schemas import SchemaPlatform
from hansa_core.model.shape import Shape


async def schema_text(platform: SchemaPlatform, shape: Shape) -> str:
    """Return the schema of a shape as text."""
    compiled = await platform.shapes.schemas.of(shape)
    return await asyncio.to_thread(print_schema, compiled.schema)
