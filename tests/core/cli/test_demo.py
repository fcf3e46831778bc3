"""`hansa demo`: a program of its own on an embedded server of its own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg
import pytest
from psycopg import sql

from hansa_core.storage.embedded import destroy, embedded
from hansa_core.testing.waiting import wait_until
from tests.core.cli.conftest import environment, run_program

_START_SECONDS_MAX = 60


@dataclass(frozen=True)
class Demo:
    """A demo that answers requests, and what it printed."""

    process: subprocess.Popen[str]
    address: str
    password: str
    key: str


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("demo") / "home"
    yield folder
    destroy(folder)


@contextmanager
def demo(home: Path, *arguments: str) -> Generator[Demo]:
    """Run the demo for a block and stop it as Ctrl-C does."""
    log = home.with_name("demo.log")
    with log.open("w") as file:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("hansa"), "demo", "--port", "0", *arguments],
            env=environment(home),
            stdout=file,
            stderr=file,
            text=True,
        )
    try:

        def printed() -> str:
            text = log.read_text()
            assert process.poll() is None, text
            return text if "/graphql" in text else ""

        text = wait_until(printed, timeout_seconds=_START_SECONDS_MAX, what="the demo's address")
        found = [re.search(rf"{name} +(\S+)", text) for name in ("at", "Password", "key")]
        address, password, key = (match[1] if match else "" for match in found)
        yield Demo(process, address, password, key)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def answered(demo: Demo, query: str, key: str) -> dict[str, object]:
    request = urllib.request.Request(  # noqa: S310  # our own address
        f"{demo.address}/graphql",
        json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310  # our own address
        answer = json.load(response)
    assert "errors" not in answer, answer
    return cast("dict[str, object]", answer["data"])


def test_demo_refuses_a_database_it_did_not_make(home: Path) -> None:
    with embedded(home) as server, psycopg.connect(server.url(), autocommit=True) as owner:
        owner.execute("CREATE DATABASE hansa_demo")
        with psycopg.connect(server.url("hansa_demo"), autocommit=True) as other:
            other.execute("CREATE TABLE precious (id int)")
        for arguments in (("demo", "--port", "0"), ("demo", "--port", "0", "--reset")):
            refused = run_program(home, *arguments)
            assert (refused.code, "was not made by `hansa demo`" in refused.err) == (2, True)
        with psycopg.connect(server.url("hansa_demo"), autocommit=True) as other:
            assert other.execute("SELECT count(*) FROM precious").fetchone() == (0,)
        owner.execute("DROP DATABASE hansa_demo WITH (FORCE)")


def test_demo_serves_and_other_commands_act_on_it(home: Path, sample_data: Path) -> None:
    with demo(home) as first:
        with urllib.request.urlopen(f"{first.address}/health", timeout=10) as response:  # noqa: S310  # our own address
            assert response.status == 200
        made = run_program(home, "key", "create", "--user", "admin@demo.example", "--json")
        assert made.code == 0, made.err
        key = json.loads(made.out)["key"]
        for each in (first.key, key):
            assert answered(first, "{ me { email } }", each) == {
                "me": {"email": "admin@demo.example"}
            }
        file = sample_data / "northwind" / "suppliers.csv"
        imported = run_program(
            home, "import", str(file), "--entity", "contacts.party", "--by", "external_id", "--json"
        )
        assert (imported.code, json.loads(imported.out)["created"]) == (0, 29), imported.err
        where = '{source: {eq: "suppliers"}, kind: {eq: ORGANISATION}}'
        found = answered(first, f"{{ contactsParties(where: {where}) {{ totalCount }} }}", key)
        assert found == {"contactsParties": {"totalCount": 29}}

        again = run_program(home, "demo", "--port", "0")
        assert (again.code, "is running" in again.err) == (2, True)
        port = first.address.rpartition(":")[2]
        taken = run_program(home, "demo", "--port", port)
        assert (taken.code, "Cannot listen on 127.0.0.1" in taken.err) == (2, True)
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(30) == 130

    stopped = run_program(home, "key", "list")
    assert (stopped.code, "hansa init" in stopped.err) == (2, True)

    with demo(home) as second:
        assert (second.password, second.key) == (first.password, first.key)
        assert answered(second, "{ me { email } }", key) == {"me": {"email": "admin@demo.example"}}
        second.process.send_signal(signal.SIGTERM)
        assert second.process.wait(30) == 128 + signal.SIGTERM


def test_demo_brings_companies_made_beside_it_up_too(home: Path) -> None:
    with demo(home):
        made = run_program(home, "tenant", "create", "beside", "--plugin", "contacts")
        assert made.code == 0, made.err
        assert made.err == ""
    may = (
        "SELECT has_table_privilege(role_name, 't_beside.system_event', 'DELETE')"
        " FROM hansa.tenant WHERE slug = 'beside'"
    )
    with (
        embedded(home) as server,
        psycopg.connect(server.url("hansa_demo"), autocommit=True) as owner,
    ):
        role = owner.execute("SELECT role_name FROM hansa.tenant WHERE slug = 'beside'").fetchone()
        assert role is not None
        grant = sql.SQL("GRANT DELETE ON t_beside.system_event TO {}")
        owner.execute(grant.format(sql.Identifier(role[0])))
        assert owner.execute(may).fetchone() == (True,)
        with demo(home):
            assert owner.execute(may).fetchone() == (False,)


def test_demo_begins_anew_when_reset(home: Path) -> None:
    with demo(home) as before:
        query = "{ contactsParties { totalCount } }"
        old = answered(before, query, before.key)
        made = run_program(home, "tenant", "create", "acme", "--plugin", "contacts")
        assert made.code == 0, made.err
    with demo(home, "--reset") as after:
        assert after.key != before.key
        assert answered(after, query, after.key) is not None
        listed = run_program(home, "tenant", "list", "--json")
        assert [each["slug"] for each in json.loads(listed.out)] == ["main"]
    assert old
