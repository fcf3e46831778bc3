"""Who is calling: an immutable value made once per request."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from hansa_core.model.roles import ADMINISTRATOR


@dataclass(frozen=True, slots=True)
class Principal:
    """A user (by session or key), or the system itself when `user_id` is None.

    `roles` are role names (plugin.name), sorted; `teams` the ids of the user's teams and the teams
    below them. `cause` says what made the system act ("seed contacts", "import customers").
    """

    user_id: UUID | None
    name: str = ""
    email: str = ""
    roles: tuple[str, ...] = ()
    teams: tuple[UUID, ...] = ()
    key_id: UUID | None = None
    session_id: UUID | None = None
    documents: str | None = None
    language: str = "en"
    time_zone: str = "UTC"
    cause: str | None = None

    @property
    def administers(self) -> bool:
        """Whether he holds the administrator's role; a key that was given less does not."""
        return ADMINISTRATOR in self.roles

    @classmethod
    def system(cls, cause: str) -> Principal:
        """Return the kernel itself acting because of `cause`; it holds every permission."""
        return cls(None, name="Hansa", roles=(ADMINISTRATOR,), cause=cause)
