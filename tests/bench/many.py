"""Plugins of many entities, made for measuring; run as a module it serves companies that have them.

`python -m tests.bench.many DATABASE_URL HOME` answers on a free loopback port, which it prints.
"""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable, Mapping
from contextlib import closing
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final, cast

from hansa_core.cli.running import run_forever
from hansa_core.listening import listen
from hansa_core.server import serve
from hansa_core.testing.platform import installed_of, open_platform
from hansa_sdk import (
    Currency,
    Entity,
    Field,
    ListView,
    Money,
    Plugin,
    Ref,
    Role,
    User,
    allow,
    field,
    money,
    ref,
)

PLUGINS: Final = 9
ENTITIES_EACH: Final = 18
SHAPES: Final = 8


class Status(StrEnum):
    OPEN = "open"
    DONE = "done"


def made_plugin(name: str, count: int, *, migrations: str = "") -> Plugin:
    """Return a plugin of entities with twelve fields each, every one but the first with a
    reference to the one before it."""
    entities: list[type[Entity]] = []
    for number in range(count):
        before = entities[-1] if entities else User
        annotations: dict[str, object] = {
            **{f"text_{i}": Field[str] for i in range(5)},
            "amount": Field[Money],
            "currency": Field[Currency],
            "count": Field[int],
            "share": Field[Decimal],
            "status": Field[Status],
            "owner": Ref[User],
            "parent": Ref.__class_getitem__(before),  # type: ignore[attr-defined]  # a type known at run time only
        }
        body: dict[str, object] = {
            "__annotations__": annotations,
            "__module__": __name__,
            "amount": money(currency="currency"),
            "status": field(default=Status.OPEN),
            "owner": ref(),
            "parent": ref(),
        }
        named = {"name": f"{name}.thing{number}"}
        made = types.new_class(f"Thing{number}", (Entity,), named, _fill(body))
        entities.append(cast("type[Entity]", made))
    role = Role(f"{name}.reader", tuple(allow(entity, "read") for entity in entities))
    views = tuple(ListView(entity, (entity.id,)) for entity in entities)
    return Plugin(
        name=name,
        version="1",
        entities=tuple(entities),
        roles=(role,),
        views=views,
        migrations=migrations,
    )


def made_plugins() -> list[Plugin]:
    """Return the plugins of all companies; those of a shape are all but one."""
    return [
        made_plugin(f"many{number}", ENTITIES_EACH, migrations=f"many{number}_scripts")
        for number in range(PLUGINS)
    ]


def plugins_of(shape: int) -> list[str]:
    """Return the plugins of one of the shapes."""
    return [f"many{number}" for number in range(PLUGINS) if number != shape]


def _fill(body: Mapping[str, object]) -> Callable[[dict[str, object]], None]:
    """Return a function that puts `body` into a class's namespace."""

    def put(namespace: dict[str, object]) -> None:
        namespace.update(body)

    return put


async def _answer(url: str, home: Path) -> None:
    async with open_platform(url, home, installed_of(made_plugins())) as platform:
        with closing(listen("127.0.0.1", 0)) as listening:

            async def ready() -> None:
                print(listening.getsockname()[1], flush=True)

            await serve(platform.runtime, listening, ready=ready)


def main() -> None:
    """Serve until told to stop, as the program does."""
    gc.freeze()
    run_forever(_answer(sys.argv[1], Path(sys.argv[2])))


if __name__ == "__main__":
    main()
