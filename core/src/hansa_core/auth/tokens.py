"""Secrets a client presents: how they are made, recognised and stored (as a hash only)."""

from __future__ import annotations

import binascii
import hashlib
import re
import secrets
import string
from dataclasses import dataclass, field
from typing import Final

from hansa_sdk import Unauthenticated

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH: Final = 43  # 256 bits in base 62
_CHECKSUM_LENGTH: Final = 6
_KEY: Final = re.compile(
    r"hansa_(?P<tenant>[a-z][a-z0-9-]{0,30})_"
    rf"[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECKSUM_LENGTH}}}",
    re.ASCII,
)
_TOKEN_LENGTH_MAX: Final = 200
PREFIX_LENGTH: Final = 4
"""How many of a key's random characters may be shown, to tell keys apart."""


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """An API key as a client sent it, and the tenant it says it is for."""

    token: str = field(repr=False)
    tenant: str


@dataclass(frozen=True, slots=True)
class SessionCredential:
    """The token of a session as a browser sent it."""

    token: str = field(repr=False)


Credential = KeyCredential | SessionCredential


def refused() -> Unauthenticated:
    """Return the one answer to whoever is not let in, whatever the reason."""
    return Unauthenticated(
        "You are not signed in, or your session or key is no longer good.",
        next_step="Sign in again, or send another API key as `Authorization: Bearer KEY`.",
    )


def read_credential(authorization: str | None, session_token: str | None) -> Credential:
    """Return what the client presents; a key goes before a session.

    Raises Unauthenticated when there is neither, or the header holds no key of ours.
    """
    if authorization is not None:
        return read_key_header(authorization)
    if not session_token or len(session_token) > _TOKEN_LENGTH_MAX:
        raise refused()
    return SessionCredential(session_token)


def read_key_header(authorization: str) -> KeyCredential:
    """Return the key of an `Authorization` header; raises Unauthenticated where it holds none."""
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise refused()
    return read_key(token.strip())


def new_key(tenant: str) -> str:
    """Make a key of 256 random bits for the tenant with slug `tenant`, with a checksum.

    The checksum tells a mistyped key from a wrong one, and lets scanners find keys in files.
    """
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    body = f"hansa_{tenant}_{random}"
    return body + _checksum(body)


def read_key(token: str) -> KeyCredential:
    """Recognise a key; raises Unauthenticated when it was not made by `new_key`."""
    match = _KEY.fullmatch(token) if len(token) <= _TOKEN_LENGTH_MAX else None
    if match is None or _checksum(token[:-_CHECKSUM_LENGTH]) != token[-_CHECKSUM_LENGTH:]:
        raise refused()
    return KeyCredential(token, match["tenant"])


def key_prefix(token: str) -> str:
    """Return the part of a key that may be shown."""
    return token[: len(token) - _RANDOM_LENGTH - _CHECKSUM_LENGTH + PREFIX_LENGTH]


def new_session_token() -> str:
    """Make the secret of a session: 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Return what is stored of a token. It is random, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def _checksum(text: str) -> str:
    number, digits = binascii.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
