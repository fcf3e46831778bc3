"""The embedded PostgreSQL: started by the first command that needs it, stopped by the last.

`hansa` commands of one HANSA_HOME share one server. Each holds a shared lock while it works, which
the kernel drops even after kill -9; the command that can take the lock alone is the last one and
stops the server. A server left behind by a killed command is found and used by the next.

Only the wheel's programs are used, not its Python layer, which opens every parent folder to all
users when run by root. Tried on Linux, as root and not; macOS takes the same path; Windows (TCP on
127.0.0.1 instead of a Unix socket) is written but untried.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from hansa_core.settings import make_home, secret_file
from hansa_core.storage.embedded.cluster import OWNER, Cluster, Endpoint
from hansa_core.storage.embedded.locks import FileLock
from hansa_core.storage.embedded.placement import forget_place, place
from hansa_sdk.errors import HansaError, Misconfigured

__all__ = ["EmbeddedServer", "destroy", "embedded", "starting"]


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running embedded server; `pid` is its main process."""

    endpoint: Endpoint
    pid: int
    _password: str = field(repr=False)

    def url(self, database: str = "postgres", user: str = OWNER, password: str = "") -> str:
        """Return the address of `database`, as the owner or as another login."""
        secret = quote(self._password if user == OWNER else password, safe="")
        login = f"{quote(user, safe='')}:{secret}"
        name = quote(database, safe="")
        if self.endpoint.port is not None:
            return f"postgresql://{login}@127.0.0.1:{self.endpoint.port}/{name}"
        return f"postgresql://{login}@/{name}?{urlencode({'host': str(self.endpoint.socket)})}"


@contextmanager
def embedded(home: Path, *, durable: bool = True) -> Generator[EmbeddedServer]:
    """Run the embedded server of `home` (or join it) until the block ends.

    `durable=False` makes a server that is started here forget what a power cut catches; for tests.
    Blocks for some seconds at the first start, about one at later ones. Raises Misconfigured when
    the server cannot be set up or started, Busy when another command holds it up for too long.
    """
    folder = _own_folder(home)
    users = FileLock(folder / "users.lock")
    gate = FileLock(folder / "gate.lock")
    try:
        password = secret_file(folder / "owner.password")
        with gate.exclusive():
            cluster = Cluster(place(folder), durable=durable)
            endpoint, pid = cluster.ensure_running(password)
            users.share()
        try:
            yield EmbeddedServer(endpoint, pid, password)
        finally:
            with gate.exclusive():
                users.release()
                if users.try_exclusive():
                    cluster.stop()
                    users.release()
    finally:
        users.close()
        gate.close()


@contextmanager
def starting(home: Path) -> Generator[Callable[[], EmbeddedServer]]:
    """Do what `embedded` does, its start in the background; what is given waits for the server.

    A start that failed raises there.
    """
    with ExitStack() as running, ThreadPoolExecutor(max_workers=1) as thread:
        server = thread.submit(running.enter_context, embedded(home))
        yield server.result


def destroy(home: Path) -> None:
    """Delete the embedded server of `home` with all its data.

    Raises Misconfigured while a command still uses it.
    """
    folder = home / "postgres"
    if not folder.is_dir():
        return
    users = FileLock(folder / "users.lock")
    gate = FileLock(folder / "gate.lock")
    try:
        with gate.exclusive():
            if not users.try_exclusive():
                raise Misconfigured(
                    f"The embedded database under {home} is in use.",
                    next_step="Stop the other hansa commands first.",
                )
            placement = place(folder)
            with suppress(HansaError):
                Cluster(placement, durable=True).stop()
            shutil.rmtree(placement.cluster)
            forget_place(folder)
    finally:
        users.close()
        gate.close()


def _own_folder(home: Path) -> Path:
    make_home(home)
    folder = home / "postgres"
    make_home(folder)
    return folder
