"""Random rows of the synthetic plugin: few values, so that they meet, tie and are missing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from hansa_core.model.meta import FieldMeta, Kind
from hansa_core.model.shape import Shape
from tests.core.query.conftest import NOW, full
from tests.core.query.generated import CURRENCIES, IDS, Row, World
from tests.core.query.plugin import Colour

BOXES: Final = 9
THINGS: Final = 60

# Letters that fold oddly, that LIKE treats specially, or that sort apart in bytes and words.
LETTERS: Final = "aAbBzÄäß\u0131İiI\u03c3Σς éÉ_%!\\'\"$1:𐐀𐐨ﬁ{},"
MOMENTS: Final = (
    NOW,
    NOW + timedelta(microseconds=1),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2026, 10, 24, 22, 30, tzinfo=UTC),  # a day in Berlin that has 25 hours
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 15, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)
DAYS: Final = (
    date(1, 1, 2),
    date(2024, 2, 29),
    date(2026, 11, 21),
    date(2026, 11, 23),
    date(2027, 1, 1),
    date(9999, 12, 30),
)
LENGTHS: Final = (
    timedelta(0),
    timedelta(days=-1, microseconds=3),
    timedelta(hours=24),
    timedelta(days=30),
    timedelta(minutes=90, seconds=5, microseconds=120),
)
INTEGERS: Final = (0, 1, -1, 7, 12, 2**53 - 1, -(2**53) + 1)
_PLACES: Final = {Kind.DECIMAL: 6, Kind.MONEY: 4, Kind.QUANTITY: 6}


def seeded(seed: int | str) -> Random:
    """Return chance that is the same in every run."""
    return Random(seed)  # noqa: S311  # no secret is drawn


def text(random: Random) -> str:
    """Return a short text."""
    return "".join(random.choices(LETTERS, k=random.randrange(4)))


def number(random: Random, places: int) -> Decimal:
    """Return one of few numbers, among them of many digits and of the smallest step."""
    step = Decimal(1).scaleb(-places)
    some = ("0", "1.5", "-2", "2.25", "7", "100", "0.05")
    return random.choice([*map(Decimal, some), step, Decimal(10**12) + step])


_DRAWN: Final[Mapping[Kind, Callable[[Random], object]]] = {
    Kind.ENUM: lambda random: str(random.choice(list(Colour)).value),
    Kind.CURRENCY: lambda random: random.choice(CURRENCIES),
    Kind.INTEGER: lambda random: random.choice(INTEGERS),
    Kind.BOOLEAN: lambda random: random.random() < 0.5,
    Kind.DATE: lambda random: random.choice(DAYS),
    Kind.INSTANT: lambda random: random.choice(MOMENTS),
    Kind.DURATION: lambda random: random.choice(LENGTHS),
    Kind.UUID: lambda random: random.choice(IDS),
    Kind.TEXT_LIST: lambda random: [text(random) for _ in range(random.randrange(3))],
    Kind.TRANSLATED: lambda random: json.dumps({"de": "x", "en": text(random)}),
    Kind.JSON: lambda random: json.dumps(random.choice([[1, "a", None], {"b": {"a": True}}, "t"])),
}


def value(random: Random, kind: Kind) -> object:
    """Return a value a column of this kind holds."""
    if kind in _PLACES:
        return number(random, _PLACES[kind])
    return _DRAWN[kind](random) if kind in _DRAWN else text(random)


def world(random: Random, shape: Shape) -> World:
    """Return rows of both entities, references in them, some archived."""
    boxes: list[Row] = []
    for made in range(BOXES):
        boxes.append(_row(random, shape, "probe.box", made, {"outer": boxes}))
    targets = {"box": boxes}
    return World(
        boxes, [_row(random, shape, "probe.thing", made, targets) for made in range(THINGS)]
    )


def _row(
    random: Random, shape: Shape, entity: str, made: int, targets: Mapping[str, Sequence[Row]]
) -> Row:
    drawn: dict[str, object] = {
        # so that order of making is not order of ids
        "id": uuid.UUID(int=(random.randrange(4) << 126) + made),
        "archived": random.random() < 0.1,
        "version": random.randrange(1, 4),
        "created_by": random.choice([None, *IDS]),
        "created_at": random.choice(MOMENTS),
    }
    for field in shape.entity(entity).stored:
        if field.system:
            continue
        if field.kind is Kind.REFERENCE:
            ids = [row["id"] for row in targets[field.name]]
            drawn[field.column] = random.choice(ids) if ids and random.random() < 0.8 else None
        elif random.random() < 0.75:
            drawn.update(_filled(random, field))
    return full(shape.table(entity), **drawn)


def _filled(random: Random, field: FieldMeta) -> dict[str, object]:
    filled = {field.column: value(random, field.kind)}
    if field.kind is Kind.QUANTITY:
        filled[f"{field.column}_unit"] = random.choice(["kg", "m"])
    return filled
