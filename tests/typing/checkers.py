"""mypy and pyright run as programs over a few files: which lines they reject, and why."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Rejection:
    """One error of one checker; `line` counts from 1, `rule` is the checker's name for it."""

    checker: str
    path: Path
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}: {self.checker}: {self.message} [{self.rule}]"


def mypy_rejections(files: Sequence[Path]) -> Iterator[Rejection]:
    """Yield what `mypy --strict` rejects, with the project's own configuration."""
    for line in _output("mypy", "--strict", "--output=json", files=files).splitlines():
        found = cast(Mapping[str, object], json.loads(line))
        if found["severity"] == "error":
            yield Rejection(
                "mypy",
                (ROOT / str(found["file"])).resolve(),
                cast(int, found["line"]),
                str(found["code"]),
                str(found["message"]),
            )


def pyright_rejections(files: Sequence[Path]) -> Iterator[Rejection]:
    """Yield what pyright in strict mode rejects; pyrightconfig.json beside this file names them.

    The project's own configuration leaves the mistakes out, and so would refuse to read them.
    """
    output = _output(
        *("pyright", "--outputjson", "--pythonpath", sys.executable, "--project"),
        files=[Path(__file__).with_name("pyrightconfig.json")],
    )
    report = cast(Mapping[str, object], json.loads(output))
    checked = cast(int, cast(Mapping[str, object], report["summary"])["filesAnalyzed"])
    if checked != len(files):
        raise RuntimeError(f"pyright read {checked} of {len(files)} files")
    for found in cast(list[Mapping[str, object]], report["generalDiagnostics"]):
        if found["severity"] == "error":
            start = cast(Mapping[str, Mapping[str, int]], found["range"])["start"]
            yield Rejection(
                "pyright",
                Path(str(found["file"])).resolve(),
                start["line"] + 1,
                str(found.get("rule", "syntax")),
                str(found["message"]),
            )


def _output(program: str, *options: str, files: Sequence[Path]) -> str:
    """Run a checker of this environment; raise when it failed for another reason than errors."""
    command = [sys.executable, "-m", program, *options, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{program} could not run:\n{done.stdout}{done.stderr}")
    return done.stdout
