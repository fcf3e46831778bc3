"""What runs beside requests: scheduled jobs, web routes, commands, invariants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hansa_sdk.context import Context


@dataclass(frozen=True, slots=True)
class Invariant:
    """A query that must return no row, and the promise it keeps.

    >>> Invariant("demo.balanced", "SELECT 1 WHERE false", "every entry sums to zero").name
    'demo.balanced'
    """

    name: str
    sql: str
    says: str


@dataclass(frozen=True, slots=True)
class Job:
    """A function run for each tenant by a cron line (UTC) or by request.

    >>> Job("demo.sweep", None, cron="0 3 * * *", permission="system.job.run").cron
    '0 3 * * *'
    """

    name: str
    function: Callable[[Context], Awaitable[None]]
    permission: str
    cron: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Litestar handlers of a plugin's routes.py, mounted under the plugin's prefix.

    >>> Route("/feed", "hansa_demo.routes:feed", permission="public").path
    '/feed'
    """

    path: str
    handler: str
    permission: str


@dataclass(frozen=True, slots=True)
class Command:
    """A typed async function that becomes a command of `hansa`.

    >>> Command("demo recount", None, permission="system.job.run").name
    'demo recount'
    """

    name: str
    function: Callable[..., Awaitable[None]]
    permission: str
