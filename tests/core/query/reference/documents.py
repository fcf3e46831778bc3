"""Generated documents as values: written as text for the engine, read as they are for reference."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, cast


@dataclass(frozen=True, slots=True)
class Var:
    """A variable in the place of a value."""

    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """A member of an enum, written in the document."""

    text: str


@dataclass(frozen=True, slots=True)
class Single:
    """A list of one entry, written as that entry."""

    entry: object


Directives: TypeAlias = "tuple[tuple[str, bool | Var], ...]"


@dataclass(frozen=True, slots=True)
class Asked:
    """A field that is asked for."""

    name: str
    alias: str | None = None
    args: Mapping[str, object] = field(default_factory=dict[str, object])
    directives: Directives = ()
    selection: Selection | None = None

    @property
    def key(self) -> str:
        """Where the answer goes."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class Inline:
    """An inline fragment."""

    on: str | None
    directives: Directives
    selection: Selection


@dataclass(frozen=True, slots=True)
class Spread:
    """A named fragment, by its name."""

    name: str
    directives: Directives


Item: TypeAlias = Asked | Inline | Spread
Selection: TypeAlias = "tuple[Item, ...]"


@dataclass(frozen=True, slots=True)
class Document:
    """An operation with its fragments, (type, selection) by name, and its variables' types."""

    selection: Selection
    fragments: Mapping[str, tuple[str, Selection]]
    types: Mapping[str, str]

    @property
    def text(self) -> str:
        """The text of the document."""
        declared = ", ".join(f"${name}: {type_}" for name, type_ in self.types.items())
        return f"query ({declared}) {self._body}" if declared else self._body

    @property
    def _body(self) -> str:
        fragments = [
            f"fragment {name} on {on} {_selection(selection)}"
            for name, (on, selection) in self.fragments.items()
        ]
        return "\n".join([_selection(self.selection), *fragments])

    def collected(
        self, selection: Selection, variables: Mapping[str, object]
    ) -> dict[str, list[Asked]]:
        """Return what is asked by response key, fragments opened, in the order of the answer."""
        found: dict[str, list[Asked]] = {}
        for item in selection:
            if not _included(item.directives, variables):
                continue
            if isinstance(item, Asked):
                found.setdefault(item.key, []).append(item)
                continue
            inner = self.fragments[item.name][1] if isinstance(item, Spread) else item.selection
            for key, asked in self.collected(inner, variables).items():
                found.setdefault(key, []).extend(asked)
        return found

    def with_args(
        self, old: Asked, args: Mapping[str, object], types: Mapping[str, str]
    ) -> Document:
        """Return the document with other arguments where `old` and its repetitions are asked."""

        def changed(selection: Selection) -> Selection:
            return tuple(map(one, selection))

        def one(item: Item) -> Item:
            if isinstance(item, Spread):
                return item
            if isinstance(item, Inline):
                return Inline(item.on, item.directives, changed(item.selection))
            own = args if item.args is old.args else item.args
            inner = None if item.selection is None else changed(item.selection)
            return Asked(item.name, item.alias, own, item.directives, inner)

        fragments = {name: (on, changed(inner)) for name, (on, inner) in self.fragments.items()}
        made = Document(changed(self.selection), fragments, types)
        # No text of ours has a letter behind a dollar: what is found are variables.
        used = set(re.findall(r"\$([a-z]\w*)", made._body, re.ASCII))
        return replace(made, types={name: type_ for name, type_ in types.items() if name in used})


def resolved(value: object, variables: Mapping[str, object]) -> object:
    """Return a value of the document as plain data."""
    match value:
        case Var(name):
            return variables[name]
        case Name(text):
            return text
        case Single(entry):
            return [resolved(entry, variables)]
        case dict():
            entries = cast("dict[str, object]", value).items()
            return {key: resolved(each, variables) for key, each in entries}
        case list():
            return [resolved(each, variables) for each in cast("list[object]", value)]
        case _:
            return value


def _included(directives: Directives, variables: Mapping[str, object]) -> bool:
    return all(
        bool(resolved(value, variables)) == (name == "include") for name, value in directives
    )


def _selection(selection: Selection) -> str:
    return "{ " + " ".join(map(_item, selection)) + " }"


def _item(item: Item) -> str:
    directives = "".join(f" @{name}(if: {_value(value)})" for name, value in item.directives)
    if isinstance(item, Spread):
        return f"...{item.name}{directives}"
    if isinstance(item, Inline):
        on = f" on {item.on}" if item.on else ""
        return f"...{on}{directives} {_selection(item.selection)}"
    alias = f"{item.alias}: " if item.alias else ""
    given = ", ".join(f"{name}: {_value(value)}" for name, value in item.args.items())
    inner = "" if item.selection is None else f" {_selection(item.selection)}"
    return f"{alias}{item.name}{f'({given})' if given else ''}{directives}{inner}"


def _value(value: object) -> str:
    match value:
        case Var(name):
            return f"${name}"
        case Name(text):
            return text
        case Single(entry):
            return _value(entry)
        case dict():
            entries = cast("dict[str, object]", value).items()
            return "{" + ", ".join(f"{key}: {_value(each)}" for key, each in entries) + "}"
        case list():
            return "[" + ", ".join(map(_value, cast("list[object]", value))) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)
