"""What a manifest lists must be of the kinds it is for: checked before anything looks inside."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

from hansa_sdk import (
    Action,
    BoardView,
    Command,
    Entity,
    Event,
    Extension,
    FormView,
    Handler,
    HookImpl,
    HookSpec,
    ImportMap,
    Invariant,
    Job,
    ListView,
    Plugin,
    Problem,
    Query,
    RecordHook,
    Role,
    Route,
    Seed,
    Series,
    StateMachine,
)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one argument of Plugin lists: instances of `kinds`, or their subclasses."""

    expected: str
    kinds: tuple[type[object], ...]
    classes: bool = False

    def holds(self, item: object) -> bool:
        """Tell whether an item may stand in this part."""
        if self.classes:
            return isinstance(item, type) and issubclass(item, self.kinds)
        return isinstance(item, self.kinds)


_PARTS: Final[Mapping[str, _Part]] = {
    "requires": _Part("names of plugins", (str,)),
    "entities": _Part("subclasses of Entity", (Entity,), classes=True),
    "extensions": _Part("subclasses of Extension", (Extension,), classes=True),
    "events": _Part("subclasses of Event", (Event,), classes=True),
    "actions": _Part("functions decorated with @action(...)", (Action,)),
    "queries": _Part("functions decorated with @query(...)", (Query,)),
    "handlers": _Part("functions decorated with @on(...)", (Handler,)),
    "hook_specs": _Part("functions decorated with @hookspec", (HookSpec,)),
    "hooks": _Part(
        "functions decorated with @hookimpl(...) or @before(...)", (HookImpl, RecordHook)
    ),
    "roles": _Part("values of Role", (Role,)),
    "views": _Part("values of ListView, FormView or BoardView", (ListView, FormView, BoardView)),
    "machines": _Part("values of StateMachine", (StateMachine,)),
    "series": _Part("values of Series", (Series,)),
    "invariants": _Part("values of Invariant", (Invariant,)),
    "jobs": _Part("values of Job", (Job,)),
    "routes": _Part("values of Route", (Route,)),
    "commands": _Part("values of Command", (Command,)),
    "imports": _Part("values of ImportMap", (ImportMap,)),
    "seeds": _Part("values of Seed", (Seed,)),
}


def without_strangers(plugin: Plugin, problems: list[Problem]) -> Plugin:
    """Return the plugin without what its manifest cannot list; each is told in `problems`.

    A function without its decorator would never be called, and `(Deal)` is no tuple.
    """
    kept: dict[str, tuple[object, ...]] = {}
    for name, part in _PARTS.items():
        listed: object = getattr(plugin, name)
        found = list(_strangers(plugin.name, name, part, listed))
        if found:
            problems += found
            items = cast("tuple[object, ...]", listed) if isinstance(listed, tuple) else ()
            kept[name] = tuple(item for item in items if part.holds(item))
    return dataclasses.replace(plugin, **kept) if kept else plugin  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # each part's own kinds


def _strangers(plugin: str, name: str, part: _Part, listed: object) -> Iterator[Problem]:
    where = f"Plugin({name}=...)"
    if not isinstance(listed, tuple):
        step = f"Write {name}=(...,)."
        yield Problem(plugin, where, f"a tuple of {part.expected}", _shown(listed), step)
        return
    for item in cast("tuple[object, ...]", listed):
        if not part.holds(item):
            step = "Correct it, or leave it out."
            yield Problem(plugin, where, part.expected, _shown(item), step)


def _shown(value: object) -> str:
    name = getattr(value, "__name__", None)
    if name is None:
        return f"{value!r:.80}"
    return f"the {'class' if isinstance(value, type) else 'plain function'} {name}"
