"""Every generated operation is one statement and answers as the reference does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import cast
from uuid import UUID

from graphql import GraphQLSchema

from hansa_core.caller import Caller
from hansa_core.graphql.execute import GraphQL
from hansa_core.testing.counting import Count
from tests.core.query.conftest import Probe
from tests.core.query.reference.conftest import Held
from tests.core.query.reference.documents import Asked, Document, Spread, Var
from tests.core.query.reference.evaluator import Mark, Reference
from tests.core.query.reference.generator import Generator
from tests.core.query.reference.grants import callers
from tests.core.query.reference.rows import seeded, world
from tests.core.query.reference.view import View

DOCUMENTS_PER_WORLD = 60
REPEATED = 8
"""How often a document is asked again with other values."""
STEPS = 3
_PAGED = ("first", "after", "last", "before")


@dataclass
class Comparison:
    """Compares an answer with what is expected and learns what its cursors stand for."""

    owners: Mapping[int, set[object]]
    marks: dict[Mark, str] = field(default_factory=dict[Mark, str])

    @property
    def followed(self) -> list[Mark]:
        """The cursors that can be followed: a list of several records' is refused."""
        return [mark for mark in self.marks if len(self.owners[mark.list[0]]) == 1]

    def difference(self, expected: object, found: object, path: str = "data") -> str | None:
        """Return where an answer differs first, None where it is equal."""
        equal = type(expected) is type(found) and expected == found

        def shown() -> str:
            return f"expected {expected!r}, found {found!r}"

        if isinstance(expected, Mark):
            if not isinstance(found, str) or self.marks.setdefault(expected, found) != found:
                return f"{path}: no cursor of {expected}: {found}"
            return None
        if isinstance(expected, dict) and isinstance(found, dict):
            mine, theirs = (
                cast("Mapping[str, object]", expected),
                cast("Mapping[str, object]", found),
            )
            if list(mine) != list(theirs):
                return f"{path}: expected the keys {list(mine)}, found {list(theirs)}"
            pairs = [(f"{path}.{key}", mine[key], theirs[key]) for key in mine]
        elif isinstance(expected, list) and isinstance(found, list):
            own, other = cast("list[object]", expected), cast("list[object]", found)
            if len(own) != len(other):
                return f"{path}: expected {len(own)} entries, found {len(other)}: {own} {other}"
            pairs = [(f"{path}[{n}]", *pair) for n, pair in enumerate(zip(own, other, strict=True))]
        else:
            return None if equal else f"{path}: {shown()}"
        return next(filter(None, (self.difference(b, c, a) for a, b, c in pairs)), None)


@dataclass
class Run:
    """Runs operations on one world."""

    engine: GraphQL
    held: Held
    views: Sequence[tuple[Caller, View]]
    seed: str
    cursors: dict[str, UUID] = field(default_factory=dict[str, UUID])
    ran: int = 0

    async def operation(
        self, who: int, document: Document, variables: Mapping[str, object]
    ) -> Comparison:
        """Answer one operation, compare it and count its statements."""
        session, (caller, view) = self.held.session, self.views[who]
        assert session is not None
        before = session.statement_count
        answer = await self.engine.execute(caller, document.text, variables)
        sent = session.statement_count - before
        reference = Reference(view, document, variables, self.cursors)
        expected = reference.answer()
        comparison = Comparison(reference.owners)
        difference = (
            str(answer["errors"])
            if "errors" in answer
            else comparison.difference(expected, answer["data"])
        )
        if difference is None and sent != 1:
            difference = f"{sent} statements"
        assert difference is None, (
            f"{difference}\nseed {self.seed}, grants {caller.grants.key}\n{document.text}\n"
            f"{json.dumps(variables, ensure_ascii=False)}"
        )
        for mark, cursor in comparison.marks.items():
            # Two lists with equal filters and orders have the same cursors, of the same records.
            assert self.cursors.setdefault(cursor, mark.id) == mark.id, (
                f"{cursor}, seed {self.seed}"
            )
        self.ran += 1
        return comparison

    async def walk(
        self,
        random: Random,
        who: int,
        document: Document,
        variables: dict[str, object],
        comparison: Comparison,
    ) -> None:
        """Follow cursors of one of the answer's lists, forward or backward."""
        if not comparison.followed:
            return
        mark = random.choice(comparison.followed)
        asked = _of(document, mark.list[0])
        args = {name: value for name, value in asked.args.items() if name not in _PAGED}
        size, start = random.choice([("first", "after"), ("last", "before")])
        written = random.random() < 0.3  # the cursor stands in the document, not in a variable
        cursor = comparison.marks[mark]
        args |= {size: random.choice([0, 1, 2, 3]), start: cursor if written else Var("cursor")}
        document = document.with_args(asked, args, {**document.types, "cursor": "String"})
        for _ in range(1 if written else STEPS):
            given = {name: (variables | {"cursor": cursor})[name] for name in document.types}
            comparison = await self.operation(who, document, given)
            # Of the same list: the pages of another would hold other records with other lists.
            marks = [each for each in comparison.followed if each.list[0] == id(args)]
            if not marks:
                return
            cursor = comparison.marks[random.choice(marks)]


def _of(document: Document, identity: int) -> Asked:
    """Return the field whose arguments have an identity."""
    waiting = [document.selection, *(selection for _, selection in document.fragments.values())]
    for selection in waiting:
        for item in selection:
            if isinstance(item, Spread):
                continue
            if isinstance(item, Asked) and id(item.args) == identity:
                return item
            if item.selection is not None:
                waiting.append(item.selection)
    raise LookupError(identity)


async def test_every_operation_is_one_statement_and_answers_as_the_reference_does(
    probe: Probe, held: Held, engine: GraphQL, schema: GraphQLSchema, count: Count
) -> None:
    asked = count.asked("operations")
    ran, number = 0, 0
    while ran < asked:
        number += 1
        random = seeded(number)
        rows = world(random, probe.shape)
        both = callers(probe)
        async with probe.holding(rows.rows) as session:
            held.session = session
            views = [(caller, View(rows, caller)) for caller in both]
            for position in range(DOCUMENTS_PER_WORLD):
                if ran >= asked:
                    break
                seed = f"{number}.{position}"
                run = Run(engine, held, views, seed)
                await _document(
                    run, seeded(seed), Generator(seeded(seed), probe.shape, schema, rows)
                )
                ran += run.ran
    count.ran(ran)
    assert ran >= asked


async def _document(run: Run, random: Random, generator: Generator) -> None:
    """Run a document for both callers, with its variables and with others."""
    document = generator.document()
    given = [generator.variables, generator.variables, generator.again(calm=False)]
    if generator.variables:
        given += [generator.again(calm=True) for _ in range(REPEATED)]
    for number, variables in enumerate(given):
        who = number % 2
        comparison = await run.operation(who, document, variables)
        if comparison.marks and random.random() < 0.4:
            await run.walk(random, who, document, variables, comparison)
