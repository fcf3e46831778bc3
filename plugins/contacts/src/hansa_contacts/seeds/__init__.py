"""Records that come with contacts: currencies for everybody, a small company for the demo."""

from hansa_contacts.currencies import currencies_in_use
from hansa_contacts.seeds.demo import demo_seeds
from hansa_sdk import Seed

seeds: tuple[Seed, ...] = (
    *(
        Seed(f"contacts.currency.{str(currency.code).lower()}", currency)
        for currency in currencies_in_use()
    ),
    *demo_seeds(),
)
