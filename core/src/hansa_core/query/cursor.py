"""Cursors: where a page ended, sealed so that only the same caller, list and order can use it.

AES-256-GCM with the scope as associated data. The nonce is derived from scope and content, so the
same place has the same cursor, and two different contents never share a nonce.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, cast
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hansa_sdk import Invalid, LimitExceeded, Misconfigured

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
CURSOR_MAX: Final = 900_000
"""Characters of the longest cursor: it goes back in a request's body, of at most a megabyte."""


@dataclass(frozen=True, slots=True)
class CursorScope:
    """Everything a cursor is bound to: it opens for exactly this list and caller.

    `filter` is a digest of condition and search; `relation` names the relation that is listed. The
    record whose relation it is stands in the cursor itself.
    """

    tenant: UUID
    principal: str
    entity: str
    order: str
    filter: str
    relation: str = ""

    def bound(self) -> bytes:
        """Return the bytes the cursor is bound to."""
        return json.dumps([str(getattr(self, each.name)) for each in fields(self)]).encode()


class CursorSealer:
    """Seals and opens cursors with the installation's key for them (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise Misconfigured(
                f"The key for cursors has {len(key)} bytes; {_KEY_BYTES} are needed.",
                next_step="Restore the key file from its backup.",
            )
        self._cipher = AESGCM(hmac.digest(key, b"hansa cursor seal", hashlib.sha256))
        self._nonces = hmac.digest(key, b"hansa cursor nonce", hashlib.sha256)

    def seal(self, values: Sequence[object], scope: CursorScope) -> str:
        """Return the cursor of the record whose order values and id are `values`.

        Raises LimitExceeded for values too long to be sent back.
        """
        plain = json.dumps([_encoded(value) for value in values], ensure_ascii=False).encode()
        bound = scope.bound()
        digest = hashlib.sha256(bound).digest() + plain
        nonce = hmac.digest(self._nonces, digest, hashlib.sha256)[:_NONCE_BYTES]
        sealed = nonce + self._cipher.encrypt(nonce, plain, bound)
        cursor = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        if len(cursor) > CURSOR_MAX:
            raise LimitExceeded(
                f"The texts this list is ordered by make a cursor of {len(cursor):,} characters; "
                f"at most {CURSOR_MAX:,} can be sent back.",
                next_step="Order by fields with shorter texts.",
                path=("orderBy",),
            )
        return cursor

    def open(self, cursor: str, scope: CursorScope) -> tuple[object, ...]:
        """Return the values of a cursor.

        Raises Invalid for one that was changed, or made for another caller, list, filter or order.
        """
        try:
            if len(cursor) > CURSOR_MAX:
                raise ValueError
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
            nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            plain = self._cipher.decrypt(nonce, rest, scope.bound())
        except (InvalidTag, Base64Error, ValueError) as error:
            raise Invalid(
                "The cursor does not belong to this list, filter and order.",
                next_step="Take the cursor from a page asked with the same arguments.",
            ) from error
        return tuple(_decoded(*each) for each in cast("list[tuple[str, str]]", json.loads(plain)))


_MICROSECOND: Final = timedelta(microseconds=1)

_DECODERS: Final[Mapping[str, Callable[[str], object]]] = {
    "0": lambda _: None,
    "b": lambda text: text == "1",
    "i": int,
    "n": Decimal,
    "s": str,
    "u": UUID,
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
    "p": lambda text: int(text) * _MICROSECOND,
}


def _encoded(value: object) -> tuple[str, str]:
    """Return a value's type and its one spelling."""
    match value:
        case None:
            return "0", ""
        case bool():
            return "b", "1" if value else "0"
        case int():
            return "i", str(int(value))
        case Decimal():
            return "n", str(value)
        case str():
            return "s", str.__str__(value)
        case UUID():
            return "u", str(value)
        case datetime():
            return "t", value.astimezone(UTC).isoformat(timespec="microseconds")
        case date():
            return "d", value.isoformat()
        case timedelta():
            return "p", str(value // _MICROSECOND)
        case _:
            raise TypeError(f"a cursor holds no {type(value).__name__}")


def _decoded(kind: str, text: str) -> object:
    return _DECODERS[kind](text)
