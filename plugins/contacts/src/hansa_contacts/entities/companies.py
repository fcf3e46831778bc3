"""The company itself: the legal entities it consists of and the currencies it knows."""

from __future__ import annotations

import calendar

from hansa_contacts.entities.parties import Party
from hansa_sdk import Currency, Entity, Field, Ref, check, field, ref

_ANY_COMMON_YEAR = 2001


class KnownCurrency(Entity, name="contacts.currency", plural="currencies", label="Currency"):
    """A currency of ISO 4217; `exponent` is how many decimals its amounts have (0 to 4)."""

    code: Field[Currency] = field(unique=True, label="Code")
    name: Field[str] = field(max_length=120, search=True, label="Name")
    symbol: Field[str] = field(max_length=12, label="Symbol")
    exponent: Field[int] = field(default=2, label="Decimals")
    active: Field[bool] = field(default=True, label="Active")

    @check("decimals must be between 0 and 4")
    def exponent_fits_amounts(self) -> bool:
        """Amounts are stored with four decimals."""
        return 0 <= self.exponent <= 4


class LegalEntity(
    Entity, name="contacts.legal_entity", plural="legalEntities", label="Legal entity"
):
    """One of the company's own legal entities: its currency, zone and fiscal year."""

    name: Field[str] = field(max_length=120, unique=True, search=True, label="Name")
    legal_name: Field[str | None] = field(default=None, max_length=200, label="Legal name")
    currency: Field[Currency] = field(label="Currency")
    country: Field[str | None] = field(
        default=None, max_length=2, label="Country", help="ISO 3166 code, like DE"
    )
    time_zone: Field[str] = field(
        default="UTC", max_length=64, label="Time zone", help="Like Europe/Berlin"
    )
    fiscal_year_start_month: Field[int] = field(default=1, label="Fiscal year starts in month")
    fiscal_year_start_day: Field[int] = field(default=1, label="Fiscal year starts on day")
    party: Ref[Party | None] = ref(default=None, label="Own record among the parties")

    @check("the fiscal year must start on a day that every year has")
    def fiscal_year_start_exists(self) -> bool:
        """29 February is not in every year."""
        if not 1 <= self.fiscal_year_start_month <= 12:
            return False
        days = calendar.monthrange(_ANY_COMMON_YEAR, self.fiscal_year_start_month)[1]
        return 1 <= self.fiscal_year_start_day <= days
