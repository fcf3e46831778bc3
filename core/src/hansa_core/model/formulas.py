"""Formulas as they are declared: of what type their value is, and what they cannot be made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from hansa_core.model.meta import FieldMeta, Kind
from hansa_sdk import Column, Expression, Invalid
from hansa_sdk.expressions import Computed, Given

_NUMBERS: Final = frozenset({Kind.INTEGER, Kind.DECIMAL})
_TAKEN: Final = _NUMBERS | {Kind.MONEY, Kind.TEXT}
_NOUNS: Final[Mapping[Kind, str]] = {
    Kind.INTEGER: "a whole number",
    Kind.DECIMAL: "a decimal",
    Kind.MONEY: "an amount",
    Kind.TEXT: "a text",
}


@dataclass(frozen=True, slots=True)
class Value:
    """The type of an expression's value; `currency` names the field of an amount's currency."""

    kind: Kind
    nullable: bool
    currency: str = ""

    @property
    def noun(self) -> str:
        """What it is, for people."""
        return f"{_NOUNS[self.kind]}{' or None' if self.nullable else ''}"


def value_of_formula(
    entity: str, fields: Mapping[str, FieldMeta], expression: Expression[object]
) -> Value:
    """Return the type of an expression over an entity's stored fields.

    Raises Invalid for other fields, and for operations that values of their types do not have.
    """
    match expression:
        case Column():
            return _field(entity, fields, expression)
        case Given(constant=bool()):
            raise Invalid("A truth is no part of a formula.", next_step="Leave it out.")
        case Given(constant=str()):
            return Value(Kind.TEXT, nullable=False)
        case Given(constant=int()):
            return Value(Kind.INTEGER, nullable=False)
        case Given(constant=Decimal() as number) if number.is_finite():
            return Value(Kind.DECIMAL, nullable=False)
        case Computed(operation=operation, left=left, right=right):
            sides = [value_of_formula(entity, fields, each) for each in (left, right)]
            made = _operation(operation, *sides)
            if made is None:
                raise Invalid(
                    f"{expression!r} takes {sides[0].noun} and {sides[1].noun}, which do not "
                    f"{operation.replace('_', ' ')}.",
                    next_step="Take numbers, amounts of one currency, or texts.",
                )
            if operation == "divide" and isinstance(right, Given):
                return _halved(expression, made, sides[0], right)
            return made
        case _:
            raise Invalid(
                f"{expression!r} is no part of a formula.",
                next_step="Make it of fields, numbers and texts.",
            )


def _field(entity: str, fields: Mapping[str, FieldMeta], column: Column[object]) -> Value:
    field = fields.get(column.field_name)
    if column.path.entity != entity or column.prefix or field is None or not field.stored:
        raise Invalid(
            f"A formula of {entity} is made of its own stored fields, not of {column.path}.",
            next_step="Leave it out; other records are added up by rollup(...).",
        )
    if field.kind not in _TAKEN:
        raise Invalid(
            f"A formula is made of numbers, amounts and texts, not of {column.path}, "
            f"which is of kind {field.kind}.",
            next_step="Leave it out, or use @computed.",
        )
    return Value(field.kind, field.nullable, field.currency_field)


def _halved(expression: Computed[object], made: Value, left: Value, by: Given[object]) -> Value:
    """Return the type of a quotient whose divisor is known."""
    if not by.constant:
        raise Invalid(f"{expression!r} divides by zero.", next_step="Divide by another number.")
    return replace(made, nullable=left.nullable)


def _operation(operation: str, left: Value, right: Value) -> Value | None:
    """Return the type of an operation's value, None where there is none."""
    nullable = left.nullable or right.nullable
    kinds = {left.kind, right.kind}
    if operation == "or_else":
        if left.kind is not right.kind and not kinds <= _NUMBERS:
            return None
        nullable = right.nullable
    if kinds <= _NUMBERS:
        whole = kinds == {Kind.INTEGER} and operation != "divide"
        nullable = nullable or operation == "divide"
        return Value(Kind.INTEGER if whole else Kind.DECIMAL, nullable)
    if operation in ("multiply", "divide"):
        if left.kind is not Kind.MONEY or right.kind not in _NUMBERS:
            return None
        return Value(Kind.MONEY, nullable or operation == "divide", left.currency)
    if len(kinds) > 1 or left.currency != right.currency:
        return None
    if left.kind is Kind.TEXT and operation == "subtract":
        return None
    return Value(left.kind, nullable, left.currency)
