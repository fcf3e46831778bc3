"""Compiled code kept between runs also where Python was told to leave none beside the sources."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from platformdirs import user_cache_path


def keep_bytecode() -> None:
    """Keep what is compiled from now on in the user's cache folder.

    Only where PYTHONDONTWRITEBYTECODE (many containers set it) keeps Python from doing so itself:
    compiling is two thirds of a start. Nothing is kept where another user could put his own code.
    """
    if not sys.dont_write_bytecode or sys.pycache_prefix is not None or sys.platform == "win32":
        return
    folder = user_cache_path("hansa")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = folder.resolve()
        private = is_private(folder)
    except (OSError, RuntimeError):  # no home, or one that cannot be written to
        return
    if private:
        sys.pycache_prefix = str(folder / "bytecode")
        sys.dont_write_bytecode = False


def is_private(folder: Path) -> bool:
    """Return whether only root and this user can change what lies in a folder."""
    if sys.platform == "win32":
        return False
    trusted = (0, os.geteuid())
    for part in (folder, *folder.parents):
        found = part.lstat()
        open_to_all = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in trusted or open_to_all:
            return False
    return not folder.lstat().st_mode & 0o022
