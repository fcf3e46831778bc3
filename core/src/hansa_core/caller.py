"""A principal on a tenant under a shape: everything a decision needs, in one value."""

from __future__ import annotations

from dataclasses import dataclass, field

from hansa_core.auth.principal import Principal
from hansa_core.model.shape import Shape
from hansa_core.policy.grants import Grants
from hansa_core.storage.transaction import Tenant


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, where, and what they may do there."""

    tenant: Tenant
    principal: Principal
    shape: Shape = field(repr=False)
    grants: Grants = field(repr=False)
