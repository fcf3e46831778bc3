"""Expressions: what a formula computes of a record's fields, in the database and in Python alike.

Numbers are exact. A quotient is cut off after twelve decimals, and the value of the whole formula
is rounded, halves away from zero, to the decimals of its type. What is computed of a missing value
is missing, and so is what is divided by zero.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Generic, Literal, Protocol, TypeAlias, TypeVar, cast, overload

from hansa_sdk.predicates import Path
from hansa_sdk.values import Currency, CurrencyMismatch, Money

T_co = TypeVar("T_co", covariant=True)
O = TypeVar("O")  # noqa: E741  # the other side
R = TypeVar("R")
V = TypeVar("V", int, Decimal, Money, str)
O_contra = TypeVar("O_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)

Operation: TypeAlias = Literal["add", "subtract", "multiply", "divide", "or_else"]
Constant: TypeAlias = int | Decimal | str

QUOTIENT_DECIMALS: Final = 12
"""After how many decimals a quotient is cut off."""
AMOUNT_DECIMALS: Final = 4
"""How many decimals a computed amount has."""
NUMBER_DECIMALS: Final = 6
"""How many decimals a computed number has."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number while it is worked out: whole, of an amount in `currency`, or neither.

    >>> Number(Fraction(5, 2)).result()
    Decimal('2.500000')
    """

    value: Fraction
    whole: bool = False
    currency: Currency | None = None

    def result(self) -> int | Decimal | Money:
        """Return it as a field holds it, rounded to the decimals of its type."""
        if self.currency is not None:
            return Money(rounded(self.value, AMOUNT_DECIMALS), self.currency)
        return int(self.value) if self.whole else rounded(self.value, NUMBER_DECIMALS)


Worked: TypeAlias = Number | str | None
"""The value of an expression."""
Read: TypeAlias = Callable[[Path], Worked]
"""What gives the value of a field."""


class Adds(Protocol[O_contra, R_co]):
    """A value that another one can be added to."""

    def __add__(self, other: O_contra, /) -> R_co: ...


class Subtracts(Protocol[O_contra, R_co]):
    """A value that another one can be subtracted from."""

    def __sub__(self, other: O_contra, /) -> R_co: ...


class Multiplies(Protocol[O_contra, R_co]):
    """A value that can be multiplied by another one."""

    def __mul__(self, other: O_contra, /) -> R_co: ...


class Expression(Generic[T_co]):
    """A value computed of fields, like `Deal.amount * Deal.likelihood / 100`; a column is one.

    Whole numbers, decimals and amounts add, subtract, multiply and divide, texts add. A number or
    a text may stand in the place of a field. See `formula`.

    >>> from hansa_sdk.system import User
    >>> [str(path) for path in ("Dear " + User.name).paths]
    ['system.user.name']
    """

    __slots__ = ()

    @property
    @abstractmethod
    def paths(self) -> Sequence[Path]:
        """The fields it is computed of, in the order they stand."""
        ...

    @abstractmethod
    def worked_out(self, read: Read) -> Worked:
        """Return its value, of the fields' values that `read` gives."""
        ...

    @overload
    def __add__(self: Expression[Adds[O, R]], other: O | Expression[O]) -> Expression[R]: ...
    @overload
    def __add__(
        self: Expression[Adds[O, R] | None], other: O | Expression[O | None]
    ) -> Expression[R | None]: ...
    def __add__(self, other: object) -> Expression[Any]:  # Any: as the overloads say
        return Computed("add", self, _operand(other))

    @overload
    def __radd__(self: Expression[str], other: str) -> Expression[str]: ...
    @overload
    def __radd__(self: Expression[str | None], other: str) -> Expression[str | None]: ...
    def __radd__(self, other: object) -> Expression[Any]:  # Any: as the overloads say
        return Computed("add", _operand(other), self)

    @overload
    def __sub__(self: Expression[Subtracts[O, R]], other: O | Expression[O]) -> Expression[R]: ...
    @overload
    def __sub__(
        self: Expression[Subtracts[O, R] | None], other: O | Expression[O | None]
    ) -> Expression[R | None]: ...
    def __sub__(self, other: object) -> Expression[Any]:  # Any: as the overloads say
        return Computed("subtract", self, _operand(other))

    @overload
    def __rsub__(self: Expression[int], other: int) -> Expression[int]: ...
    @overload
    def __rsub__(self: Expression[int | None], other: int) -> Expression[int | None]: ...
    @overload
    def __rsub__(self: Expression[Decimal], other: Decimal) -> Expression[Decimal]: ...
    @overload
    def __rsub__(
        self: Expression[Decimal | None], other: Decimal
    ) -> Expression[Decimal | None]: ...
    def __rsub__(self, other: object) -> Expression[Any]:  # Any: as the overloads say
        return Computed("subtract", _operand(other), self)

    @overload
    def __mul__(self: Expression[Multiplies[O, R]], other: O | Expression[O]) -> Expression[R]: ...
    @overload
    def __mul__(
        self: Expression[Multiplies[O, R] | None], other: O | Expression[O | None]
    ) -> Expression[R | None]: ...
    def __mul__(self, other: object) -> Expression[Any]:  # Any: as the overloads say
        return Computed("multiply", self, _operand(other))

    @overload
    def __truediv__(self: Expression[int], other: int | Decimal) -> Expression[Decimal]: ...
    @overload
    def __truediv__(
        self: Expression[Multiplies[Decimal, R]], other: int | Decimal
    ) -> Expression[R]: ...
    @overload
    def __truediv__(
        self: Expression[int | None], other: int | Decimal | Expression[int | Decimal | None]
    ) -> Expression[Decimal | None]: ...
    @overload
    def __truediv__(
        self: Expression[Multiplies[Decimal, R] | None],
        other: int | Decimal | Expression[int | Decimal | None],
    ) -> Expression[R | None]: ...
    def __truediv__(self, other: object) -> Expression[Any]:  # Any: as the overloads say
        return Computed("divide", self, _operand(other))

    def or_else(self: Expression[V | None], other: V | Expression[V]) -> Expression[V]:
        """The value, or another one where it is missing."""
        return Computed("or_else", self, _operand(other))


