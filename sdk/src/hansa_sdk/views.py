"""How desk shows an entity: lists, forms and boards as values, checked at boot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hansa_sdk.columns import AnyColumn, Order

if TYPE_CHECKING:
    from hansa_sdk.entity import Entity


@dataclass(frozen=True, slots=True)
class ListView:
    """A table of records with these columns.

    >>> from hansa_sdk.system import Team
    >>> len(ListView(Team, (Team.name,)).columns)
    1
    """

    entity: type[Entity]
    columns: tuple[AnyColumn, ...]
    order: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class FormView:
    """One record with these fields and lines.

    >>> from hansa_sdk.system import Team
    >>> FormView(Team, (Team.name, Team.members)).entity.__name__
    'Team'
    """

    entity: type[Entity]
    fields: tuple[AnyColumn, ...]


@dataclass(frozen=True, slots=True)
class BoardView:
    """Cards in columns, one per value of `by`.

    >>> from hansa_sdk.system import Unit
    >>> BoardView(Unit, by=Unit.dimension, card=(Unit.name,)).by.field_name
    'dimension'
    """

    entity: type[Entity]
    by: AnyColumn
    card: tuple[AnyColumn, ...]
