"""What one caller may see of a world: rows with masked values made null, others left out.

Everything else of the reference reads these rows and nothing behind them. A row is seen where the
row rule of its entity holds, a value where the mask of its field holds; both are asked of the rows
as they are stored. A reference to a row that is not seen is null. Archived rows are seen where a
reference leads to them; lists, groups, roll-ups and conditions on relations leave them out. What is
computed of values shows where all of them do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

from hansa_core.caller import Caller
from hansa_core.model.meta import FieldMeta, Kind
from hansa_core.query.evaluate import LoadedRows, evaluate
from hansa_core.query.late import Bindings
from hansa_sdk import Predicate
from tests.core.query.conftest import NOW
from tests.core.query.generated import Row, World
from tests.core.query.plugin import Colour

Seen: TypeAlias = Mapping[str, object]

_STEPS: Final = {
    Kind.DECIMAL: Decimal("0.000001"),
    Kind.QUANTITY: Decimal("0.000001"),
    Kind.MONEY: Decimal("0.0001"),
}


def _margin(price: Decimal | None, cost: Decimal | None) -> Decimal | None:
    return None if price is None or cost is None else price - cost


def _third(price: Decimal | None) -> Decimal | None:
    return None if price is None else _quotient(price, 3, 4)


def _density(weight: Decimal | None, amount: int | None) -> Decimal | None:
    return None if weight is None or not amount else _quotient(weight, amount, 6)


def _heavy(weight: Decimal | None) -> Decimal:
    return Decimal("2.000000") if weight is None else weight * 2


def _rest(amount: int | None) -> int | None:
    return None if amount is None else 100 - amount - amount


def _squared(amount: int | None) -> int | None:
    return None if amount is None or amount**2 >= 2**63 else amount**2


def _label(name: str | None, tag: str | None) -> str | None:
    return None if name is None else f"<{name}> {'-' if tag is None else tag}"


def _quotient(number: Decimal, divisor: int, places: int) -> Decimal:
    """Divide, cut the quotient off after twelve decimals, round it half away from zero."""
    with localcontext(prec=60):
        cut = (number / divisor).quantize(Decimal("1e-12"), ROUND_DOWN)
        rounded = cut.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        return rounded + 0  # there is no zero with a sign


_FORMULAS: Final[Mapping[str, tuple[tuple[str, ...], Callable[..., object]]]] = {
    "margin": (("price", "cost"), _margin),
    "third": (("price",), _third),
    "density": (("weight", "amount"), _density),
    "heavy": (("weight",), _heavy),
    "rest": (("amount",), _rest),
    "squared": (("amount",), _squared),
    "label": (("name", "tag"), _label),
}
"""What the plugin's formulas compute, and of which fields."""


class View:
    """The rows of a world as a caller sees them, by entity, as fields by Python name."""

    def __init__(self, world: World, caller: Caller) -> None:
        self.shape = caller.shape
        self._caller = caller
        principal = caller.principal
        self._bindings = Bindings(principal.user_id, principal.teams, NOW)
        self._stored = LoadedRows(caller.shape, world.by_id)
        self._rows: dict[str, dict[UUID, dict[str, object]]] = {}
        for entity, stored in world.rows.items():
            rule = caller.grants.readable(entity)
            self._rows[entity] = {
                cast(UUID, row["id"]): self._shown(entity, row)
                for row in stored
                if rule is not None and self._holds(rule, entity, row)
            }
        for rows in self._rows.values():
            for seen in rows.values():
                for name in ("box", "outer"):
                    if seen.get(name) not in (None, *self._rows["probe.box"]):
                        seen[name] = None
        for row in world.things:
            self._complete_thing(row)
        for row in world.boxes:
            self._complete_box(row)

    def rows(self, entity: str) -> Iterable[Seen]:
        """Return the rows of an entity, archived ones too."""
        return self._rows[entity].values()

    def record(self, entity: str, id: object) -> Seen | None:
        """Return one row, or None where there is none to see."""
        return self._rows[entity].get(cast(UUID, id))

    def related(self, entity: str, inverse: str, id: object) -> list[Seen]:
        """Return the rows of `entity` whose reference `inverse` is seen to be `id`."""
        return [row for row in self._rows[entity].values() if row[inverse] == id]

    def _holds(self, rule: Predicate, entity: str, row: Row) -> bool:
        return evaluate(rule, entity, row, self._bindings, self._stored) is True

    def _shows(self, entity: str, name: str, row: Row) -> bool:
        mask = self._caller.grants.mask(entity, name)
        return mask is not None and self._holds(mask, entity, row)

    def _shown(self, entity: str, row: Row) -> dict[str, object]:
        shown: dict[str, object] = {}
        for field in self.shape.entity(entity).stored:
            names = [field.name]
            if field.kind is Kind.QUANTITY:
                names.append(f"{field.name}_unit")
            visible = self._shows(entity, field.name, row)
            for name in names:
                shown[name] = _loaded(field, row[name]) if visible else None
        return shown

    def _complete_thing(self, row: Row) -> None:
        """Compute what the plugin computes, of what is seen."""
        seen = self._rows["probe.thing"].get(cast(UUID, row["id"]))
        if seen is None:
            return
        priced = seen["price"] is not None and seen["currency"] is not None
        shout = f"{seen['name']} {seen['currency'] if priced else '-'}!"
        seen["shout"] = shout if self._shows("probe.thing", "shout", row) else None
        for name, (inputs, compute) in _FORMULAS.items():
            shows = all(self._shows("probe.thing", each, row) for each in (name, *inputs))
            given: list[Any] = [seen[each] for each in inputs]
            seen[name] = compute(*given) if shows else None

    def _complete_box(self, row: Row) -> None:
        """Roll up what is seen of the things in a box."""
        seen = self._rows["probe.box"].get(cast(UUID, row["id"]))
        if seen is None:
            return
        related = self.related("probe.thing", "box", row["id"])
        things = [thing for thing in related if not thing["archived"]]
        red = [thing for thing in things if thing["colour"] == Colour.RED.value]
        weights = [cast(Decimal, t["weight"]) for t in red if t["weight"] is not None]
        days = [cast(date, thing["day"]) for thing in things if thing["day"] is not None]
        names = [cast(str, thing["name"]) for thing in things if thing["name"] is not None]
        euros = [thing["margin"] for thing in things if thing["currency"] == "EUR"]
        margins = [cast(Decimal, margin) for margin in euros if margin is not None]
        boxes = self.related("probe.box", "outer", row["id"])
        price = cast("Decimal | None", seen["price"])
        figures: dict[str, object] = {
            "thing_count": len(things),
            "red_weight": sum(weights, Decimal("0.00")),
            "last_day": max(days, default=None),
            "first_name": min(names, default=None),
            "margin_eur": sum(margins, Decimal("0.00")),
            "box_count": len([box for box in boxes if not box["archived"]]),
            "doubled": None if price is None else price * 2,
        }
        for name, figure in figures.items():
            seen[name] = figure if self._shows("probe.box", name, row) else None


def _loaded(field: FieldMeta, value: object) -> object:
    """Return a stored value: numbers with the decimals of their column, documents read."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        return value.quantize(_STEPS[field.kind])
    if field.kind in (Kind.TRANSLATED, Kind.JSON):
        return cast(object, json.loads(str(value)))
    return value
