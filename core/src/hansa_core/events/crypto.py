"""Personal values in events: encrypted under a key of the person they are about.

A subject's key is stored wrapped under the master key; who destroys it erases every such value in
the ledger at once, and the hash chain, which covers ciphertext, stays whole. Unwrapped keys are
never kept: a key that another process erased is gone here at once, and unwrapping is cheap.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from enum import Enum
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hansa_core.events.canonical import Plain, canonical_bytes, parse_canonical
from hansa_sdk.errors import HansaError, Misconfigured

ENCRYPTED: Final = "$enc"
"""The key that marks an encrypted value's JSON form; no event value may use it itself."""

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_KEY_ID_BYTES: Final = 6


class Unreadable(HansaError):
    """An encrypted value or key was changed, or belongs to another place or master key."""

    code = "unreadable"


class Erasure(Enum):
    """The one answer for a value whose subject's key is destroyed."""

    ERASED = "erased"


ERASED: Final = Erasure.ERASED


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """The record of the person a value is about: the entity's name and the record's id."""

    entity: str
    record_id: UUID


@dataclass(frozen=True, slots=True)
class Place:
    """Where an encrypted value stands; it cannot be decrypted anywhere else."""

    tenant_id: UUID
    event_id: UUID
    entity: str | None
    record_id: UUID | None
    field: str

    def bound(self) -> bytes:
        """Return the bytes the ciphertext is bound to."""
        return canonical_bytes(
            [self.tenant_id, self.event_id, self.entity, self.record_id, self.field]
        )


class SubjectKey:
    """The unwrapped key of one subject. Never stored, never kept past a transaction."""

    def __init__(self, subject: Subject, key: bytes) -> None:
        self.subject = subject
        self._cipher = AESGCM(key)
        self._key_id = hashlib.sha256(b"hansa subject key id" + key).digest()[:_KEY_ID_BYTES]

    def encrypt(self, value: object, place: Place) -> dict[str, Plain]:
        """Return the JSON form of `value`, readable only with this key at `place`.

        Raises Invalid when an event cannot hold `value`.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, canonical_bytes(value), place.bound())
        blob = base64.b64encode(self._key_id + nonce + sealed).decode()
        return {ENCRYPTED: blob, "s": [self.subject.entity, str(self.subject.record_id)]}

    def decrypt(self, form: Plain, place: Place) -> Plain | Erasure:
        """Return the value of the JSON `form`; ERASED when an earlier, destroyed key wrote it.

        Raises Unreadable when the form was changed or stood at another place.
        """
        try:
            if not isinstance(form, dict):
                raise TypeError
            blob = base64.b64decode(str(form[ENCRYPTED]), validate=True)
            key_id, rest = blob[:_KEY_ID_BYTES], blob[_KEY_ID_BYTES:]
            if key_id != self._key_id:
                return ERASED
            nonce, sealed = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
            return parse_canonical(self._cipher.decrypt(nonce, sealed, place.bound()))
        except (InvalidTag, ValueError, KeyError, TypeError) as error:
            raise Unreadable(
                f"The encrypted value {place.field} of event {place.event_id} does not decrypt.",
                next_step="Run `hansa verify`: the ledger or a key was changed.",
            ) from error


class Keyring:
    """Makes and opens subjects' keys with the installation's master key (32 bytes)."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != _KEY_BYTES:
            raise Misconfigured(
                f"The master key has {len(master_key)} bytes; {_KEY_BYTES} are needed.",
                next_step="Restore the key file from its backup.",
            )
        self._master = AESGCM(master_key)

    def new_wrapped_key(self, tenant_id: UUID, subject: Subject) -> bytes:
        """Return a fresh key for `subject`, wrapped for storing."""
        nonce = os.urandom(_NONCE_BYTES)
        key = os.urandom(_KEY_BYTES)
        return nonce + self._master.encrypt(nonce, key, _key_bound(tenant_id, subject))

    def unwrap(self, tenant_id: UUID, subject: Subject, wrapped: bytes) -> SubjectKey:
        """Open the stored key of `subject`.

        Raises Unreadable when it is another tenant's or subject's, or the master key is another.
        """
        nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            key = self._master.decrypt(nonce, sealed, _key_bound(tenant_id, subject))
        except (InvalidTag, ValueError) as error:
            raise Unreadable(
                f"The key of {subject.entity} {subject.record_id} does not open.",
                next_step="Restore the master key this database was written with.",
            ) from error
        return SubjectKey(subject, key)


def encrypted_subject(value: Plain) -> Subject | None:
    """Return whose key opens `value`, or None when it is not an encrypted value."""
    match value:
        case {"$enc": str(), "s": [str() as entity, str() as record_id]}:
            return Subject(entity, UUID(record_id))
        case _:
            return None


def _key_bound(tenant_id: UUID, subject: Subject) -> bytes:
    return canonical_bytes([tenant_id, subject.entity, subject.record_id])
