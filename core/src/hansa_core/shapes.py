"""Shapes by plugin set: each is compiled once, off the event loop, and few are kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from hansa_core.graphql.schemas import Schemas
from hansa_core.model.entities import Entities
from hansa_core.model.shape import Shape
from hansa_core.plugins.compile import compile_shape
from hansa_core.plugins.order import with_required
from hansa_sdk import DeclarationErrors, Plugin, Problem

SHAPES_MAX: Final = 64
"""How many shapes a process keeps; tenants with the same plugins share one."""


class Shapes:
    """Compiles and keeps shapes for sets of enabled plugins, and the schemas made of them."""

    def __init__(
        self,
        installed: Mapping[str, Plugin],
        *,
        compiler: Callable[[Sequence[Plugin]], Shape] | None = None,
    ) -> None:
        self.installed = installed
        self._entities = Entities()
        self.schemas = Schemas()
        self._compiler = compiler or self._checked
        self._kept: OrderedDict[frozenset[str], Shape] = OrderedDict()
        self._locks: dict[frozenset[str], asyncio.Lock] = {}

    async def of(self, names: Sequence[str]) -> Shape:
        """Return the shape of these plugins and `system`.

        Raises DeclarationErrors when one is not installed or the set does not compile.
        """
        key = frozenset({"system", *names})
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                if key not in self._kept:
                    plugins = self.plugins(sorted(key))
                    self._kept[key] = await asyncio.to_thread(self._compiler, plugins)
                    while len(self._kept) > SHAPES_MAX:
                        self._kept.popitem(last=False)
                return self._kept[key]
        finally:
            self._locks.pop(key, None)

    def plugins(self, names: Sequence[str]) -> list[Plugin]:
        """Return installed plugins by name.

        Raises DeclarationErrors naming those that are not installed.
        """
        missing = [name for name in names if name not in self.installed]
        if missing:
            raise DeclarationErrors([self._missing(name) for name in missing])
        return [self.installed[name] for name in names]

    def with_required(self, names: Sequence[str]) -> list[str]:
        """Return `names`, `system` and all they require that is installed, in order.

        What is required and not installed is told when the set is compiled: who requires it counts.
        """
        asked = ["system", *names]
        wanted = with_required(asked, self.installed)
        return [name for name in wanted if name in self.installed or name in asked]

    def _checked(self, plugins: Sequence[Plugin]) -> Shape:
        """Compile plugins that also fit together in the API; raises DeclarationErrors."""
        shape = compile_shape(plugins, self._entities)
        self.schemas.check(shape)
        return shape

    def _missing(self, name: str) -> Problem:
        known = ", ".join(sorted(set(self.installed) - {"system"})) or "none"
        return Problem(
            name,
            "enabled plugins",
            "a plugin that is installed",
            f"no plugin {name}; installed are {known}",
            f"Install the distribution that brings {name}, or correct the name.",
        )
