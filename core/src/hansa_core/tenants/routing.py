"""Which tenant a request means: by its host name, looked up through the application login."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

from hansa_core.clock import Clock, SystemClock
from hansa_core.storage.database import Database
from hansa_core.storage.transaction import Tenant
from hansa_core.tenants.directory import DEFAULT_SLUG

# Also how long a removed tenant is still reached; a new one must be reachable within a second.
_KEPT: Final = timedelta(seconds=0.5)
_KEPT_MAX: Final = 1_000
_LOCAL_SUFFIX: Final = ".localhost"
_BY_HOST: Final = """
SELECT id, slug, schema_name, role_name FROM hansa.tenant
WHERE status = 'active'
  AND id = coalesce((SELECT tenant_id FROM hansa.host WHERE name = $1),
                    (SELECT id FROM hansa.tenant WHERE slug = $2))
"""


class TenantRouter:
    """Maps host names to tenants; answers are remembered for half a second."""

    def __init__(self, database: Database, *, bound_to: str, clock: Clock | None = None) -> None:
        self._database = database
        self._default = DEFAULT_SLUG if is_loopback(bound_to) else None
        self._clock = clock or SystemClock()
        self._kept: OrderedDict[str, tuple[datetime, Tenant | None]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    async def find(self, host: str) -> Tenant | None:
        """Return the tenant a Host header means, or None: answer 404 then.

        A declared name is its tenant. Where the server listens on a loopback address only,
        `<slug>.localhost` is that tenant, and every other name is the default tenant.
        """
        name = host_name(host)
        now = self._clock.now()
        kept = self._kept.get(name)
        if kept is not None and now - kept[0] < _KEPT:
            return kept[1]
        tenant = await self._look_up(name)
        # Anyone can send any name: the oldest answers make room.
        self._kept[name] = (now, tenant)
        self._kept.move_to_end(name)
        if len(self._kept) > _KEPT_MAX:
            self._kept.popitem(last=False)
        return tenant

    async def _look_up(self, name: str) -> Tenant | None:
        slug = self._default
        if slug is not None and name.endswith(_LOCAL_SUFFIX):
            slug = name.removesuffix(_LOCAL_SUFFIX)
        async with self._database.connection() as connection:
            rows = await connection.fetch(_BY_HOST, name, slug)
        if not rows:
            return None
        identity, *words = rows[0].values()
        return Tenant(cast(UUID, identity), *cast("list[str]", words))


def host_name(header: str) -> str:
    """Return the name in a Host header: no port, no final dot, small letters.

    >>> host_name("Acme.localhost:8000"), host_name("[::1]:8000")
    ('acme.localhost', '::1')
    """
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].rstrip(".")


def is_loopback(address: str) -> bool:
    """Return whether only this machine reaches `address`.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
