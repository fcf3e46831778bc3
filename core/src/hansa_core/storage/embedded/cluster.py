"""One PostgreSQL data folder: made with initdb, started and stopped with pg_ctl."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hansa_core.storage.embedded.placement import Placement, socket_path_fits
from hansa_sdk.errors import Misconfigured

OWNER: Final = "postgres"
"""The embedded server's superuser, which owns every database in it."""

_START_SECONDS_MAX: Final = 60
_PAUSE_SECONDS: Final = 0.05
_LOG_BYTES_MAX: Final = 10_000_000
# Letters beyond ASCII are letters only under a UTF-8 LC_CTYPE (text search asks the C library);
# order comes from the built-in provider, which is the same on every machine.
_CTYPE: Final = {"darwin": "en_US.UTF-8", "win32": "C"}.get(sys.platform, "C.UTF-8")
_SETTINGS: Final = ("timezone=UTC", "log_timezone=UTC", "max_connections=200", "jit=off")
_NOT_DURABLE: Final = ("fsync=off", "full_page_writes=off")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server listens: a folder with its Unix socket, or a port of 127.0.0.1."""

    socket: Path | None
    port: int | None


@dataclass(frozen=True, slots=True)
class _Running:
    pid: int
    endpoint: Endpoint
    status: str


class Cluster:
    """The server of one placement. The caller holds the lock that lets one process act."""

    def __init__(self, placement: Placement, *, durable: bool) -> None:
        self._place = placement
        self._durable = durable
        self._data = placement.cluster / "data"
        self._log = placement.cluster / "server.log"

    def ensure_running(self, password: str) -> tuple[Endpoint, int]:
        """Make and start what is missing; return where it listens and its process id."""
        if not self._data.exists():
            self._initialise(password)
        for _ in range(int(_START_SECONDS_MAX / _PAUSE_SECONDS)):
            running = self._running()
            if running is None or (not _answers(running.endpoint) and self._is_left_over(running)):
                self._start()
            elif running.status == "ready" and _answers(running.endpoint):
                return running.endpoint, running.pid
            time.sleep(_PAUSE_SECONDS)  # a killed command left it starting or stopping
        raise self._failure("did not become ready within a minute")

    def stop(self) -> None:
        """Stop the server, giving its clients no time; nothing is lost. No-op when stopped."""
        running = self._running()
        if running is None or not _answers(running.endpoint):
            return
        code, output = self._call("pg_ctl", "stop", "-D", self._data, "-m", "fast", "-w", "-t", 60)
        if code != 0 and self._running() is not None:
            raise Misconfigured(
                f"The embedded database did not stop: {_gist(output)}.",
                next_step=f"Its log is {self._log}; its process id is {running.pid}.",
            )

    def _initialise(self, password: str) -> None:
        # Made beside its place and renamed, so that a killed initdb leaves nothing half done.
        draft = self._place.cluster / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        words = self._place.cluster / f"initial-{secrets.token_hex(4)}.password"
        try:
            file = os.open(words, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "w", encoding="ascii") as out:
                if self._place.user is not None and sys.platform != "win32":
                    os.fchown(out.fileno(), self._place.user, self._place.group or -1)
                out.write(password)
            options = [f"--set={setting}" for setting in _SETTINGS]
            if not self._durable:
                options.append("--no-sync")
            code, output = self._call(
                *("initdb", "-D", draft, f"--username={OWNER}", f"--pwfile={words}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--locale=C", f"--lc-ctype={_CTYPE}", "--no-instructions", *options),
            )
            if code != 0:
                raise Misconfigured(
                    f"The embedded database could not be made: {_gist(output)}.",
                    next_step=_advice(output, self._place.cluster),
                )
            draft.rename(self._data)
        except OSError as error:
            raise Misconfigured(
                f"The embedded database could not be made: {error.strerror}.",
                next_step=_advice(str(error), self._place.cluster),
            ) from error
        finally:
            words.unlink(missing_ok=True)

    def _is_left_over(self, dead: _Running) -> bool:
        """Return whether nothing of the server is left but its lock files, and remove those.

        PostgreSQL sees to this itself, but takes a killed server for a living one where nobody
        collects dead processes, as in many containers, or where its number was given anew.
        """
        if not Path("/proc/self/cwd").exists():
            return True  # no Linux: PostgreSQL judges alone
        data = str(self._data.resolve())
        for folder in Path("/proc").glob("[0-9]*/cwd"):
            with suppress(OSError):  # gone, or another user's
                if os.readlink(folder) == data:
                    return False
        if dead.endpoint.socket is not None:
            (dead.endpoint.socket / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        return True

    def _start(self) -> None:
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES_MAX:
            self._log.replace(self._log.with_name("server.log.1"))
        code, _ = self._call(
            *("pg_ctl", "start", "-D", self._data, "-l", self._log, "-w"),
            *("-t", _START_SECONDS_MAX, "-o", self._options()),
        )
        if code != 0:
            raise self._failure("did not start")

    def _options(self) -> str:
        settings: list[str] = [*(() if self._durable else _NOT_DURABLE)]
        # A failed statement's details hold people's data, which has no place in a log.
        settings.append("log_error_verbosity=terse")
        if sys.platform == "win32":
            settings += ["listen_addresses=127.0.0.1", f"port={_free_port()}"]
            return " ".join(f'-c "{setting}"' for setting in settings)
        folder = str(self._socket_folder()).replace('"', '""')
        settings += ["listen_addresses=", "port=5432", f'unix_socket_directories="{folder}"']
        settings += ["unix_socket_permissions=0700"]
        return " ".join(f"-c {shlex.quote(setting)}" for setting in settings)

    def _socket_folder(self) -> Path:
        folder = self._place.cluster / "run"
        if socket_path_fits(folder) or sys.platform == "win32":
            return folder
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        short = Path(tempfile.gettempdir()) / f"hansa-{name}"
        short.mkdir(mode=0o700, exist_ok=True)
        found = short.lstat()
        if found.st_uid != os.geteuid() or found.st_mode & 0o170777 != 0o040700:
            raise Misconfigured(
                f"{short} should be a private folder for the database's socket and is not.",
                next_step="Remove it, or set HANSA_HOME to a shorter path.",
            )
        return short

    def _running(self) -> _Running | None:
        """Return what the server's own pid file says, or None when there is none (or half)."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        if len(lines) < 5:
            return None
        folder, status = lines[4].strip(), lines[7].strip() if len(lines) > 7 else ""
        path = Path(folder) if folder else None
        port = None if folder else int(lines[3])
        return _Running(abs(int(lines[0])), Endpoint(path, port), status)

    def _call(self, program: str, *arguments: object) -> tuple[int, str]:
        """Run one of the wheel's programs as the server's user; return exit code and output."""
        command = [str(self._place.programs / program), *map(str, arguments)]
        # A file, not a pipe: the started server keeps it open. Own session: no Ctrl-C reaches it.
        # No PG* variables of ours; the user's locale would only translate the messages.
        env = None if sys.platform == "win32" else {"PATH": os.defpath, "LC_ALL": "C"}
        with tempfile.TemporaryFile() as output:
            try:
                done = subprocess.run(  # noqa: S603  # programs of the wheel
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self._place.cluster,
                    env=env,
                    user=self._place.user,
                    group=self._place.group,
                    extra_groups=None if self._place.user is None else [],
                    start_new_session=True,
                    check=False,
                )
            except OSError as error:
                raise Misconfigured(
                    f"The embedded database's program {program} cannot run: {error.strerror}.",
                    next_step="Set HANSA_DATABASE_URL to a PostgreSQL of your own.",
                ) from error
            output.seek(0)
            return done.returncode, output.read().decode(errors="replace")

    def _failure(self, what: str) -> Misconfigured:
        try:
            log = self._log.read_text(encoding="utf-8", errors="replace")[-4000:]
        except OSError:
            log = ""
        return Misconfigured(
            f"The embedded database {what}: {_gist(log)}.", next_step=_advice(log, self._log)
        )


def _answers(endpoint: Endpoint) -> bool:
    try:
        if endpoint.port is not None:
            socket.create_connection(("127.0.0.1", endpoint.port), timeout=1).close()
        elif sys.platform != "win32":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1)
                probe.connect(f"{endpoint.socket}/.s.PGSQL.5432")
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _gist(output: str) -> str:
    """Return the last few different lines that say what went wrong, in one."""
    said = [re.sub(r"^.*?[A-Z]+:\s+", "", line).strip() for line in output.splitlines()]
    telling = [line for line in said if re.search(r"error|could not|invalid|must|exists", line)]
    last = list(dict.fromkeys(line for line in telling or said if line))[-3:]
    return "; ".join(last) or "it left no message"


def _advice(output: str, path: Path) -> str:
    if "No space left" in output:
        return "Free some disk space, or set HANSA_HOME to another disk."
    if re.search("Permission denied|Read-only", output):
        return f"Check who may write to {path}, or set HANSA_HOME elsewhere."
    return f"Look at {path}, or set HANSA_DATABASE_URL to a PostgreSQL of your own."
