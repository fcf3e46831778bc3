"""A manifest that lists what it cannot is refused with every mistake, not with a traceback."""

from __future__ import annotations

from typing import Any

import pytest

from hansa_core.plugins.compile import compile_shape
from hansa_core.system.plugin import plugin as system
from hansa_sdk import (
    Context,
    DeclarationErrors,
    Entity,
    Extension,
    Field,
    Plugin,
    Role,
    Team,
    field,
)


class Note(Entity, name="demo.note", label="Note"):
    text: Field[str] = field(default="")


class Desk(Extension[Team]):
    room: Field[str | None] = field(default=None)


async def rename(ctx: Context, note: Note) -> Note:
    raise AssertionError("never called")


def test_every_part_that_holds_something_else_is_told() -> None:
    parts: dict[str, Any] = {  # as a plugin that no type checker saw would give them
        "requires": "contacts",
        "entities": (Note, Desk, Role("demo.writer", ())),
        "actions": (rename,),
        "queries": [],
        "roles": Role("demo.writer", ()),
        "views": (Note.text,),
        "hooks": (rename,),
    }
    with pytest.raises(DeclarationErrors) as caught:
        compile_shape([system, Plugin(name="demo", **parts)])
    assert [str(problem).removeprefix("demo: ") for problem in caught.value.problems] == [
        "Plugin(requires=...): expected a tuple of names of plugins, found 'contacts'. "
        "Write requires=(...,).",
        "Plugin(entities=...): expected subclasses of Entity, found the class Desk. "
        "Correct it, or leave it out.",
        "Plugin(entities=...): expected subclasses of Entity, found Role(name='demo.writer', "
        "rules=(), label=''). Correct it, or leave it out.",
        "Plugin(actions=...): expected functions decorated with @action(...), "
        "found the plain function rename. Correct it, or leave it out.",
        "Plugin(queries=...): expected a tuple of functions decorated with @query(...), "
        "found []. Write queries=(...,).",
        "Plugin(hooks=...): expected functions decorated with @hookimpl(...) or @before(...), "
        "found the plain function rename. Correct it, or leave it out.",
        "Plugin(roles=...): expected a tuple of values of Role, found Role(name='demo.writer', "
        "rules=(), label=''). Write roles=(...,).",
        "Plugin(views=...): expected values of ListView, FormView or BoardView, "
        "found <column demo.note.text>. Correct it, or leave it out.",
    ]
