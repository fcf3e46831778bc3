"""How the database fails: broken rules of a statement, and a server that does not answer."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import asyncpg

from hansa_sdk.errors import Busy, HansaError, Invalid, LimitExceeded, Unavailable

UNIQUE: Final = "unique"
FOREIGN_KEY: Final = "foreign_key"
OTHER: Final = ""

FAILURES: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What a statement may fail with when server or connection are at fault."""

RETRYABLE: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""What a transaction is repeated for, from its start."""

_AGAIN: Final = "Try again in a moment."
_RETRY_AFTER: Final = {"retry_after_seconds": 1}
_AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, crash, starting up
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientResourcesError,  # disk, memory, connections
    asyncpg.PostgresSystemError,
    asyncpg.InternalClientError,  # asyncpg tripping over a connection that ended under it
    OSError,
)
_GONE: Final = ("connection is closed", "released back to the pool", "pool is clos")
"""How asyncpg tells of a connection that ended; it has no class for them."""
_TOO_LARGE: Final = "invalid memory alloc request size"
"""What PostgreSQL says under its code for bugs where a value would have more than 1 GB."""


class TransactionBroken(HansaError):
    """A transaction was to go on, or be committed, in which a statement had failed unnoticed."""

    code = "transaction_broken"


def refusal_kind(error: BaseException | None) -> str:
    """Return UNIQUE or FOREIGN_KEY for those violations, else OTHER."""
    if isinstance(error, asyncpg.UniqueViolationError):
        return UNIQUE
    if isinstance(error, (asyncpg.ForeignKeyViolationError, asyncpg.RestrictViolationError)):
        return FOREIGN_KEY
    return OTHER


def translated(error: Exception) -> HansaError | None:
    """Return what a failure of the database means to the person who waits for the answer.

    None for what others tell better (violations), what is retried, and mistakes in statements.
    """
    if isinstance(error, asyncpg.InFailedSQLTransactionError):
        return broken()
    if isinstance(error, asyncpg.LockNotAvailableError):
        return busy("Another change to the same records is still under way.")
    # A time limit of the connection itself is an OSError too, so it is looked at first.
    if isinstance(error, (asyncpg.QueryCanceledError, TimeoutError)):
        return Busy(
            "The database took longer than it may.",
            next_step="Try again in a moment, or ask for less at once.",
            params=_RETRY_AFTER,
        )
    if isinstance(error, (asyncpg.DataError, asyncpg.InterfaceError)) and _is_value(error):
        return Invalid(
            f"The database cannot hold a value: {_first_line(error)}.",
            next_step="Check numbers and dates for their size.",
        )
    if _is_limit(error):
        return LimitExceeded(
            f"The database cannot do this much at once: {_first_line(error)}.",
            next_step="Ask for smaller pages (first) or fewer fields, or write less at once.",
        )
    if is_lost(error):
        return Unavailable("The database does not answer.", next_step=_AGAIN, params=_RETRY_AFTER)
    return None


def is_lost(error: Exception) -> bool:
    """Tell whether the connection ended or the server serves nobody; what it did is not known."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return False
    if isinstance(error, asyncpg.InterfaceError):
        return any(part in str(error) for part in _GONE)
    return isinstance(error, _AWAY)


def busy(sentence: str) -> Busy:
    """Return the error for a request that lost against others, to be sent again."""
    return Busy(sentence, next_step=_AGAIN, params=_RETRY_AFTER)


def broken() -> TransactionBroken:
    """Return the error for what follows a failure that code caught and did not tell of."""
    return TransactionBroken(
        "A statement failed and its error was hidden: nothing was changed.",
        next_step="Let database errors through, or put what may fail into a savepoint.",
    )


def in_doubt() -> Unavailable:
    """Return the error for a change whose COMMIT was sent and never answered."""
    return Unavailable(
        "The connection to the database ended while the change was being made: "
        "it may or may not have been made.",
        next_step="Read the record again before you repeat the change.",
        params=_RETRY_AFTER,
    )


@contextmanager
def told() -> Generator[None]:
    """Raise what `translated` says of a failure inside, with the failure as its cause."""
    try:
        yield
    except Exception as error:
        meaning = translated(error)
        if meaning is None:
            raise
        raise meaning from error


def _is_value(error: Exception) -> bool:
    # asyncpg has two classes of this name: the server's, and its own for arguments (a ValueError)
    return isinstance(error, (asyncpg.DataError, ValueError))


def _is_limit(error: Exception) -> bool:
    """Tell whether a statement or its answer is larger than PostgreSQL can handle (1 GB)."""
    if isinstance(error, asyncpg.InternalServerError):
        return _TOO_LARGE in str(error)
    return isinstance(error, asyncpg.ProgramLimitExceededError)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")[:300]
