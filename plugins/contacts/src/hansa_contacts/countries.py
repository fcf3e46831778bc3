"""From a country's name as people write it to its ISO 3166 code."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Final, cast

from babel import Locale
from babel.core import get_global

_LANGUAGES: Final = ("en", "de", "fr", "es")

# Codes of two letters that CLDR knows and ISO 3166 has not given to a country.
_NOT_ISO: Final = frozenset("AC CP CQ DG EA EU EZ IC QO TA UN XA XB XK ZZ".split())

# What CLDR does not list and people write; already normalised.
_SPOKEN: Final[Mapping[str, str]] = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "grossbritannien": "GB",
    "grande-bretagne": "GB",
    "gran bretana": "GB",
    "usa": "US",
    "us": "US",
    "u.s.": "US",
    "u.s.a.": "US",
    "united states of america": "US",
    "vereinigte staaten von amerika": "US",
    "etats-unis d'amerique": "US",
    "estados unidos de america": "US",
    "eeuu": "US",
    "ee.uu.": "US",
    "holland": "NL",
    "the netherlands": "NL",
    "czech republic": "CZ",
    "tschechische republik": "CZ",
    "russian federation": "RU",
    "republic of ireland": "IE",
    "south korea": "KR",
    "korea": "KR",
    "turkey": "TR",
    "uae": "AE",
}


def country_code(written: str | None) -> str | None:
    """Return the ISO 3166 alpha-2 code of a country as written, None where it is unknown.

    English, German, French and Spanish names, the codes of two and three letters and common short
    forms are known; case, accents and spaces do not matter.
    """
    if written is None:
        return None
    return _codes().get(_normal(written))


def is_country_code(code: str) -> bool:
    """Tell whether `code` is an ISO 3166 alpha-2 code in capital letters."""
    return len(code) == 2 and code.isascii() and code.isupper() and country_code(code) == code


def territory_codes() -> tuple[str, ...]:
    """Return all ISO 3166 alpha-2 codes, sorted."""
    return tuple(sorted(set(_codes().values())))


@cache
def _codes() -> Mapping[str, str]:
    codes: dict[str, str] = {}
    for language in _LANGUAGES:
        names = cast("Mapping[str, str]", Locale(language).territories)
        for code, name in names.items():
            if len(code) == 2 and code.isalpha() and code not in _NOT_ISO:
                codes.setdefault(_normal(name), code)
                codes.setdefault(_normal(code), code)
    known = set(codes.values())
    for alias, current in _three_letter_codes().items():
        if current in known:
            codes.setdefault(_normal(alias), current)
    return {**codes, **_SPOKEN}


def _three_letter_codes() -> Mapping[str, str]:
    aliases: Mapping[str, list[str]] = get_global("territory_aliases")
    return {
        alias: current[0]
        for alias, current in aliases.items()
        if len(alias) == 3 and alias.isalpha() and len(current) == 1
    }


def _normal(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold().replace("\u2019", "'"))
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
