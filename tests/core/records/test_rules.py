"""Which fields a broken rule is told at."""

from __future__ import annotations

from hansa_core.plugins.compile import compile_shape
from hansa_core.records.rules import check_rules
from hansa_core.system.plugin import plugin as system
from hansa_sdk import Entity, Field, Plugin, check, computed, field


class Crate(Entity, name="rules.crate", label="Crate"):
    sealed: Field[bool] = field(default=False, readonly=True)
    length: Field[int] = field(default=1)
    width: Field[int] = field(default=1)

    @computed
    def area(self) -> int:
        return self.length * self.width

    def is_flat(self) -> bool:
        return self.area > 10

    @check("a sealed crate is flat")
    def sealed_is_flat(self) -> bool:
        return not self.sealed or self.is_flat()

    @check("no crate is as long as 99.")
    def not_too_long(self) -> bool:
        return self.length != 99

    @check("nothing is ever right")
    def looks_at_nothing(self) -> bool:
        return self.version != 13


SHAPE = compile_shape([system, Plugin(name="rules", migrations="rules", entities=(Crate,))])


def crate(version: int = 1, length: int = 1, width: int = 1) -> Entity:
    made = Crate(length=length, width=width)
    made.__dict__["values"]["version"] = version
    return made


def test_fields_are_those_read_on_the_way_and_given_ones_come_first() -> None:
    made = crate(length=2, width=3)
    made.__dict__["values"]["sealed"] = True
    (error,) = check_rules(SHAPE.entity("rules.crate"), made)
    assert (error.message, error.path) == ("Crate: a sealed crate is flat.", ("length",))
    assert error.params == {"fields": ["length", "width", "sealed"]}


def test_kernels_own_values_are_no_place_for_an_error() -> None:
    errors = check_rules(SHAPE.entity("rules.crate"), crate(length=99, version=13))
    assert [(error.message, error.path, error.params) for error in errors] == [
        ("Crate: no crate is as long as 99.", ("length",), {"fields": ["length"]}),
        ("Crate: nothing is ever right.", (), {}),
    ]


def test_asking_again_leaves_the_record_as_it_was() -> None:
    made = crate(length=99)
    before = made.__dict__["values"]
    assert len(check_rules(SHAPE.entity("rules.crate"), made)) == 1
    assert made.__dict__["values"] is before
