"""How many records an answer holds: a second text of a plan has PostgreSQL count them.

The JSON of the answer is made once; paths of SQL/JSON count in it what stands at the places of
records. Python looks at none of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from hansa_core.query.compiled import Compiled
from hansa_core.query.groups import GroupRequest, KeysPart
from hansa_core.query.plan import (
    EdgesPart,
    ManySelection,
    NodesPart,
    PageRequest,
    RefSelection,
    Selection,
)
from hansa_core.storage.statements import Statement

ROOT: Final = "$"
"""The place of a whole answer, in the language of SQL/JSON paths."""
_OBJECTS: Final = '? (@.type() == "object")'
"""What is there: a reference without a record is null."""


def record_places(selection: Selection, at: str = ROOT) -> Iterator[str]:
    """Yield the places of a record at `at` and of all records below it."""
    yield at
    for item in selection.items:
        if isinstance(item, RefSelection):
            yield from record_places(item.selection, f"{at}.{item.key}")
        elif isinstance(item, ManySelection):
            yield from page_places(item.page, f"{at}.{item.key}")


def page_places(page: PageRequest, at: str = ROOT) -> Iterator[str]:
    """Yield the places of the records of a page and of all below them."""
    for part in page.answered:
        if isinstance(part, NodesPart):
            yield from record_places(part.selection, f"{at}.{part.key}[*]")
        elif isinstance(part, EdgesPart):
            for key, what in part.items:
                if isinstance(what, Selection):
                    yield from record_places(what, f"{at}.{part.key}[*].{key}")


def group_places(groups: GroupRequest, at: str = ROOT) -> Iterator[str]:
    """Yield the places of groups, and of the records among their keys."""
    yield f"{at}[*]"
    for part in groups.parts:
        if isinstance(part, KeysPart):
            for item in part.items:
                if item.selection is not None:
                    yield from record_places(item.selection, f"{at}[*].{part.key}.{item.key}")


def counting(compiled: Compiled, places: Sequence[Sequence[str]], *, answers: bool) -> Compiled:
    """Return a statement whose last value is how many records the answer of another holds.

    With `answers` its first values are that answer. `places` are those of each part. A record that
    is asked for under several keys counts as often as it stands in the answer.
    """
    counts = [
        f"(SELECT count(*) FROM jsonb_path_query(r{number}::jsonb, '{place} {_OBJECTS}'))"  # noqa: S608  # names of the API
        for number, several in enumerate(places)
        for place in dict.fromkeys(several)  # kinds of `node` may share places
    ]
    statement = compiled.statement
    text = (
        f"WITH answered AS MATERIALIZED ({statement.template}) "  # noqa: S608  # names of the API
        f"SELECT {'answered.*, ' if answers else ''}{' + '.join(counts) or '0'} AS records "
        "FROM answered"
    )
    return replace(compiled, statement=Statement(text, statement.names, statement.defaults))
