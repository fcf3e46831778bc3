"""How desk shows users, teams, roles, keys and persisted documents."""

from __future__ import annotations

from typing import Final

from hansa_core.system.entities import (
    ApiKey,
    PersistedDocument,
    PluginState,
    Role,
    RoleAssignment,
    Setting,
)
from hansa_sdk import FormView, ListView, Team, Unit, User

VIEWS: Final = (
    ListView(User, (User.name, User.email, User.active), order=(User.name.ascending(),)),
    FormView(User, (User.name, User.email, User.active, User.language, User.time_zone)),
    ListView(Team, (Team.name,), order=(Team.name.ascending(),)),
    FormView(Team, (Team.name, Team.parent, Team.members)),
    ListView(Role, (Role.label, Role.name, Role.plugin), order=(Role.name.ascending(),)),
    ListView(RoleAssignment, (RoleAssignment.user, RoleAssignment.role)),
    ListView(ApiKey, (ApiKey.label, ApiKey.user, ApiKey.prefix, ApiKey.expires_at)),
    ListView(PersistedDocument, (PersistedDocument.collection, PersistedDocument.document_id)),
    ListView(Setting, (Setting.key, Setting.value), order=(Setting.key.ascending(),)),
    ListView(
        PluginState,
        (PluginState.plugin, PluginState.installed_version, PluginState.status),
        order=(PluginState.plugin.ascending(),),
    ),
    ListView(
        Unit,
        (Unit.code, Unit.name, Unit.dimension, Unit.factor),
        order=(Unit.dimension.ascending(), Unit.code.ascending()),
    ),
)
