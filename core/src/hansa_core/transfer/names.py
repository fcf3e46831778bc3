"""Names compared the way people write them: case, spaces, underscores and hyphens aside."""

from __future__ import annotations


def folded(name: str) -> str:
    """Reduce a name to what a person means by it.

    >>> folded("Company Name") == folded("company_name") == folded("companyName")
    True
    """
    return "".join(character for character in name.casefold() if character.isalnum())
