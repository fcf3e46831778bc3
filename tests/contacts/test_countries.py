"""A country's code is found however the country is written, or stays empty."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from hansa_contacts.countries import country_code, is_country_code, territory_codes


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Germany", "DE"),
        ("deutschland", "DE"),
        ("Allemagne", "DE"),
        ("Alemania", "DE"),
        ("DE", "DE"),
        ("DEU", "DE"),
        ("UK", "GB"),
        ("Vereinigtes Königreich", "GB"),
        ("USA", "US"),
        (" united  states ", "US"),
        ("Cote d'Ivoire", "CI"),
        ("Österreich", "AT"),
        ("ESPANA", "ES"),
        ("Türkiye", "TR"),
    ],
)
def test_country_code_is_found_however_it_is_written(written: str, code: str) -> None:
    assert country_code(written) == code


@pytest.mark.parametrize("written", [None, "", " ", "Atlantis", "EU", "Europe", "XX", "Zz"])
def test_country_code_stays_empty_when_unknown(written: str | None) -> None:
    assert country_code(written) is None


def test_every_country_of_the_sample_data_is_known(sample_data: Path) -> None:
    written: set[str] = set()
    for name in ("customers", "suppliers", "employees"):
        path = sample_data / "northwind" / f"{name}.csv"
        with path.open(encoding="utf-8", newline="") as lines:
            written |= {row["country"] for row in csv.DictReader(lines)}
    assert len(written) > 20
    assert {each for each in written if country_code(each) is None} == set()


def test_territories_are_the_countries_of_iso_3166() -> None:
    assert len(territory_codes()) == 249
    assert all(is_country_code(code) for code in territory_codes())
    assert not is_country_code("de")
    assert not is_country_code("EU")
