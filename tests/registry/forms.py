"""CSVs as a form tool exports them, made up; and what a table must hold after each, kept by a simple model."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence

COLUMNS = (
    "Company name",
    "ABN",
    "Vessel name",
    "Vessel number",
    "Port",
    "Port state/territory",
    "Contact name",
    "Contact number",
)
KEY = ("Vessel number",)


def person(number: int, **changed: str) -> dict[str, str]:
    """Return one made-up participant; everything but the vessel's number may repeat."""
    rng = random.Random(number)
    made = {
        "Company name": f'Fish, "Crab" & Co {number}',
        "ABN": f"0{rng.randrange(10**10):010d}",
        "Vessel name": f"Förde {rng.randrange(50)}",
        "Vessel number": f"VN {number:05d}",
        "Port": "Eden\r\nTwofold Bay" if number % 7 == 3 else "Eden",
        "Port state/territory": "NSW",
        "Contact name": f"Person {number}",
        "Contact number": f"04{rng.randrange(10**8):08d}",
    }
    return made | changed


def written(rows: Iterable[Mapping[str, str]], columns: Sequence[str] = COLUMNS, *, bom: bool = True) -> bytes:
    """Return a CSV with byte-order mark and CRLF, by Python's own writer."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    writer.writerows([row[name] for name in columns] for row in rows)
    return ("\ufeff" * bom + out.getvalue()).encode()
