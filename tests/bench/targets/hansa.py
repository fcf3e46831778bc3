"""Hansa as a target of the benchmark kit: BENCH_TARGETS names this folder (README.md beside it).

Sign-in, policy, cost limits and audit are on: every request carries the API key of a user whose
role has a condition on the rows of contacts and deals, and two masked fields. Standard library
only: the kit imports it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

CHECKOUT: Final = Path(__file__).parents[3]
sys.path.append(str(CHECKOUT))

from tests.bench.kit_requests import (  # noqa: E402  # found by the line above
    CURSORS_TO,
    PAGE_OF_CURSORS,
    QUERIES,
    Json,
    Known,
    rows,
    variables,
)

Post: TypeAlias = Callable[[Mapping[str, object]], Json]

_PEERS: Final = os.environ.get("BENCH_HOME", str(Path(tempfile.gettempdir()) / "peers"))
_HOME: Final = Path(_PEERS) / "hansa"
_CALLER: Final[Mapping[str, str]] = json.loads((_HOME / "caller.json").read_text())

TITLE: Final = "Hansa"
DB: Final = "bench_hansa"
HEADERS: Final = {"authorization": f"Bearer {_CALLER['key']}"}
SKIP: Final[dict[str, str]] = {}
"""Filled by `prepare` with what this version of the server does not offer."""

_NEEDED: Final = {"Q4": "benchDealsGroup", "M2": "benchContactUpsertMany"}
_ROOTS: Final = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }"

_known: Final = Known(_CALLER["user"])


def start(_kit: str, _home: str, port: int, workers: int) -> tuple[list[str], str, dict[str, str]]:
    """Return command, folder and environment of the server: one process, whatever is asked."""
    if workers != 1:
        raise SystemExit("hansa: measured with one worker only")
    python = CHECKOUT / ".venv" / "bin" / "python"
    command = [str(python), "-m", "tests.bench.serving", "serve", "--port", str(port)]
    host = f"127.0.0.1:{os.environ.get('BENCH_PGPORT', '5455')}"
    url = f"postgresql://{os.environ.get('BENCH_PGUSER', 'bench')}@{host}/{DB}"
    return command, str(CHECKOUT), {"HANSA_DATABASE_URL": url, "HANSA_HOME": str(_HOME)}


def prepare(post: Post) -> None:
    """Learn what the server offers, and the sealed cursors of the contacts that Q5 starts after."""
    schema = post({"query": _ROOTS})["data"]["__schema"]
    offered = {field["name"] for root in schema.values() for field in root["fields"]}
    for workload, name in _NEEDED.items():
        if name not in offered:
            SKIP[workload] = f"{name} is not offered"
    last = 0
    while last < CURSORS_TO:
        request = {"query": PAGE_OF_CURSORS, "variables": {"after": _known.cursors.get(last)}}
        last = _known.note_cursors(post(request)["data"])


def body(workload: str, values: Sequence[Json]) -> dict[str, object]:
    """Return the JSON body of a request."""
    return {"query": QUERIES[workload], "variables": variables(workload, values, _known)}


__all__ = ("DB", "HEADERS", "SKIP", "TITLE", "body", "prepare", "rows", "start")
