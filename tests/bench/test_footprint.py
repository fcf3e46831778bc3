"""What the platform costs before it does anything: lines, start-up, shape and schema.

`uv run pytest -m bench -s tests/bench/test_footprint.py` prints the figures.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from hansa_core.graphql.kernel import kernel_fields
from hansa_core.graphql.names import check_names
from hansa_core.graphql.schema import CompiledSchema, build_schema
from hansa_core.model.shape import Shape
from hansa_core.plugins.compile import compile_shape
from hansa_core.system.plugin import plugin as system
from tests.bench.many import made_plugin

pytestmark = pytest.mark.bench

ROOT = Path(__file__).parents[2]
ENTITIES = 150
T = TypeVar("T")


def measured(what: str, work: Callable[[], T]) -> T:
    """Print the best processor time of five, and the memory one result holds."""
    times: list[float] = []
    for _ in range(5):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    gc.collect()
    tracemalloc.start()
    kept = work()
    gc.collect()
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"\n{what}: {min(times) * 1000:.0f} ms, {memory / 1e6:.1f} MB")
    return kept


def test_shape_and_schema_of_many_entities() -> None:
    plugin, kernel = made_plugin("many", ENTITIES), kernel_fields()

    def both() -> tuple[Shape, CompiledSchema]:
        shape = compile_shape([system, plugin])
        assert check_names(shape) == []
        return shape, build_schema(shape, kernel)

    measured(f"shape of {ENTITIES} entities", lambda: compile_shape([system, plugin]))
    shape, compiled = measured(f"shape and schema of {ENTITIES} entities", both)
    assert len(shape.entities) >= ENTITIES
    types = measured(
        f"that schema with all its {len(compiled.schema.type_map):,} types, once asked for each",
        lambda: [*build_schema(shape, kernel).schema.type_map.values()],
    )
    assert "ManyThing59" in {each.name for each in types}


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
