"""The embedded server: shared by commands, stopped by the last, found again after kill -9."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import asyncpg
import psycopg
import pytest

from hansa_core.storage.embedded import destroy, embedded, starting
from hansa_core.storage.embedded.locks import FileLock
from hansa_core.storage.embedded.placement import place
from hansa_core.testing.waiting import wait_until
from hansa_sdk.errors import Misconfigured

HOLDER = """
import sys
from pathlib import Path
from hansa_core.storage.embedded import embedded
with embedded(Path(sys.argv[1]), durable=False) as server:
    print(server.pid, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def home() -> Generator[Path]:
    with short_home() as folder:
        yield folder


@contextmanager
def short_home() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="hansa-test-") as name:
        folder = Path(name) / "home"
        try:
            yield folder
        finally:
            destroy(folder)


def start_holder(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def read_pid(holder: subprocess.Popen[str]) -> int:
    assert holder.stdout is not None
    return int(holder.stdout.readline())


def finish(holder: subprocess.Popen[str]) -> None:
    holder.communicate("\n", timeout=60)
    assert holder.returncode == 0


def runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return status != "Z"


def use_as(user: int, home: Path, answer: Connection) -> None:
    os.setgid(user)
    os.setuid(user)
    with embedded(home, durable=False) as server:
        answer.send((os.stat(f"/proc/{server.pid}").st_uid, server.endpoint.socket))


async def test_server_keeps_its_data_when_started_again(home: Path) -> None:
    with embedded(home, durable=False) as first:
        with psycopg.connect(first.url()) as connection:
            connection.execute("CREATE TABLE note AS SELECT 'Ünal' AS word")
    assert not runs(first.pid)

    with embedded(home, durable=False) as second:
        reader = await asyncpg.connect(second.url())
        row = await reader.fetchrow(
            "SELECT word, to_tsvector('simple', word) @@ 'ünal', lower(word) FROM note"
        )
        await reader.close()
    assert tuple(row or ()) == ("Ünal", True, "ünal")


def test_server_listens_on_no_port_and_asks_for_the_password(home: Path) -> None:
    with embedded(home, durable=False) as server:
        with psycopg.connect(server.url()) as connection:
            listening = connection.execute("SHOW listen_addresses").fetchone()
            checksums = connection.execute("SHOW data_checksums").fetchone()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url().replace("postgres:", "postgres:no", 1))

    assert listening == ("",)
    assert checksums == ("on",)


def test_secrets_and_data_are_closed_to_others(home: Path) -> None:
    with embedded(home, durable=False) as server:
        assert server.endpoint.socket is not None
        closed = [server.endpoint.socket, server.endpoint.socket.parent / "data"]
        for folder in closed:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for name in ("owner.password", "users.lock", "gate.lock"):
            assert stat.S_IMODE((home / "postgres" / name).stat().st_mode) == 0o600


def test_last_command_out_stops_the_server(home: Path) -> None:
    first = start_holder(home)
    pid = read_pid(first)
    second = start_holder(home)
    assert read_pid(second) == pid

    finish(first)
    assert runs(pid)
    finish(second)
    assert not runs(pid)


def test_next_command_takes_over_after_kill_9_and_stops_it(home: Path) -> None:
    holder = start_holder(home)
    pid = read_pid(holder)
    holder.kill()
    holder.communicate()
    assert runs(pid)

    with embedded(home, durable=False) as server:
        assert server.pid == pid
    assert not runs(pid)


def test_server_recovers_after_kill_9_of_itself(home: Path) -> None:
    with embedded(home, durable=False) as server:
        with psycopg.connect(server.url()) as connection:
            connection.execute("CREATE TABLE note (id int)")
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not runs(server.pid), what="the server's end")

        with embedded(home, durable=False) as again:
            assert again.pid != server.pid
            with psycopg.connect(again.url()) as connection:
                assert connection.execute("SELECT count(*) FROM note").fetchone() == (0,)


