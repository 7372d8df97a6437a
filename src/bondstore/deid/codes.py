"""Subject codes, and how far the dates of a person are shifted: drawn at random, derived from nothing."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Container

from bondstore.errors import UsageError

LONGEST_SHIFT = 208
"""Weeks: four years."""
_SIZE = 8
_FIRST, _OTHERS = string.ascii_lowercase, string.ascii_lowercase + string.digits
_CODE = re.compile(rf"[a-z][a-z0-9]{{{_SIZE - 1}}}", re.ASCII)


def draw_code(taken: Container[str]) -> str:
    """Draw a code that nobody has: a small letter, then seven small letters and digits.

    >>> len(draw_code(()))
    8
    """
    while True:
        code = secrets.choice(_FIRST) + "".join(secrets.choice(_OTHERS) for _ in range(_SIZE - 1))
        if code not in taken:
            return code


def check_code(code: str) -> str:
    """Return a code; raises `UsageError` where it is none."""
    if not _CODE.fullmatch(code):
        raise UsageError(
            "A subject code has 8 characters, small letters and digits, and starts with a letter.",
            hint="Such as k3f9a2bq. Leave it out, and one is drawn.",
        )
    return code


def draw_shift() -> int:
    """Draw by how many days a person's dates are shifted: one to 208 whole weeks back.

    Whole weeks, as recordings of a weekend and of a working day differ; back, as a date to come would tell the shift.
    """
    return -7 * (1 + secrets.randbelow(LONGEST_SHIFT))
