"""Hooks between plugins: registered and checked by pluggy, compiled to tuples for each shape.

pluggy costs 4-10 us a call, a tuple a tenth of that, so pluggy only sees the registration.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pluggy

from hansa_core.model.shape import HookTables
from hansa_sdk import HookImpl, Plugin, Problem, RecordHook
from hansa_sdk.hooks import hookimpl_marker, hookspec_marker


def compile_hooks(plugins: Sequence[Plugin], problems: list[Problem]) -> HookTables:
    """Return the hooks of the plugins, in their order; mistakes go to `problems`."""
    manager = pluggy.PluginManager("hansa")
    specs = {
        spec.name: hookspec_marker(_renamed(spec.function, spec.name))
        for plugin in plugins
        for spec in plugin.hook_specs
    }
    if specs:  # pluggy refuses an empty set
        manager.add_hookspecs(_namespace("Specs", specs))
    before: dict[tuple[str, str], list[RecordHook]] = defaultdict(list)
    names = {cls.__entity_name__ for plugin in plugins for cls in plugin.entities}
    for plugin in plugins:
        for hook in plugin.hooks:
            if isinstance(hook, RecordHook):
                entity = str(getattr(hook.entity, "__entity_name__", hook.entity))
                if entity not in names:
                    problems.append(
                        Problem(
                            plugin.name,
                            f"before({entity})",
                            "an enabled entity",
                            entity,
                            "Require its plugin.",
                        )
                    )
                for change in hook.changes:
                    before[entity, change].append(hook)
        _register(manager, plugin, problems)
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        problems.append(_validation_problem(error))
    answers: dict[str, tuple[Any, ...]] = {  # functions of any signature
        name: tuple(impl.function for impl in getattr(manager.hook, name).get_hookimpls())
        for name in specs
    }
    return HookTables({key: tuple(hooks) for key, hooks in before.items()}, answers)


def _register(manager: pluggy.PluginManager, plugin: Plugin, problems: list[Problem]) -> None:
    impls: dict[str, Any] = {  # functions of any signature
        hook.spec.name: hookimpl_marker(_renamed(hook.function, hook.spec.name))
        for hook in plugin.hooks
        if isinstance(hook, HookImpl)
    }
    try:
        manager.register(_namespace("Answers", impls), plugin.name)
    except pluggy.PluginValidationError as error:
        problems.append(_validation_problem(error))


def _validation_problem(error: pluggy.PluginValidationError) -> Problem:
    text = " ".join(str(error).split())
    return Problem(
        str(error.plugin) if isinstance(error.plugin, str) else "a plugin",
        "hookimpl",
        "a hook that an enabled plugin declares, with its arguments",
        text,
        "Correct the hook's name or arguments, or require the plugin that declares it.",
    )


def _namespace(
    name: str, functions: Mapping[str, Callable[..., Any]]
) -> type[object]:  # any signature
    """A class per plugin, because pluggy tells plugins apart by identity."""
    return type(name, (), {key: staticmethod(function) for key, function in functions.items()})


def _renamed(function: Callable[..., Any], name: str) -> Callable[..., Any]:  # any signature
    """pluggy matches by attribute name; the function itself may be called otherwise."""

    async def call(*args: object, **kwargs: object) -> object:
        return await function(*args, **kwargs)

    call.__name__ = name
    call.__wrapped__ = function  # type: ignore[attr-defined]  # inspect.signature reads it, so pluggy sees the arguments
    call.__doc__ = function.__doc__
    return call
