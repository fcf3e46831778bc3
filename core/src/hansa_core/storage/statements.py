"""SQLAlchemy Core statements compiled once to PostgreSQL text that asyncpg runs for any tenant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.sql import quoted_name
from sqlalchemy.sql.compiler import SQLCompiler

from hansa_core.storage.reserved import quote_newer_words

TENANT_SCHEMA: Final = quoted_name("__tenant__", quote=True)
"""The schema every tenant table is declared in; rendered per tenant by `Statement.text`."""

FIRST: Final = "first."
"""What the names of the first statement's parameters begin with in one made by `beside`."""

_TOKEN: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<number>\d+)""")
"""A literal, a quoted name, or a parameter: only the last is a parameter."""

TEXTS_KEPT: Final = 8
"""Texts of one statement that are kept, one for each tenant."""
_PLACEHOLDER: Final = '"__tenant__"'


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled statement: its text with a tenant placeholder, and its parameters in order."""

    template: str
    names: tuple[str, ...]
    defaults: Mapping[str, object]
    _texts: dict[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)

    @property
    def size(self) -> int:
        """Bytes of its texts, when those of as many tenants as it keeps are made."""
        return len(self.template) * (1 + TEXTS_KEPT)

    def text(self, schema: str) -> str:
        """Return the SQL for the tenant whose schema is `schema`; kept for the last few."""
        known = self._texts.get(schema)
        if known is None:
            if len(self._texts) >= TEXTS_KEPT:
                self._texts.clear()
            known = self.template.replace(_PLACEHOLDER, quote_name(schema))
            self._texts[schema] = known
        return known

    def bind(self, params: Mapping[str, object]) -> list[object]:
        """Return the values in the statement's order; one not given is the literal built in.

        Raises KeyError when a parameter has neither.
        """
        return [params[name] if name in params else self.defaults[name] for name in self.names]


def compile_statement(statement: sa.Executable) -> Statement:
    """Compile a Core statement; literals in it become its default parameters."""
    compiled = cast(SQLCompiler, cast(sa.ClauseElement, statement).compile(dialect=_DIALECT))
    names = tuple(compiled.positiontup or ())
    defaults = {
        name: bind.effective_value
        for bind, name in compiled.bind_names.items()
        if not bind.required
    }
    return Statement(str(compiled), names, defaults)


def beside(first: Statement, second: Statement) -> Statement:
    """Return one statement: the rows of `first`, each with what `second` answers behind it.

    `second` selects expressions from no table, and is not run where `first` has no row. The
    parameters of `first` are named with the prefix FIRST. No column may be in both.
    """
    shift = len(first.names)
    shifted = _TOKEN.sub(lambda found: _moved(found, shift), second.template)
    both = f"({first.template}) AS one CROSS JOIN LATERAL ({shifted}) AS other"
    return Statement(
        "SELECT one.*, other.* FROM " + both,  # noqa: S608  # texts compiled here, no values
        (*(FIRST + name for name in first.names), *second.names),
        {**{FIRST + name: value for name, value in first.defaults.items()}, **second.defaults},
    )


def _moved(found: re.Match[str], shift: int) -> str:
    number = found["number"]
    return found[0] if number is None else f"${int(number) + shift}"


def _dialect() -> sa.Dialect:
    made = asyncpg_dialect.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves dialect constructors untyped
    quote_newer_words(made)
    return made


def quote_name(name: str) -> str:
    """Return `name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


_DIALECT: Final = _dialect()
