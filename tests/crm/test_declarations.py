"""What crm declares: computed values, the rules of single records, seeds, roles."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hansa_contacts.api import Party
from hansa_contacts.plugin import plugin as contacts
from hansa_core.plugins.compile import compile_shape
from hansa_core.system.plugin import plugin as system
from hansa_crm.api import Activity, ActivityKind, Deal, Stage
from hansa_crm.entities import Pipeline
from hansa_crm.plugin import plugin
from hansa_sdk import Check, Currency, DeclarationErrors, Entity, Money

EUR = Currency("EUR")


def _deal(**values: object) -> Deal:
    deal = Deal(title="A", party=Party(name="P"), currency=EUR)
    for name, value in values.items():
        setattr(deal, name, value)
    return deal


def _broken(record: Entity) -> list[str]:
    checks: tuple[Check, ...] = record.__declared_checks__
    return [check.message for check in checks if not check.holds(record)]


def test_crm_is_refused_when_contacts_is_missing() -> None:
    with pytest.raises(DeclarationErrors, match="contacts"):
        compile_shape([system, plugin])
    assert "crm.deal" in compile_shape([system, contacts, plugin]).entities


@pytest.mark.parametrize(
    ("amount", "likelihood", "weighted"),
    [("100.00", 30, "30.0000"), ("0.01", 1, "0.0001"), ("99.99", 100, "99.9900"), ("5", 0, "0")],
)
def test_weighted_is_the_amount_times_the_likelihood(
    amount: str, likelihood: int, weighted: str
) -> None:
    deal = _deal(amount=Money(Decimal(amount), EUR), likelihood=likelihood)
    assert deal.weighted == Money(Decimal(weighted), EUR)


def test_weighted_is_empty_when_there_is_no_amount() -> None:
    assert _deal(likelihood=50).weighted is None


def test_deal_is_refused_when_its_figures_cannot_be() -> None:
    assert _broken(_deal(amount=Money(Decimal(0), EUR), probability=0)) == []
    assert _broken(_deal(amount=Money(Decimal("-0.01"), EUR))) == [
        "the amount must be zero or more"
    ]
    for percent in (-1, 101):
        message = ["probability must be between 0 and 100"]
        assert _broken(_deal(probability=percent)) == message
        stage = Stage(pipeline=Pipeline(name="P"), name="S", probability=percent)
        assert _broken(stage) == message
    assert _broken(_deal(title=" ")) == ["a title must have at least one visible character"]


def test_activity_is_refused_when_its_subject_is_blank() -> None:
    assert _broken(Activity(kind=ActivityKind.TASK, subject="Call")) == []
    assert len(_broken(Activity(kind=ActivityKind.TASK, subject="\t"))) == 1


def test_seeds_refer_only_to_records_seeded_before_them() -> None:
    seen: set[int] = set()
    for seed in (*contacts.seeds, *plugin.seeds):
        values: dict[str, object] = seed.record.__dict__["values"]
        records = [getattr(value, "record", None) for value in values.values()]
        assert all(id(record) in seen for record in records if record is not None), seed.key
        seen.add(id(seed.record))


def test_only_managers_may_delete() -> None:
    shape = compile_shape([system, contacts, plugin])
    for role in plugin.roles:
        deletes = {rule.entity for rule in role.rules if "delete" in rule.actions}
        expected = {"crm.pipeline", "crm.stage", "crm.deal", "crm.activity"}
        assert deletes == (expected if role.name == "crm.sales_manager" else set()), role.name
        assert {rule.entity for rule in role.rules} <= set(shape.entities)
