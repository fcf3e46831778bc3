"""`hansa` as a process of its own on a test's platform, as a person starts it."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path

from hansa_core.testing.platform import SECRET_KEY, Platform


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


async def start_hansa(platform: Platform, *words: str) -> Process:
    """Start `hansa WORDS` on the platform's database; nothing of the caller's settings is used."""
    return await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("hansa"),
        *words,
        stdout=PIPE,
        stderr=PIPE,
        env={
            "HANSA_DATABASE_URL": platform.owner_url,
            "HANSA_HOME": str(platform.home),
            "HANSA_SECRET_KEY": base64.b64encode(SECRET_KEY).decode(),
            "PATH": os.defpath,
        },
    )


async def finished(process: Process) -> Finished:
    """Wait for a command's end, reading what it prints."""
    out, err = await process.communicate()
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


async def run_hansa(platform: Platform, *words: str) -> Finished:
    """Run `hansa WORDS` to its end."""
    return await finished(await start_hansa(platform, *words))
