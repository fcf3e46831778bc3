"""Entities of plugin `system` beside those plugins may refer to (hansa_sdk.system)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from hansa_sdk import Entity, Field, Json, Many, Ref, User, field, many, ref


class Role(Entity, name="system.role", plural="roles", label="Role", archivable=False):
    """A role an enabled plugin declares; written when the plugin is enabled, never by people."""

    name: Field[str] = field(max_length=120, unique=True, search=True, readonly=True)
    label: Field[str] = field(max_length=120, search=True, readonly=True)
    plugin: Field[str] = field(max_length=60, readonly=True)
    assignments: Many[RoleAssignment] = many("role")


class RoleAssignment(
    Entity,
    name="system.role_assignment",
    plural="roleAssignments",
    label="Role of a user",
    archivable=False,
    unique=(("user", "role"),),
):
    """A user holds a role, from the next request on."""

    user: Ref[User] = ref(on_delete="cascade")
    role: Ref[Role] = ref(on_delete="cascade")


class ApiKey(Entity, name="system.api_key", plural="apiKeys", label="API key"):
    """A key with which a program acts as a user. Its secret is stored elsewhere, as a hash.

    `roles` narrows the user's roles to some of them; empty means all. `documents` names a
    collection of persisted documents: the key runs nothing else. Who may change a key's user or
    roles could act as anybody, so they are fixed when `hansa key create` makes it.
    """

    user: Ref[User] = ref(on_delete="cascade", readonly=True)
    label: Field[str] = field(max_length=120, search=True)
    prefix: Field[str] = field(max_length=80, readonly=True, help="The key's first characters.")
    roles: Field[list[str] | None] = field(default=None, readonly=True)
    expires_at: Field[datetime | None] = field(default=None, readonly=True)
    documents: Field[str | None] = field(
        default=None,
        max_length=60,
        readonly=True,
        help="The collection of persisted documents it may run; empty means any request.",
    )


class PersistedDocument(
    Entity,
    name="system.persisted_document",
    plural="persistedDocuments",
    label="Persisted document",
    archivable=False,
    unique=(("document_id", "collection"),),
):
    """A GraphQL document that clients run by its identifier instead of sending it.

    A collection holds the documents of one client; an API key may be narrowed to it.
    """

    collection: Field[str] = field(default="main", max_length=60, search=True)
    document_id: Field[str] = field(
        default="", max_length=71, readonly=True, help="sha256: and the SHA-256 of the text in hex."
    )
    text: Field[str] = field(max_length=100_000)


class Setting(Entity, name="system.setting", plural="settings", label="Setting", archivable=False):
    """A value of this tenant's configuration, by a dotted key."""

    key: Field[str] = field(max_length=120, unique=True, search=True)
    value: Field[Json] = field()


class PluginStatus(StrEnum):
    """Where a plugin is in its life on this tenant."""

    INSTALLED = "installed"
    ENABLED = "enabled"
    DISABLED = "disabled"


class PluginState(
    Entity,
    name="system.plugin_state",
    plural="pluginStates",
    label="Plugin",
    archivable=False,
):
    """A plugin on this tenant; changed by `hansa plugin`, never by hand."""

    plugin: Field[str] = field(max_length=60, unique=True, search=True, readonly=True)
    installed_version: Field[str] = field(max_length=60, readonly=True)
    status: Field[PluginStatus] = field(default=PluginStatus.INSTALLED, readonly=True)
    enabled_at: Field[datetime | None] = field(default=None, readonly=True)
