"""The twelve planted mistakes: a plugin's typos, each of which both checkers must reject."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from uuid import UUID, uuid4

from hansa_sdk import (
    Context,
    Currency,
    Entity,
    Event,
    Extension,
    Field,
    ListView,
    Many,
    Money,
    Ref,
    User,
    action,
    allow,
    field,
    many,
    money,
    on,
    ref,
)


class Stage(StrEnum):
    NEW = "new"
    WON = "won"


class Company(Entity, name="sales.company", plural="companies", label="Company"):
    name: Field[str] = field(max_length=200, unique=True, search=True)
    deals: Many[Deal] = many("company")


class Deal(Entity, name="sales.deal", label="Deal"):
    title: Field[str] = field(max_length=120, search=True)
    company: Ref[Company] = ref(on_delete="restrict")
    owner: Ref[User | None] = ref(default=None)
    currency: Field[Currency] = field(default=Currency("EUR"))
    amount: Field[Money] = money(currency="currency", default=Money(Decimal(0), Currency("EUR")))
    stage: Field[Stage] = field(default=Stage.NEW, index=True)


class CompanyBilling(Extension[Company]):
    credit_limit: Field[Decimal | None] = field(default=None)


class DealWon(Event):
    deal_id: UUID
    amount: Money


class DealLost(Event):
    deal_id: UUID


def construct(company: Company) -> tuple[object, ...]:
    return (
        Deal(
            title="t",
            company=company,
            amount="lots",  # reject: m1 [arg-type, reportArgumentType]
        ),
        Deal(amount=Money(Decimal(1), Currency("EUR"))),  # reject: m4 [call-arg, reportCallIssue]
        Deal(title="t", company=company, titel="x"),  # reject: m5 [call-arg, reportCallIssue]
        DealWon(deal_id=uuid4(), amount=1.5),  # reject: m11 [arg-type, reportArgumentType]
    )


def read(deal: Deal, company: Company) -> None:
    print(deal.stagee)  # reject: m2 [attr-defined, reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    billing = company[CompanyBilling]
    print(billing.credit_limt)  # reject: m10 [attr-defined, reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]


def declare() -> None:
    print(Deal.amount > "big")  # reject: m3 [operator, reportOperatorIssue, reportUnknownArgumentType]
    ListView(Deal, (Deal.title, Deal.amnt))  # reject: m6 [attr-defined, reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    allow(Deal, "read", when=Deal.stage == "new")  # reject: m7 [arg-type, reportArgumentType]


@on(DealWon)  # reject: m8 [arg-type, reportArgumentType]
async def m8(ctx: Context, event: DealLost) -> None: ...


@action(Deal, permission="sales.deal.close")  # reject: m9 [arg-type, reportArgumentType]
async def m9(ctx: Context, deal: Company) -> None: ...


async def follow(ctx: Context, deal: Deal) -> object:
    company = await ctx.load(deal.company)
    return company.nmae  # reject: m12 [attr-defined, reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
