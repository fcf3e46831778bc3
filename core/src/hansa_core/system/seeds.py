"""Units of measure every tenant begins with: SI units and those of trade and time."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from hansa_sdk import Seed, Unit

# code, name, dimension, factor to the dimension's base unit (the one with factor 1)
_UNITS: Final = (
    ("each", "Each", "count", "1"),
    ("pair", "Pair", "count", "2"),
    ("dozen", "Dozen", "count", "12"),
    ("kg", "Kilogram", "mass", "1"),
    ("g", "Gram", "mass", "0.001"),
    ("mg", "Milligram", "mass", "0.000001"),
    ("t", "Tonne", "mass", "1000"),
    ("lb", "Pound", "mass", "0.453592"),
    ("oz", "Ounce", "mass", "0.028350"),
    ("m", "Metre", "length", "1"),
    ("mm", "Millimetre", "length", "0.001"),
    ("cm", "Centimetre", "length", "0.01"),
    ("km", "Kilometre", "length", "1000"),
    ("in", "Inch", "length", "0.0254"),
    ("ft", "Foot", "length", "0.3048"),
    ("m2", "Square metre", "area", "1"),
    ("ha", "Hectare", "area", "10000"),
    ("l", "Litre", "volume", "1"),
    ("ml", "Millilitre", "volume", "0.001"),
    ("m3", "Cubic metre", "volume", "1000"),
    ("s", "Second", "time", "1"),
    ("min", "Minute", "time", "60"),
    ("h", "Hour", "time", "3600"),
    ("d", "Day", "time", "86400"),
    ("week", "Week", "time", "604800"),
    ("A", "Ampere", "current", "1"),
    ("K", "Kelvin", "temperature", "1"),
    ("mol", "Mole", "amount", "1"),
    ("cd", "Candela", "light", "1"),
    ("W", "Watt", "power", "1"),
    ("kW", "Kilowatt", "power", "1000"),
    ("Wh", "Watt-hour", "energy", "1"),
    ("kWh", "Kilowatt-hour", "energy", "1000"),
    ("percent", "Per cent", "ratio", "0.01"),
)

SEEDS: Final = tuple(
    Seed(
        f"system.unit.{code}",
        Unit(code=code, name=name, dimension=dimension, factor=Decimal(factor)),
    )
    for code, name, dimension, factor in _UNITS
)
