"""The errors plugins raise and people read: a stable code, a sentence, the next step. No HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


class HansaError(Exception):
    """Base of every error with a sentence for the person who caused it.

    `message` says who, what was expected and what was found; `next_step` what to do now; `path`
    names the place in the input (field names and list positions); `params` the plain values.

    >>> str(HansaError("Port 8000 is in use.", next_step="Choose another with --port."))
    'Port 8000 is in use. Choose another with --port.'
    """

    code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        next_step: str = "",
        path: Sequence[str | int] = (),
        params: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.path = tuple(path)
        self.params: dict[str, object] = dict(params or {})

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()

    def under(self, *prefix: str | int) -> HansaError:
        """Return the same error with `prefix` put before its path.

        >>> Invalid("too long", path=("name",)).under("lines", 2).path
        ('lines', 2, 'name')
        """
        return self._at((*prefix, *self.path))

    def without(self, count: int) -> HansaError:
        """Return the same error without the first `count` parts of its path.

        >>> Invalid("too long", path=(0, "name")).without(1).path
        ('name',)
        """
        return self._at(self.path[count:])

    def _at(self, path: Sequence[str | int]) -> HansaError:
        return type(self)(self.message, next_step=self.next_step, path=path, params=self.params)


class Invalid(HansaError):
    """A value breaks a rule of its field or record.

    >>> Invalid("Expected a name.", path=("name",)).path
    ('name',)
    """

    code = "invalid"


class NotFound(HansaError):
    """The record does not exist or the caller may not see it: one answer for both.

    >>> NotFound("There is no deal 7.").code
    'not_found'
    """

    code = "not_found"


class Denied(HansaError):
    """The caller's roles do not grant the action.

    >>> Denied("Your roles do not grant delete.").code
    'denied'
    """

    code = "denied"


class Unauthenticated(HansaError):
    """Nobody is signed in, or the session or key is no longer good.

    >>> Unauthenticated("Sign in first.").code
    'unauthenticated'
    """

    code = "unauthenticated"


class Stale(HansaError):
    """The record changed since the caller read it.

    >>> Stale("Changed since you read it.", params={"version": 3}).params["version"]
    3
    """

    code = "stale"


class Duplicate(HansaError):
    """Another record already holds a value that must be unique.

    >>> Duplicate("Another tag has that name.").code
    'duplicate'
    """

    code = "duplicate"


class InUse(HansaError):
    """Other records still refer to this one.

    >>> InUse("Still used by a deal.").code
    'in_use'
    """

    code = "in_use"


class LimitExceeded(HansaError):
    """The request asks for more than one request may.

    >>> LimitExceeded("At most 200 records a page.").code
    'limit'
    """

    code = "limit"


class Busy(HansaError):
    """The transaction lost against others five times; trying again later is right.

    >>> str(Busy("Others kept winning.", next_step="Try again."))
    'Others kept winning. Try again.'
    """

    code = "busy"


class Unavailable(HansaError):
    """The database does not answer; the same request may succeed once it does again.

    >>> str(Unavailable("The database does not answer.", next_step="Try again."))
    'The database does not answer. Try again.'
    """

    code = "unavailable"


class Misconfigured(HansaError):
    """Settings, database or files are not as the program needs them.

    >>> Misconfigured("HANSA_HOME is a file.").code
    'misconfigured'
    """

    code = "misconfigured"


class Rejected(HansaError):
    """A write refused for one or more reasons; each error's path begins with the row's position.

    >>> Rejected([Invalid("No name.", path=(0, "name")), Invalid("No city.")]).message
    'No name. (1 more)'
    """

    code = "invalid"

    def __init__(self, errors: Sequence[HansaError]) -> None:
        first = errors[0]
        more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(
            first.message + more, next_step=first.next_step, path=first.path, params=first.params
        )
        self.errors = tuple(errors)

    def under(self, *prefix: str | int) -> Rejected:
        """Return the same errors with `prefix` put before each path."""
        return Rejected([error.under(*prefix) for error in self.errors])

    def without(self, count: int) -> Rejected:
        """Return the same errors without the first `count` parts of each path."""
        return Rejected([error.without(count) for error in self.errors])


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a plugin's declarations.

    >>> print(Problem("crm", "entity crm.deal", "a label", "nothing", "Add label=."))
    crm: entity crm.deal: expected a label, found nothing. Add label=.
    """

    plugin: str
    declaration: str
    expected: str
    found: str
    next_step: str

    def __str__(self) -> str:
        return (
            f"{self.plugin}: {self.declaration}: expected {self.expected}, found {self.found}. "
            f"{self.next_step}"
        )


class DeclarationErrors(HansaError):
    """Everything that is wrong with the installed plugins' declarations, all at once.

    >>> DeclarationErrors([Problem("a", "b", "c", "d", "e")]).problems[0].plugin
    'a'
    """

    code = "declarations"

    def __init__(self, problems: Sequence[Problem]) -> None:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        noun = "problem" if len(problems) == 1 else "problems"
        super().__init__(f"{len(problems)} {noun} in the plugins' declarations:\n{lines}")
        self.problems = tuple(problems)
