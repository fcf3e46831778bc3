"""The columns of plugin `system`'s entities that signing in reads, named apart from any shape.

Who is calling is known before the shape is: the shape may differ by tenant, these columns do not.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from hansa_core.storage.statements import TENANT_SCHEMA

USER: Final = sa.table(
    "system_user",
    sa.column("id", sa.Uuid),
    sa.column("email", sa.Text),
    sa.column("name", sa.Text),
    sa.column("language", sa.Text),
    sa.column("time_zone", sa.Text),
    sa.column("active", sa.Boolean),
    sa.column("archived", sa.Boolean),
    schema=TENANT_SCHEMA,
)
TEAM: Final = sa.table(
    "system_team",
    sa.column("id", sa.Uuid),
    sa.column("parent", sa.Uuid),
    sa.column("archived", sa.Boolean),
    schema=TENANT_SCHEMA,
)
USER_TEAM: Final = sa.table(
    "system_user_team",
    sa.column("user", sa.Uuid),
    sa.column("team", sa.Uuid),
    sa.column("archived", sa.Boolean),
    schema=TENANT_SCHEMA,
)
ROLE: Final = sa.table(
    "system_role",
    sa.column("id", sa.Uuid),
    sa.column("name", sa.Text),
    schema=TENANT_SCHEMA,
)
ROLE_ASSIGNMENT: Final = sa.table(
    "system_role_assignment",
    sa.column("user", sa.Uuid),
    sa.column("role", sa.Uuid),
    sa.column("archived", sa.Boolean),
    schema=TENANT_SCHEMA,
)
API_KEY: Final = sa.table(
    "system_api_key",
    sa.column("id", sa.Uuid),
    sa.column("user", sa.Uuid),
    sa.column("roles", sa.ARRAY(sa.Text)),
    sa.column("documents", sa.Text),
    sa.column("expires_at", sa.DateTime(timezone=True)),
    sa.column("archived", sa.Boolean),
    schema=TENANT_SCHEMA,
)
