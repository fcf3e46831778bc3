"""Records that come with contacts: currencies for everybody, a small company for the demo."""

from hansa_contacts.currencies import currencies_in_use
from hansa_contacts.entities import Party
from hansa_contacts.seeds.demo import demo_seeds
from hansa_sdk import Seed

seeds: tuple[Seed, ...] = (
    *(
        Seed(f"contacts.currency.{str(currency.code).lower()}", currency)
        for currency in currencies_in_use()
    ),
    *demo_seeds(),
)


def demo_party(key: str) -> Party:
    """Return a party of the demo, for other plugins' demo records to refer to.

    Organisations have keys such as "alster", their people "alster.1"; raises KeyError.
    """
    for seed in seeds:
        if seed.key == f"contacts.demo.party.{key}" and isinstance(seed.record, Party):
            return seed.record
    raise KeyError(key)
