"""The manifest of plugin `system`, the kernel's own: enabled on every tenant, before any other."""

from __future__ import annotations

from typing import Final

from hansa_core.system.actions import deactivate_user, reactivate_user
from hansa_core.system.entities import (
    ApiKey,
    PersistedDocument,
    PluginState,
    Role,
    RoleAssignment,
    Setting,
)
from hansa_core.system.events import PasswordSet
from hansa_core.system.hooks import check_time_zone, identify_document, write_email_small
from hansa_core.system.roles import ROLES
from hansa_core.system.seeds import SEEDS
from hansa_core.system.views import VIEWS
from hansa_sdk import Plugin, Team, Unit, User, UserTeam

plugin: Final = Plugin(
    name="system",
    label="System",
    migrations="hansa_core.system.migrations",
    entities=(
        User,
        Team,
        UserTeam,
        Role,
        RoleAssignment,
        ApiKey,
        PersistedDocument,
        Setting,
        PluginState,
        Unit,
    ),
    events=(PasswordSet,),
    actions=(deactivate_user, reactivate_user),
    hooks=(write_email_small, check_time_zone, identify_document),
    roles=ROLES,
    views=VIEWS,
    seeds=SEEDS,
)
