"""The sample plugin with everything right, and then everything else an author may write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import assert_type
from uuid import UUID

from hansa_sdk import (
    CURRENT_TEAMS,
    CURRENT_USER,
    PUBLIC,
    BoardView,
    Column,
    Context,
    Currency,
    Email,
    Entity,
    Event,
    Expression,
    Extension,
    Field,
    FormView,
    ImportMap,
    Invalid,
    Lines,
    Link,
    ListView,
    Many,
    Money,
    Plugin,
    Predicate,
    Quantity,
    Ref,
    Role,
    Seed,
    Team,
    Translated,
    User,
    action,
    allow,
    before,
    check,
    computed,
    deny,
    field,
    formula,
    hookimpl,
    hookspec,
    many,
    money,
    on,
    query,
    ref,
    rollup,
)


class Stage(StrEnum):
    """Where a deal stands."""

    NEW = "new"
    WON = "won"


class Company(Entity, name="sales.company", plural="companies", label="Company"):
    """A customer."""

    name: Field[str] = field(max_length=200, unique=True, search=True)
    slogan: Field[Translated | None] = field(default=None)
    deals: Many[Deal] = many("company", owned=True)
    deal_count: Field[int] = rollup("count", lambda: Deal.title)
    won_count: Field[int] = rollup("sum", lambda: Deal.count, where=lambda: Deal.stage == Stage.WON)


class Deal(Entity, name="sales.deal", label="Deal"):
    """A sale that may come about."""

    title: Field[str] = field(max_length=120, search=True)
    company: Ref[Company] = ref(on_delete="restrict")
    owner: Ref[User] = ref()
    team: Ref[Team | None] = ref(default=None)
    currency: Field[Currency] = field()
    amount: Field[Money] = money(currency="currency")
    size: Field[Quantity | None] = field(default=None)
    stage: Field[Stage] = field(default=Stage.NEW, index=True)
    close: Field[date | None] = field(default=None)
    count: Field[int]

    double: Field[int] = formula(lambda: Deal.count * 2)
    each: Field[Money | None] = formula(lambda: Deal.amount / Deal.count, label="Each")
    headline: Field[str] = formula(lambda: "Deal: " + Deal.title)

    @computed
    def weighted(self) -> Money:
        """Half of the amount."""
        return self.amount * Decimal("0.5")

    @check("amount must be zero or more")
    def amount_not_negative(self) -> bool:
        """A deal brings money in."""
        return self.amount.value >= 0


class CompanyBilling(Extension[Company]):
    """What accounting adds to a customer."""

    credit_limit: Field[Decimal | None] = field(default=None)


class DealWon(Event):
    """The customer agreed."""

    deal_id: UUID
    amount: Money


def construct(company: Company, user: User) -> Deal:
    """Build records from records, links and plain values."""
    amount = Money(Decimal("10.00"), Currency("EUR"))
    linked = Deal(
        title="t",
        company=Link(id=company.id),
        owner=user,
        currency=Currency("EUR"),
        amount=amount,
        count=1,
    )
    linked.team = None
    linked.team = Team(name="Sales")
    linked.close = date(2026, 12, 24)
    return Deal(
        title="t",
        company=company,
        owner=user,
        currency=Currency("EUR"),
        amount=amount,
        size=Quantity(Decimal(2), "kg"),
        stage=Stage.WON,
        count=2,
    )


def read(deal: Deal, company: Company) -> None:
    """A record's attributes have the types of their fields, a class's are columns."""
    assert_type(deal.title, str)
    assert_type(deal.company, Link[Company])
    assert_type(deal.team, Link[Team] | None)
    assert_type(deal.weighted, Money)
    assert_type(deal.close, date | None)
    assert_type(company.deals, Lines[Deal])
    assert_type(company.won_count, int)
    assert_type(company[CompanyBilling].credit_limit, Decimal | None)
    assert_type(Deal.title, Column[str, Deal])
    assert_type(Deal.weighted, Column[Money, Deal])
    assert_type(Deal.company.to(Company.name), Column[str, Deal])
    assert_type(Deal.team.via(Team.parent).to(Team.id), Column[UUID, Deal])
    assert_type(Deal.team.to(Team.parent.to(Team.name)), Column[str, Deal])
    text: Column[str] = Deal.title
    assert_type(text.contains("x"), Predicate)


class Parcel(Entity, name="sales.parcel", label="Parcel"):
    """What formulas are made of."""

    text: Field[str]
    note: Field[str | None]
    count: Field[int]
    spare: Field[int | None]
    weight: Field[Decimal]
    tare: Field[Decimal | None]
    currency: Field[Currency]
    price: Field[Money] = money(currency="currency")
    rebate: Field[Money | None] = money(currency="currency")


def formulas(parcel: Parcel, deal: Deal) -> None:
    """What is computed has the type its parts give it."""
    assert_type(deal.double, int)
    assert_type(deal.each, Money | None)
    assert_type(Deal.headline, Column[str, Deal])
    assert_type(Parcel.count + 1, Expression[int])
    assert_type(100 - Parcel.count * Parcel.spare, Expression[int | None])
    assert_type(Parcel.spare.or_else(0) + 1, Expression[int])
    assert_type(Parcel.weight - Parcel.count, Expression[Decimal])
    assert_type(Parcel.weight * Parcel.tare, Expression[Decimal | None])
    assert_type(Decimal(1) - Parcel.tare, Expression[Decimal | None])
    assert_type(Parcel.count / 3, Expression[Decimal])
    assert_type(Parcel.count / Parcel.count, Expression[Decimal | None])
    assert_type(Parcel.weight / Decimal("0.5"), Expression[Decimal])
    assert_type(Parcel.price - Parcel.rebate, Expression[Money | None])
    assert_type(Parcel.rebate.or_else(Parcel.price), Expression[Money])
    assert_type(Parcel.price * Parcel.weight / 100, Expression[Money])
    assert_type(Parcel.price / Parcel.count, Expression[Money | None])
    assert_type(Parcel.text + ", " + Parcel.note, Expression[str | None])
    assert_type("<" + Parcel.text, Expression[str])


def conditions(user: User, ids: Sequence[UUID]) -> tuple[Predicate, ...]:
    """Compare columns with values of their own type, markers, records and columns."""
    limit = Money(Decimal(100), Currency("EUR"))
    return (
        Deal.owner == CURRENT_USER,
        Deal.owner == user,
        Deal.team == None,  # noqa: E711  # a predicate
        Deal.team.one_of(CURRENT_TEAMS),
        Deal.id.one_of(ids),
        (Deal.stage == Stage.NEW) & ~(Deal.amount > limit) | Deal.title.contains("x"),
        Deal.stage.one_of((Stage.NEW, Stage.WON)),
        Deal.close.is_null(),
        Deal.company.to(Company.name).starts_with("A"),
        Company.deals.some(Deal.stage == Stage.WON),
        Company.deals.none(Deal.stage == Stage.WON, archived=True),
        (Company.deal_count > 3) & (Deal.double < 7),
        Deal.title == Deal.company.to(Company.name),
    )


@action(Deal, name="win", permission="sales.deal.close", label="Mark as won")
async def win_deal(ctx: Context, deal: Deal, *, note: str = "") -> Deal:
    """Close a deal as won."""
    if deal.stage is Stage.WON:
        raise Invalid(f"{deal.title!r} is won already.", path=("stage",))
    deal.stage = Stage.WON
    await ctx.save(deal)
    ctx.emit(DealWon(deal_id=deal.id, amount=deal.amount))
    return deal


@action(Company, permission="sales.company.greet")
async def greet_company(ctx: Context, company: Company) -> None:
    """An action may answer nothing, and may call another."""
    for deal in await ctx.load_all(company.deals):
        assert_type(await win_deal(ctx, deal, note="x"), Deal)


@dataclass(frozen=True, slots=True)
class Total:
    """One line of a report."""

    stage: Stage
    count: int


@query(permission="sales.deal.read")
async def totals(ctx: Context, stage: Stage | None = None) -> list[Total]:
    """Count deals by stage."""
    return [Total(each, await ctx.count(Deal, Deal.stage == each)) for each in Stage]


@on(DealWon)
async def thank_customer(ctx: Context, event: DealWon) -> None:
    """React to one event."""
    deal = await ctx.get(Deal, event.deal_id)
    company = await ctx.load(deal.company)
    assert_type(company.name, str)


@on(DealWon, batch=500)
async def count_wins(ctx: Context, events: Sequence[DealWon]) -> None:
    """React to many events at once."""
    for event in events:
        assert_type(event.amount, Money)


@hookspec
async def discounts(deals: Sequence[Deal]) -> list[Decimal]:
    """Asked when a price is shown."""
    raise NotImplementedError


@hookimpl(discounts)
async def no_discounts(deals: Sequence[Deal]) -> list[Decimal]:
    """Answer with nothing."""
    return [Decimal(0) for _ in deals]


@before(Deal, "create", "update")
async def trim_titles(ctx: Context, batch: Sequence[Deal]) -> None:
    """Change records before they are written, and ask other plugins."""
    for deal in batch:
        deal.title = deal.title.strip()
    assert_type(await ctx.ask(discounts, batch), list[list[Decimal]])
    newest = await ctx.find(Deal, Deal.count >= 1, order_by=(Deal.created_at.descending(),))
    assert_type(newest, list[Deal])


public_permission = PUBLIC
demo = Company(name="Demo Ltd")
plugin = Plugin(
    name="sales",
    requires=("contacts",),
    entities=(Company, Deal),
    extensions=(CompanyBilling,),
    events=(DealWon,),
    actions=(win_deal, greet_company),
    queries=(totals,),
    handlers=(thank_customer, count_wins),
    hook_specs=(discounts,),
    hooks=(no_discounts, trim_titles),
    migrations="hansa_sales.migrations",
    roles=(
        Role(
            "sales.rep",
            (
                allow(Company, "read"),
                allow(Deal, "create"),
                allow(Deal, "read", "update", when=Deal.owner == CURRENT_USER),
                deny(Deal, "delete"),
            ),
        ),
    ),
    views=(
        ListView(Deal, (Deal.title, Deal.stage, Deal.weighted), order=(Deal.title.ascending(),)),
        FormView(Deal, (Deal.title, Deal.company)),
        FormView(Company, (Company.name, Company.deals, CompanyBilling.credit_limit)),
        BoardView(Deal, by=Deal.stage, card=(Deal.title, Deal.amount)),
    ),
    imports=(ImportMap(Company, {"company_name": "name"}),),
    seeds=(
        Seed("sales.company.demo", demo, demo=True),
        Seed("sales.user.demo", User(email=Email("a@demo.example"), name="A"), demo=True),
    ),
)
