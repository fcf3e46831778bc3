"""Import paths as they are written: `name`, `addresses.street`, `phones[kind=fax].number`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from hansa_sdk import Invalid

STEPS_MAX: Final = 3
GRAMMAR: Final = "Write it like name, addresses.street, phones[kind=fax].number."

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUALIFIER: Final = re.compile(
    r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*("(?:[^"\\]|\\.)*"|[^\],"]*)\s*([,\]])', re.DOTALL
)
_BARE: Final = re.compile(r'[^\],"\\\s](?:[^\],"\\]*[^\],"\\\s])?', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """A name and the fields it fixes: `phones[kind=fax]`."""

    name: str
    qualifiers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        if not self.qualifiers:
            return self.name
        inside = ",".join(f"{name}={_quoted(value)}" for name, value in self.qualifiers)
        return f"{self.name}[{inside}]"


@dataclass(frozen=True, slots=True)
class ImportPath:
    """A path from an entity to a field; `str` gives back the text it was read from."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return ".".join(str(step) for step in self.steps)


def parse_path(text: str) -> ImportPath:
    """Read a path. Raises Invalid that shows the place it stops making sense."""
    steps: list[Step] = []
    rest = text.strip()
    if not rest:
        raise Invalid("A path is empty.", next_step=GRAMMAR)
    position = 0
    while True:
        name = _NAME.match(rest, position)
        if name is None:
            raise _broken(text, rest, position, "a name")
        position = name.end()
        qualifiers: tuple[tuple[str, str], ...] = ()
        if rest.startswith("[", position):
            qualifiers, position = _parse_qualifiers(text, rest, position + 1)
        steps.append(Step(name[0], qualifiers))
        if position == len(rest):
            break
        if rest[position] != ".":
            raise _broken(text, rest, position, "a dot or the end")
        position += 1
    if steps[-1].qualifiers:
        raise Invalid(
            f"The path {text!r} ends in [...]: a field of the line is missing.", next_step=GRAMMAR
        )
    if len(steps) > STEPS_MAX:
        raise Invalid(
            f"The path {text!r} has {len(steps)} steps, at most {STEPS_MAX} are possible: "
            "a line, a reference, a field.",
            next_step=GRAMMAR,
        )
    return ImportPath(tuple(steps))


def _parse_qualifiers(
    text: str, rest: str, position: int
) -> tuple[tuple[tuple[str, str], ...], int]:
    found: list[tuple[str, str]] = []
    while True:
        match = _QUALIFIER.match(rest, position)
        if match is None:
            raise _broken(text, rest, position, "field=value and a ]")
        name, value, end = match.groups()
        if any(name == other for other, _ in found):
            raise Invalid(f"The path {text!r} fixes {name} twice.", next_step=GRAMMAR)
        found.append((name, _plain(value)))
        position = match.end()
        if end == "]":
            return tuple(found), position


def _broken(text: str, rest: str, position: int, expected: str) -> Invalid:
    found = repr(rest[position : position + 20]) if position < len(rest) else "its end"
    return Invalid(
        f"The path {text!r} cannot be read: expected {expected}, found {found}.", next_step=GRAMMAR
    )


def _plain(written: str) -> str:
    if written.startswith('"'):
        return re.sub(r"\\(.)", r"\1", written[1:-1], flags=re.DOTALL)
    return written.strip()


def _quoted(value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
