"""What the platform costs before it does anything: lines, start-up, shape and schema.

`uv run pytest -m bench -s tests/bench/test_footprint.py` prints the figures.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import tracemalloc
import types
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TypeVar, cast

import pytest

from hansa_core.graphql.kernel import kernel_fields
from hansa_core.graphql.schema import build_schema
from hansa_core.plugins.compile import compile_shape
from hansa_core.system.plugin import plugin as system
from hansa_sdk import (
    Currency,
    Entity,
    Field,
    ListView,
    Money,
    Plugin,
    Ref,
    Role,
    User,
    allow,
    field,
    money,
    ref,
)

pytestmark = pytest.mark.bench

ROOT = Path(__file__).parents[2]
ENTITIES = 60
T = TypeVar("T")


class Status(StrEnum):
    OPEN = "open"
    DONE = "done"


def synthetic_plugin() -> Plugin:
    """Return a plugin of 60 entities with twelve fields each, every one but the first with a
    reference to the one before it."""
    entities: list[type[Entity]] = []
    for number in range(ENTITIES):
        before = entities[-1] if entities else User
        annotations: dict[str, object] = {
            **{f"text_{i}": Field[str] for i in range(5)},
            "amount": Field[Money],
            "currency": Field[Currency],
            "count": Field[int],
            "share": Field[Decimal],
            "status": Field[Status],
            "owner": Ref[User],
            "parent": Ref.__class_getitem__(before),  # type: ignore[attr-defined]  # a type known at run time only
        }
        body: dict[str, object] = {
            "__annotations__": annotations,
            "__module__": __name__,
            "amount": money(currency="currency"),
            "status": field(default=Status.OPEN),
            "owner": ref(),
            "parent": ref(),
        }
        made = types.new_class(
            f"Thing{number}",
            (Entity,),
            {"name": f"many.thing{number}"},
            fill(body),
        )
        entities.append(cast("type[Entity]", made))
    role = Role("many.reader", tuple(allow(entity, "read") for entity in entities))
    views = tuple(ListView(entity, (entity.id,)) for entity in entities)
    return Plugin(name="many", version="1", entities=tuple(entities), roles=(role,), views=views)


def fill(body: dict[str, object]) -> Callable[[dict[str, object]], None]:
    """Return a function that puts `body` into a class's namespace."""

    def put(namespace: dict[str, object]) -> None:
        namespace.update(body)

    return put


def measured(what: str, work: Callable[[], T]) -> T:
    """Print the best of five times, and the memory one result holds."""
    times: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    gc.collect()
    tracemalloc.start()
    kept = work()
    gc.collect()
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"\n{what}: {min(times) * 1000:.0f} ms, {memory / 1e6:.1f} MB")
    return kept


def test_shape_and_schema_of_sixty_entities() -> None:
    plugin = synthetic_plugin()
    shape = measured(f"shape of {ENTITIES} entities", lambda: compile_shape([system, plugin]))
    kernel = kernel_fields()
    compiled = measured("GraphQL schema of that shape", lambda: build_schema(shape, kernel))
    assert len(shape.entities) >= ENTITIES
    assert "ManyThing59" in compiled.schema.type_map


def test_start_of_the_program() -> None:
    for words in (["version"], ["--help"]):
        times: list[float] = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(
                [str(Path(sys.executable).with_name("hansa")), *words],
                check=True,
                capture_output=True,
            )
            times.append(time.perf_counter() - start)
        print(f"\nhansa {' '.join(words)}: {min(times):.2f} s")
        assert len(times) == 5


def test_lines_of_each_distribution() -> None:
    for name in ("core", "sdk", "plugins/contacts", "plugins/crm", "tests"):
        files = [
            path
            for path in (ROOT / name).rglob("*.py")
            if "versions" not in path.parts and ".venv" not in path.parts
        ]
        lines = [line for path in files for line in path.read_text().splitlines()]
        code = [line for line in lines if line.strip() and not line.strip().startswith("#")]
        print(f"\n{name}: {len(files)} modules, {len(lines)} lines, {len(code)} not blank")
        assert files
