"""Settings: what the environment may say, and secret files that several processes make at once."""

from __future__ import annotations

import base64
import multiprocessing
import os
from pathlib import Path

import pytest

from hansa_core.settings import Settings, secret_file
from hansa_sdk.errors import Misconfigured

KEY = base64.b64encode(bytes(range(32))).decode()


def test_read_without_variables_uses_the_embedded_server() -> None:
    settings = Settings.read({})

    assert settings.database_url is None
    assert settings.home.name == "hansa"


def test_read_takes_every_variable(tmp_path: Path) -> None:
    settings = Settings.read(
        {
            "HANSA_HOME": str(tmp_path),
            "HANSA_DATABASE_URL": "postgres://me:secret@db:5433/books",
            "HANSA_APP_DATABASE_URL": "postgresql://app:other@db/books",
            "HANSA_SECRET_KEY": KEY,
            "HANSA_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
        }
    )

    assert settings.home == tmp_path
    assert settings.database_url == "postgresql://me:secret@db:5433/books"
    assert settings.secret_key() == bytes(range(32))
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert "secret" not in repr(settings)
    assert "other" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HANSA_DATABASE_URL", "mysql://me@db/books"),
        ("HANSA_DATABASE_URL", "postgresql://me@db"),
        ("HANSA_APP_DATABASE_URL", "postgresql://me@db:port/books"),
        ("HANSA_SECRET_KEY", "too short"),
        ("HANSA_SECRET_KEY", base64.b64encode(b"31 bytes are not enough bytes..").decode()),
        ("HANSA_TRUSTED_PROXIES", "the proxy"),
        ("HANSA_HOME", __file__),
    ],
)
def test_read_refuses_a_bad_value_and_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name) as caught:
        Settings.read({name: value})

    assert caught.value.next_step


def test_secret_file_keeps_its_value_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"

    assert secret_file(path) == secret_file(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_secret_key_is_made_once_under_home(tmp_path: Path) -> None:
    settings = Settings.read({"HANSA_HOME": str(tmp_path / "home")})

    assert len(settings.secret_key()) == 32
    assert settings.secret_key() == Settings.read({"HANSA_HOME": str(settings.home)}).secret_key()


def test_secret_file_is_one_value_when_processes_race(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")  # a fork of many threads may never run
    with context.Pool(8) as pool:
        for round_number in range(20):
            path = tmp_path / str(round_number) / "secret"
            assert len(set(pool.map(secret_file, [path] * 8))) == 1
            assert os.listdir(path.parent) == ["secret"]


def test_secret_file_refuses_one_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret_file(path)
    path.chmod(0o644)

    with pytest.raises(Misconfigured, match="other users"):
        secret_file(path)


def test_secret_key_refuses_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    path.write_text("")
    path.chmod(0o600)

    with pytest.raises(Misconfigured, match="is empty"):
        Settings.read({"HANSA_HOME": str(tmp_path)}).secret_key()
