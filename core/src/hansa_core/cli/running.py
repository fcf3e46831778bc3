"""How a command that serves runs: on which loop, and how a signal ends it."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

PORT: Final = 8000
"""Where a server listens unless told otherwise."""

_TERMINATED: Final = 128 + signal.SIGTERM


def run_forever(
    work: Coroutine[Any, Any, None],
) -> None:  # Any: what a coroutine yields and is sent
    """Run a server on the fastest event loop there is here."""
    if sys.platform == "win32":
        asyncio.run(work)
    else:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)


def end_orderly_on_terminate() -> None:
    """Let SIGTERM unwind the program: servers are stopped and locks released."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(_TERMINATED)

    signal.signal(signal.SIGTERM, end)


@contextmanager
def importing() -> Generator[None]:
    """Look for no garbage during the block, and never among what it made.

    Of imported code nearly all is kept; looking through it takes a tenth of a start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