class Computed(Expression[T_co]):
    """An operation on two expressions.

    >>> from hansa_sdk.system import User
    >>> cast(Computed[str], User.name + "!").operation
    'add'
    """

    __slots__ = ("left", "operation", "right")

    def __init__(
        self, operation: Operation, left: Expression[object], right: Expression[object]
    ) -> None:
        self.operation: Operation = operation
        self.left = left
        self.right = right

    @property
    def paths(self) -> Sequence[Path]:
        """The fields of both sides."""
        return (*self.left.paths, *self.right.paths)

    def __repr__(self) -> str:
        return f"({self.left!r} {self.operation} {self.right!r})"

    def worked_out(self, read: Read) -> Worked:
        """Return the value of the operation."""
        left, right = self.left.worked_out(read), self.right.worked_out(read)
        if self.operation == "or_else":
            return right if left is None else left
        if left is None or right is None:
            return None
        if isinstance(left, str) or isinstance(right, str):
            return f"{left}{right}"
        return _calculated(self.operation, left, right)


class Given(Expression[T_co]):
    """A number or a text in an expression.

    >>> Given(5).constant
    5
    """

    __slots__ = ("constant",)

    def __init__(self, constant: Constant) -> None:
        self.constant = constant

    @property
    def paths(self) -> Sequence[Path]:
        """None."""
        return ()

    def __repr__(self) -> str:
        return repr(self.constant)

    def worked_out(self, read: Read) -> Worked:
        """Return the number or the text."""
        return exact(self.constant)


def exact(value: object) -> Worked:
    """Return the value of a field as expressions work with it; raises TypeError for other kinds.

    >>> exact(Decimal("2.50"))
    Number(value=Fraction(5, 2), whole=False, currency=None)
    """
    match value:
        case None:
            return None
        case str():
            return str.__str__(value)
        case int():
            return Number(Fraction(value), whole=True)
        case Decimal():
            return Number(Fraction(value))
        case Money():
            return Number(Fraction(value.value), currency=value.currency)
        case _:
            raise TypeError(f"a formula takes numbers, amounts and texts, not {value!r:.80}")


def rounded(value: Fraction, decimals: int) -> Decimal:
    """Return a number with so many decimals, halves away from zero.

    >>> rounded(Fraction(-1, 8), 2)
    Decimal('-0.13')
    """
    steps = int(abs(value) * 10**decimals + Fraction(1, 2))
    return Decimal(f"{steps if value > 0 else -steps}e-{decimals}")


def _operand(value: object) -> Expression[object]:
    return (
        cast("Expression[object]", value)
        if isinstance(value, Expression)
        else Given(cast(Constant, value))
    )


def _calculated(operation: Operation, left: Number, right: Number) -> Number | None:
    whole = left.whole and right.whole
    currency = left.currency or right.currency
    if left.currency and right.currency and left.currency != right.currency:
        raise CurrencyMismatch(
            f"A formula takes amounts in {left.currency} and {right.currency}.",
            next_step="Convert one of them.",
        )
    match operation:
        case "add":
            return Number(left.value + right.value, whole, currency)
        case "subtract":
            return Number(left.value - right.value, whole, currency)
        case "multiply":
            return Number(left.value * right.value, whole, currency)
        case _:
            if not right.value:
                return None
            step = 10**QUOTIENT_DECIMALS
            cut = Fraction(int(left.value / right.value * step), step)
            return Number(cut, currency=currency)
