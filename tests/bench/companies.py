"""A CSV file of made-up companies like Northwind's: each row is five records in two aggregates."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

EVENTS_PER_ROW: Final = 2
"""The company, told with its address, phone number and affiliation, and its contact person."""

_HEADINGS: Final = (
    *("external_id", "company_name", "contact_name", "contact_title"),
    *("address", "city", "postal_code", "country", "phone"),
)


def write_companies(file: Path, rows: int) -> Path:
    """Write `rows` companies; the file's stem is the source the import notes."""
    with file.open("w", encoding="utf-8", newline="") as out:
        lines = csv.writer(out)
        lines.writerow(_HEADINGS)
        for number in range(rows):
            lines.writerow(
                (
                    f"C{number:06}",
                    f"Müller & Söhne Nr. {number} GmbH",
                    f"Änne Beispiel {number}",
                    "Einkäuferin",
                    f"Kaistraße {number}",
                    "Lübeck",
                    f"{number % 100_000:05}",
                    "Germany",
                    f"+49 451 {number:07}",
                )
            )
    return file
