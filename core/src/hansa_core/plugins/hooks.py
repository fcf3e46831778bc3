"""Hooks between plugins: checked at boot, registered by pluggy, compiled to tuples for each shape.

pluggy costs 4-10 us a call, a tuple a tenth of that, so pluggy only sees the registration. It tells
one mistake at a time and none about order or `async`, so those are looked for before it.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final, TypeAlias, get_args

import pluggy

from hansa_core.model.shape import HookTables
from hansa_sdk import HookImpl, HookSpec, Plugin, Problem, RecordHook
from hansa_sdk.hooks import Change, hookimpl_marker, hookspec_marker

AnyFunction: TypeAlias = Callable[..., Any]  # of whatever signature its declaration has
Specs: TypeAlias = dict[str, HookSpec[..., Any]]  # of any arguments and result

_CHANGES: Final[tuple[str, ...]] = get_args(Change)


def compile_hooks(plugins: Sequence[Plugin], problems: list[Problem]) -> HookTables:
    """Return the hooks of the plugins, in their order; mistakes go to `problems`."""
    specs = _specs(plugins, problems)
    return HookTables(_before(plugins, problems), _answers(plugins, specs, problems))


def _specs(plugins: Sequence[Plugin], problems: list[Problem]) -> Specs:
    """Collect the questions by name; a name two plugins use would mix up their answers."""
    specs: Specs = {}
    owners: dict[str, str] = {}
    for plugin in plugins:
        for spec in plugin.hook_specs:
            where = f"hookspec {spec.name}"
            if spec.name in specs:
                problems.append(
                    Problem(
                        plugin.name,
                        where,
                        "a name that one plugin declares once",
                        f"one of {owners[spec.name]} too",
                        f"Rename it, for example {plugin.name}_{spec.name}.",
                    )
                )
                continue
            specs[spec.name], owners[spec.name] = spec, plugin.name
            problems.extend(_asynchronous(plugin, where, spec.function))
    return specs


def _before(
    plugins: Sequence[Plugin], problems: list[Problem]
) -> dict[tuple[str, str], tuple[RecordHook, ...]]:
    found: dict[tuple[str, str], list[RecordHook]] = defaultdict(list)
    entities = {cls.__entity_name__ for plugin in plugins for cls in plugin.entities}
    for plugin in plugins:
        for hook in plugin.hooks:
            if isinstance(hook, RecordHook):
                entity = str(getattr(hook.entity, "__entity_name__", hook.entity))
                problems.extend(_record_hook(plugin, hook, entity, entities))
                for change in hook.changes:
                    found[entity, change].append(hook)
    return {key: tuple(hooks) for key, hooks in found.items()}


def _record_hook(
    plugin: Plugin, hook: RecordHook, entity: str, entities: Collection[str]
) -> Iterator[Problem]:
    where = f"before({entity}) {_name_of(hook.function)}"
    if entity not in entities:
        yield Problem(plugin.name, where, "an enabled entity", entity, "Require its plugin.")
    for change in hook.changes:
        if change not in _CHANGES:
            yield Problem(
                plugin.name, where, f"one of {', '.join(_CHANGES)}", repr(change), "Correct it."
            )
    yield from _asynchronous(plugin, where, hook.function)
    signature = inspect.signature(hook.function)
    try:
        signature.bind("ctx", "batch")
    except TypeError:
        yield Problem(
            plugin.name,
            where,
            "two parameters, (ctx, batch)",
            str(signature),
            "Take the context and the batch of records.",
        )


def _answers(
    plugins: Sequence[Plugin], specs: Specs, problems: list[Problem]
) -> dict[str, tuple[AnyFunction, ...]]:
    manager = pluggy.PluginManager("hansa")
    for name, spec in specs.items():
        manager.add_hookspecs(_namespace(name, hookspec_marker(_call(spec.function, name))))
    for plugin in plugins:
        answers = [hook for hook in plugin.hooks if isinstance(hook, HookImpl)]
        for position, answer in enumerate(answers):
            mistakes = list(_answer(plugin, answer, specs))
            problems.extend(mistakes)
            if not mistakes:
                name = answer.spec.name
                impl = hookimpl_marker(_call(answer.function, name))
                # Each under a name of its own: pluggy keeps one answer of a name and question.
                manager.register(_namespace(name, impl), f"{plugin.name} {position}")
    return {
        name: tuple(impl.function for impl in getattr(manager.hook, name).get_hookimpls())
        for name in specs
    }


def _answer(
    plugin: Plugin,
    answer: HookImpl[..., Any],  # of any arguments and result
    specs: Specs,
) -> Iterator[Problem]:
    name = answer.spec.name
    where = f"hookimpl({name}) {_name_of(answer.function)}"
    declared = specs.get(name)
    if declared is None:
        near = get_close_matches(name, specs, n=1)
        yield Problem(
            plugin.name,
            where,
            "a hook that an enabled plugin lists in hook_specs",
            f"unknown hook {name!r}",
            (f"Did you mean {near[0]}? " if near else "")
            + "Require the plugin that declares it, or correct the name.",
        )
        return
    if declared != answer.spec:
        yield Problem(
            plugin.name,
            where,
            f"the hook of that name that is enabled, {_place(declared.function)}",
            _place(answer.spec.function),
            "Answer the enabled one, or rename one of the two.",
        )
    yield from _asynchronous(plugin, where, answer.function)
    expected, found = inspect.signature(declared.function), inspect.signature(answer.function)
    if _parameters(expected) != _parameters(found):
        yield Problem(
            plugin.name,
            where,
            f"the parameters of {name}, {_listed(expected)}",
            _listed(found),
            "Take the same parameters in the same order.",
        )


def _asynchronous(plugin: Plugin, where: str, function: AnyFunction) -> Iterator[Problem]:
    if not inspect.iscoroutinefunction(inspect.unwrap(function)):
        yield Problem(
            plugin.name,
            where,
            "an async function",
            f"{_name_of(function)}, which is not",
            "Write `async def`.",
        )


def _parameters(signature: inspect.Signature) -> list[tuple[str, object]]:
    return [(each.name, each.kind) for each in signature.parameters.values()]


def _listed(signature: inspect.Signature) -> str:
    """Show the parameters without their types, which are not compared."""
    bare = [
        each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()
    ]
    return str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def _name_of(function: AnyFunction) -> str:
    return str(getattr(function, "__name__", repr(function)))


def _place(function: AnyFunction) -> str:
    return f"{getattr(function, '__module__', '')}.{_name_of(function)}"


def _namespace(name: str, function: AnyFunction) -> type[object]:
    """A class per function, because pluggy tells what it registers apart by identity."""
    return type("Hook", (), {name: staticmethod(function)})


def _call(function: AnyFunction, name: str) -> AnyFunction:
    """pluggy matches by attribute name; the function itself may be called otherwise."""

    async def call(*args: object, **kwargs: object) -> object:
        return await function(*args, **kwargs)

    call.__name__ = name
    call.__wrapped__ = function  # type: ignore[attr-defined]  # inspect.signature reads it, so pluggy sees the arguments
    call.__doc__ = function.__doc__
    return call
