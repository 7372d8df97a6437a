"""What a reader in Python learns of damage: an error, a warning, or a list of findings."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from bondstore.errors import BondstoreError, DamagedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bondstore.domains.beiwe.reading import ReadBatch
    from bondstore.findings import Finding


class DamageWarning(UserWarning):
    """Some objects were damaged: their good rows are in the table, their lost rows are not."""


def tell(batches: Iterable[ReadBatch], damaged: str, findings: list[Finding] | None) -> None:
    """Hand out the findings, and raise or warn about damage.

    Parameters
    ----------
    batches : iterable of ReadBatch
        What was read.
    damaged : {"raise", "warn", "keep"}
        What to do when rows were lost or objects could not be read.
    findings : list or None
        Takes the findings.

    Raises
    ------
    BondstoreError
        The first object's own, where `damaged` is ``"raise"``.
    UsageError
        `damaged` is another word.
    """
    if damaged not in ("raise", "warn", "keep"):
        raise UsageError("damaged is 'raise', 'warn' or 'keep'.")
    bad: list[tuple[str, str, BondstoreError | None]] = []
    for batch in batches:
        if findings is not None:
            findings += batch.findings
        for one in batch.objects:
            if isinstance(one.answer, BondstoreError):
                bad.append((one.listed.object.key, one.answer.message, one.answer))
            elif one.damage:
                bad.append((one.listed.object.key, one.damage, None))
    if not bad or damaged == "keep":
        return
    key, reason, error = bad[0]
    more = f" The same goes for {len(bad) - 1} more of the objects." if len(bad) > 1 else ""
    if damaged == "raise":
        if error is not None:
            raise error
        raise DamagedError(
            f"{key}: {reason}; rows may be missing.{more}",
            kind=reason,
            hint="Pass damaged='warn' for the rows that are good.",
        )
    warnings.warn(f"{key}: {reason}; rows may be missing.{more}", DamageWarning, stacklevel=3)
