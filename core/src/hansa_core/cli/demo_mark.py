"""How other commands of a HANSA_HOME know that the demo runs there, and where."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from hansa_core.settings import make_home
from hansa_core.storage.embedded.locks import FileLock
from hansa_sdk import Busy, Misconfigured

_TRIES_MAX: Final = 100
_PAUSE_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class RunningDemo:
    """The demo's database: on the embedded server, or (`owner_url`) on one of its own."""

    database: str
    owner_url: str | None
    address: str


def running_demo(home: Path) -> RunningDemo | None:
    """Return the demo that runs in `home` at this moment, if one does."""
    if not (home / "demo.lock").exists():
        return None
    lock = FileLock(home / "demo.lock")
    try:
        lock.share()
    except Busy:  # held alone: by the demo
        return _read(home / "demo.json")
    finally:
        lock.close()
    return None


@contextmanager
def only_demo(home: Path) -> Generator[None]:
    """Be the one demo of `home` for the block. Raises Misconfigured while another one is."""
    make_home(home)
    lock = FileLock(home / "demo.lock")
    try:
        for _ in range(_TRIES_MAX):  # other commands look at the lock for moments
            if lock.try_exclusive():
                break
            time.sleep(_PAUSE_SECONDS)
        else:
            other = _read(home / "demo.json")
            where = f" at {other.address}" if other is not None and other.address else ""
            raise Misconfigured(
                f"A demo is running in {home} already{where}.",
                next_step="Use that one, stop it, or set HANSA_HOME to another folder.",
            )
        try:
            yield
        finally:
            (home / "demo.json").unlink(missing_ok=True)
    finally:
        lock.close()


def publish_demo(home: Path, demo: RunningDemo) -> None:
    """Tell other commands where the demo is; the file holds a password and is ours alone."""
    draft = home / ".demo.json.draft"
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        content = {
            "database": demo.database,
            "owner_url": demo.owner_url,
            "address": demo.address,
        }
        json.dump(content, file)
    draft.replace(home / "demo.json")


def _read(path: Path) -> RunningDemo | None:
    """Return what the demo published; None while it is still starting."""
    try:
        content = cast("dict[str, str | None]", json.loads(path.read_text(encoding="utf-8")))
        return RunningDemo(
            str(content["database"]), content.get("owner_url"), content.get("address") or ""
        )
    except (OSError, ValueError, KeyError):
        return None
