"""Locks between processes on a file; the operating system drops them when the holder dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hansa_sdk.errors import Busy, Misconfigured

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

WAIT_SECONDS_MAX: Final = 120.0
_PAUSE_SECONDS: Final = 0.02


class FileLock:
    """A lock on `path`, held alone or shared; one object is one holder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _opened(path)

    @contextmanager
    def exclusive(self) -> Generator[None]:
        """Hold it alone for the block. Raises Busy after two minutes of waiting."""
        for _ in range(int(WAIT_SECONDS_MAX / _PAUSE_SECONDS)):
            if self.try_exclusive():
                break
            time.sleep(_PAUSE_SECONDS)
        else:
            raise Busy(
                f"Another command has held {self._path} for two minutes.",
                next_step="Wait for it or stop it, then try again.",
            )
        try:
            yield
        finally:
            self.release()

    def try_exclusive(self) -> bool:
        """Take it alone if nobody holds it; return whether that worked."""
        return _try_lock(self._file, shared=False)

    def share(self) -> None:
        """Take it together with others. Raises Busy when one holds it alone."""
        if not _try_lock(self._file, shared=True):
            raise Busy(f"Another command holds {self._path} alone.", next_step="Try again.")

    def release(self) -> None:
        """Let go of it: closing the file drops its locks on every system."""
        os.close(self._file)
        self._file = _opened(self._path)

    def close(self) -> None:
        """Let go of it for good."""
        os.close(self._file)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)  # Python adds close-on-exec
    except OSError as error:
        raise Misconfigured(
            f"The lock file {path} cannot be opened: {error.strerror}.",
            next_step="Check the folder's owner and whether the disk is full or read-only; "
            "HANSA_HOME chooses another.",
        ) from error


if sys.platform == "win32":
    _SHARERS_MAX: Final = 64

    def _try_lock(file: int, *, shared: bool) -> bool:
        # Windows' byte locks are not shared: each sharer takes one byte, who wants all takes all.
        for offset in range(_SHARERS_MAX if shared else 1):
            os.lseek(file, offset, os.SEEK_SET)
            try:
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1 if shared else _SHARERS_MAX)
            except OSError:
                continue
            return True
        return False
else:

    def _try_lock(file: int, *, shared: bool) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
