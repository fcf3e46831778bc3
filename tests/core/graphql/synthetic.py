"""Sixty synthetic entities, to measure how a schema grows. Run as a module for the figures.

`python -m tests.core.graphql.synthetic` prints time and memory of shape and schema.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
import types
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import cast

from hansa_core.graphql.kernel import kernel_fields
from hansa_core.graphql.schema import build_schema
from hansa_core.model.shape import Shape
from hansa_core.plugins.compile import compile_shape
from hansa_sdk import Currency, Entity, Field, Money, Plugin, Ref, field, money, ref

ENTITIES = 60


class Level(StrEnum):
    LOW = "low"
    MIDDLE = "middle"
    HIGH = "high"


def synthetic_shape(count: int = ENTITIES) -> Shape:
    """Compile `count` entities of 14 own fields and two references each."""
    classes: list[type[Entity]] = []
    for number in range(count):
        body = _body(number, classes)
        name = f"bulk.e{number}"
        made = types.new_class(f"E{number}", (Entity,), {"name": name}, _filler(body))
        classes.append(cast("type[Entity]", made))
    return compile_shape([Plugin(name="bulk", version="1", entities=tuple(classes))])


def _filler(body: dict[str, object]) -> Callable[[dict[str, object]], None]:
    return lambda namespace: namespace.update(body)


def _body(number: int, before: list[type[Entity]]) -> dict[str, object]:
    annotations: dict[str, object] = {"currency": Field[Currency], "amount": Field[Money]}
    body: dict[str, object] = {"currency": field(), "amount": money(currency="currency")}
    kinds = (str, str | None, str | None, int, bool, Decimal, date, datetime | None, Level)
    for index, kind in enumerate((*kinds, str, str, int)):
        annotations[f"field_{index}"] = Field[kind]  # type: ignore[valid-type]  # made at run time
        body[f"field_{index}"] = field(max_length=80 if index in (0, 1, 2, 9, 10) else None)
    for index, target in enumerate(before[-2:]):
        annotations[f"ref_{index}"] = Ref[target]  # type: ignore[valid-type]  # made at run time
        body[f"ref_{index}"] = ref()
    return {"__annotations__": annotations, "__module__": __name__, **body}


def measure() -> dict[str, float]:
    """Return seconds (best of five) and megabytes of shape and schema."""
    kernel = kernel_fields()
    shape = synthetic_shape()
    best = min(_seconds(lambda: build_schema(shape, kernel)) for _ in range(5))
    shape_best = min(_seconds(synthetic_shape) for _ in range(3))
    gc.collect()
    tracemalloc.start()
    kept_shape = synthetic_shape()
    gc.collect()
    after_shape = tracemalloc.get_traced_memory()[0]
    kept_schema = build_schema(kept_shape, kernel)
    gc.collect()
    after_schema = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept_schema.key == kept_shape.key
    return {
        "shape seconds": shape_best,
        "shape MB": after_shape / 1e6,
        "schema seconds": best,
        "schema MB": (after_schema - after_shape) / 1e6,
        "types": len(kept_schema.schema.type_map),
    }


def _seconds(work: object) -> float:
    assert callable(work)
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name}: {value:.3f}")