def test_concurrent_first_starts_share_one_server(home: Path) -> None:
    holders = [start_holder(home) for _ in range(4)]
    pids = {read_pid(holder) for holder in holders}
    for holder in holders:
        finish(holder)

    assert len(pids) == 1
    assert not runs(pids.pop())


def test_ctrl_c_at_the_command_does_not_reach_the_server(home: Path) -> None:
    holder = start_holder(home)
    pid = read_pid(holder)

    assert os.getsid(pid) != os.getsid(holder.pid)
    assert os.getpgid(pid) != os.getpgid(holder.pid)
    finish(holder)


def test_start_says_why_when_the_server_refuses(home: Path) -> None:
    with embedded(home, durable=False):
        pass
    data = place(home / "postgres").cluster / "data"
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = 'many'\n")

    with pytest.raises(Misconfigured, match="shared_buffers") as caught:
        with embedded(home):
            raise AssertionError("it must not start")
    assert "server.log" in caught.value.next_step


def test_start_says_why_when_the_home_is_no_folder(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    with pytest.raises(Misconfigured, match=r"cannot be made") as caught:
        with embedded(blocked / "home"):
            raise AssertionError("it must not start")
    assert "HANSA_HOME" in caught.value.next_step


def test_server_started_in_the_background_is_stopped_with_the_block(home: Path) -> None:
    with starting(home) as server:
        with psycopg.connect(server().url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert server() == server()
    with pytest.raises(ZeroDivisionError), starting(home):
        raise ZeroDivisionError  # before the server is up
    data = place(home / "postgres").cluster / "data"
    assert not (data / "postmaster.pid").exists()


def test_start_in_the_background_says_why_when_it_is_waited_for(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with starting(blocked / "home") as server:
        with pytest.raises(Misconfigured, match="cannot be made"):
            server()


def test_parent_folders_keep_their_modes(home: Path) -> None:
    home.parent.chmod(0o700)
    home.mkdir(mode=0o700)

    with embedded(home, durable=False) as server:
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_long_home_path_still_gets_a_socket() -> None:
    with short_home() as folder:
        with embedded(folder / ("long" * 20), durable=False) as server:
            with psycopg.connect(server.url()) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        destroy(folder / ("long" * 20))


def test_ordinary_user_runs_his_own_server() -> None:
    if os.geteuid() != 0:
        return  # all other tests ran as an ordinary user
    user = 65534
    with tempfile.TemporaryDirectory(prefix="hansa-test-") as name:
        os.chown(name, user, user)
        ours, theirs = multiprocessing.Pipe()
        target = Path(name) / ("long" * 20) / "home"
        process = multiprocessing.get_context("fork").Process(
            target=use_as, args=(user, target, theirs)
        )
        process.start()
        process.join(60)

        assert process.exitcode == 0
        owner, socket = ours.recv()
        assert owner == user
        assert len(str(socket)) < 100
        assert (target / "postgres" / "cluster" / "data" / "PG_VERSION").exists()
        socket.rmdir()


def test_destroy_refuses_while_a_command_uses_it(home: Path) -> None:
    with embedded(home, durable=False) as server:
        with pytest.raises(Misconfigured, match="in use"):
            destroy(home)
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    destroy(home)
    with embedded(home, durable=False) as server:
        assert server.pid


def test_missing_data_is_not_replaced_by_an_empty_database(home: Path) -> None:
    if os.geteuid() != 0:
        return  # only root's server is ever placed elsewhere
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "place").write_text("/nowhere/at/all\n")

    with pytest.raises(Misconfigured, match="/nowhere/at/all"):
        with embedded(home):
            raise AssertionError("it must not start")
    (home / "postgres" / "place").unlink()


def test_file_lock_waits_for_the_one_who_holds_it(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    order: list[str] = []

    def wait() -> None:
        with second.exclusive():
            order.append("second")

    with first.exclusive():
        waiter = threading.Thread(target=wait)
        waiter.start()
        assert not second.try_exclusive()
        order.append("first")
    waiter.join(10)

    assert order == ["first", "second"]
