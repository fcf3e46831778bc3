"""Values richer than Python's own: exact money and quantities, codes, addresses on the net."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import TypeAlias

from hansa_sdk.errors import Invalid

Json: TypeAlias = str | int | bool | Decimal | Sequence["Json"] | Mapping[str, "Json"] | None
"""Any JSON value; its numbers are exact.

>>> note: Json = {"size": Decimal("1.50"), "tags": ["a", "b"]}
>>> sorted(note)
['size', 'tags']
"""


class Currency(str):
    """An ISO 4217 code.

    >>> Currency("EUR")
    Currency('EUR')
    """

    __slots__ = ()

    def __new__(cls, code: str) -> Currency:
        """Check that `code` is three capital letters; raises Invalid."""
        if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
            raise Invalid(
                f"Expected an ISO 4217 code of three capital letters, got {code!r}.",
                next_step="Write it like EUR or USD.",
            )
        return super().__new__(cls, code)

    def __repr__(self) -> str:
        return f"Currency({str(self)!r})"


class Email(str):
    """An e-mail address; the kernel checks its form when it comes in.

    >>> Email("ada@example.org").domain
    'example.org'
    """

    __slots__ = ()

    @property
    def domain(self) -> str:
        """The part behind the last @."""
        return self.rpartition("@")[2]


class Phone(str):
    """A telephone number as people write it; nothing of it is lost.

    >>> Phone("030-0074321").digits
    '0300074321'
    """

    __slots__ = ()

    @property
    def digits(self) -> str:
        """Its digits alone, for comparing."""
        return "".join(character for character in self if character.isdigit())


class Url(str):
    """An absolute http or https address.

    >>> Url("https://example.org/a")
    'https://example.org/a'
    """

    __slots__ = ()


class CurrencyMismatch(Invalid):
    """Amounts of two currencies were added or compared.

    >>> CurrencyMismatch("EUR and USD").code
    'currency_mismatch'
    """

    code = "currency_mismatch"


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency. Amounts of different currencies never mix.

    >>> Money(Decimal("10.00"), Currency("EUR")) + Money(Decimal("2.50"), Currency("EUR"))
    Money(value=Decimal('12.50'), currency=Currency('EUR'))
    """

    value: Decimal
    currency: Currency

    def __post_init__(self) -> None:
        _require_decimal(self.value, "Money")

    def _same(self, other: Money) -> Decimal:
        if self.currency != other.currency:
            raise CurrencyMismatch(
                f"Amounts in {self.currency} and {other.currency} do not add or compare.",
                next_step="Convert one of them, or keep them apart by currency.",
            )
        return other.value

    def __add__(self, other: Money) -> Money:
        return Money(self.value + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.value - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.value, self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(self.value * factor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.value < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.value <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.value > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.value >= self._same(other)

    @staticmethod
    def total(amounts: Iterable[Money], currency: Currency) -> Money:
        """Add amounts of one currency; raises CurrencyMismatch at the first of another."""
        result = Money(Decimal(0), currency)
        for amount in amounts:
            result += amount
        return result

    def split(self, weights: Sequence[Decimal | int], exponent: int = 2) -> list[Money]:
        """Divide by weights so that the parts add up exactly (largest remainder).

        `exponent` is the number of decimals a part may have. Raises Invalid without weights.

        >>> [str(part.value) for part in Money(Decimal("10"), Currency("EUR")).split([1, 1, 1])]
        ['3.34', '3.33', '3.33']
        """
        whole = sum((Decimal(weight) for weight in weights), Decimal(0))
        if whole <= 0 or any(weight < 0 for weight in weights):
            raise Invalid("Expected weights of zero or more with a positive sum.")
        unit = Decimal(1).scaleb(-exponent)
        exact = [self.value * Decimal(weight) / whole for weight in weights]
        parts = [share.quantize(unit, rounding=ROUND_DOWN) for share in exact]
        rest = self.value - sum(parts, Decimal(0))
        step = unit if rest >= 0 else -unit
        order = sorted(range(len(parts)), key=lambda i: (-abs(exact[i] - parts[i]), i))
        for index in order[: int(rest / step)]:
            parts[index] += step
        parts[order[0]] += self.value - sum(parts, Decimal(0))
        return [Money(part, self.currency) for part in parts]


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact number of units, `unit` being the code of a `system.unit`.

    >>> Quantity(Decimal("2.5"), "kg")
    Quantity(value=Decimal('2.5'), unit='kg')
    """

    value: Decimal
    unit: str

    def __post_init__(self) -> None:
        _require_decimal(self.value, "Quantity")

    def __add__(self, other: Quantity) -> Quantity:
        if self.unit != other.unit:
            raise Invalid(f"Quantities in {self.unit} and {other.unit} do not add.")
        return Quantity(self.value + other.value, self.unit)


@dataclass(frozen=True, slots=True)
class Translated:
    """A text in several languages, by BCP 47 tag.

    >>> Translated({"en": "Open", "de": "Offen"}).get("fr", "de")
    'Offen'
    """

    texts: Mapping[str, str]

    def get(self, *languages: str) -> str:
        """Return the text of the first language there is, else any; empty when there is none."""
        for language in languages:
            if language in self.texts:
                return self.texts[language]
        return next(iter(self.texts.values()), "")


def _require_decimal(value: object, noun: str) -> None:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise Invalid(
            f"{noun} takes a finite Decimal, got {type(value).__name__} {value!r}.",
            next_step='Write Decimal("10.00").',
        )
