"""Typed settings, read once from the environment, and the secret files beside them."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from platformdirs import user_data_path

from hansa_sdk.errors import Misconfigured

SECRET_BYTES: Final = 32
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Settings:
    """What this installation was told: where its data lives and how it is reached.

    `database_url` is the owner's; None means the embedded server under `home`.
    `app_database_url` replaces the application login the kernel would make itself. `debug` shows
    tracebacks of unexpected failures instead of writing them to a file. Peers in
    `trusted_proxies` are believed how and by whom they were reached.
    """

    home: Path
    database_url: str | None = field(default=None, repr=False)
    app_database_url: str | None = field(default=None, repr=False)
    configured_key: bytes | None = field(default=None, repr=False)
    trusted_proxies: tuple[Network, ...] = ()
    debug: bool = False

    @classmethod
    def read(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read and check HANSA_* from `env` (default: the process's environment).

        Raises Misconfigured naming the variable, what it must be and what to do. An empty
        variable counts as not set.
        """
        source = os.environ if env is None else env
        home = source.get("HANSA_HOME")
        return cls(
            home=_folder(home) if home else user_data_path("hansa"),
            database_url=_database_url(source, "HANSA_DATABASE_URL"),
            app_database_url=_database_url(source, "HANSA_APP_DATABASE_URL"),
            configured_key=_secret_key(source.get("HANSA_SECRET_KEY", "")),
            trusted_proxies=_networks(source.get("HANSA_TRUSTED_PROXIES", "")),
            debug=source.get("HANSA_DEBUG", "") not in ("", "0"),
        )

    def secret_key(self) -> bytes:
        """Return the installation's 32-byte key: HANSA_SECRET_KEY, else a file under `home`.

        Raises Misconfigured when the file cannot be read or written, or holds something else.
        """
        if self.configured_key is not None:
            return self.configured_key
        path = self.home / "secret-key"
        return _decoded_key(secret_file(path), str(path))


def make_home(home: Path) -> None:
    """Create the data folder when missing, closed to other users.

    Started by root it may be entered but not listed, so that the embedded server, which must not
    run as root, reaches its own folder inside. Raises Misconfigured when the disk refuses.
    """
    mode = 0o711 if hasattr(os, "geteuid") and os.geteuid() == 0 else 0o700
    try:
        if not home.is_dir():
            home.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"The data folder {home} cannot be made: {error.strerror}.",
            next_step="Set HANSA_HOME to a folder you may write to.",
        ) from error


def secret_file(path: Path) -> str:
    """Return the secret in `path`, made of 32 random bytes (base64) when there is none.

    The file is readable by its owner only and appears whole: of several processes that start at
    once one makes it, and all return the same value. Raises Misconfigured when the file can be
    read by others, is empty, or the disk refuses.
    """
    try:
        if not path.exists():
            make_home(path.parent)
            _create_secret(path)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise Misconfigured(
                f"The secret in {path} can be read by other users of this machine.",
                next_step=f"Run `chmod 600 {path}`, and replace the secret if they are strangers.",
            )
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(
            f"The secret file {path} cannot be used: {error}.",
            next_step="Check the folder's owner and free space, or set HANSA_HOME elsewhere.",
        ) from error
    if not text:
        raise Misconfigured(
            f"The secret file {path} is empty.",
            next_step="Restore it from your backup; what it encrypted is lost without it.",
        )
    return text


def _create_secret(path: Path) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(SECRET_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces a file another process made meanwhile, as a rename would.
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def _folder(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise Misconfigured(
            f"HANSA_HOME must be a folder; {path} is a file.",
            next_step="Set HANSA_HOME to a folder you may write to.",
        )
    return path


def _database_url(source: Mapping[str, str], name: str) -> str | None:
    url = source.get(name, "").strip()
    if not url:
        return None
    expected = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises on a port that is no number
    except ValueError as error:
        raise Misconfigured(
            f"{name} must look like {expected}; it is no address: {error}.",
            next_step="Correct it, or unset it to use the embedded server.",
        ) from error
    if parts.scheme not in {"postgresql", "postgres"}:
        raise Misconfigured(
            f"{name} must begin with postgresql://, found {parts.scheme or 'no scheme'}.",
            next_step=f"Write it as {expected}.",
        )
    if not parts.path.strip("/"):
        raise Misconfigured(f"{name} names no database.", next_step=f"Write it as {expected}.")
    return "postgresql" + url[len(parts.scheme) :]


def _secret_key(text: str) -> bytes | None:
    return _decoded_key(text, "HANSA_SECRET_KEY") if text.strip() else None


def _decoded_key(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != SECRET_BYTES:
        raise Misconfigured(
            f"{where} must hold {SECRET_BYTES} bytes in base64.",
            next_step="Make one with `openssl rand -base64 32`.",
        )
    return key


def _networks(text: str) -> tuple[Network, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    try:
        return tuple(ipaddress.ip_network(name) for name in names)
    except ValueError as error:
        raise Misconfigured(
            f"HANSA_TRUSTED_PROXIES must list addresses or networks: {error}.",
            next_step="Write them like 10.0.0.0/8, 127.0.0.1.",
        ) from error
