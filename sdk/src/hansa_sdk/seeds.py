"""Records a plugin brings along, and how it reads other people's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hansa_sdk.entity import Entity


@dataclass(frozen=True, slots=True)
class Seed:
    """A record made once when the plugin is enabled; `demo` ones only by `hansa demo`.

    `key` names it for ever, so a second run changes nothing.

    >>> from hansa_sdk.system import Team
    >>> Seed("system.team.sales", Team(name="Sales")).demo
    False
    """

    key: str
    record: Entity
    demo: bool = False


@dataclass(frozen=True, slots=True)
class ImportMap:
    """Where columns of other programs' files go: column name -> path from the entity.

    A path may cross owned lines and one reference; `phones[kind=fax].number` sets the line's kind.

    >>> from hansa_sdk.system import Team
    >>> ImportMap(Team, {"team_name": "name"}).columns["team_name"]
    'name'
    """

    entity: type[Entity]
    columns: Mapping[str, str] = field(default_factory=dict[str, str])
