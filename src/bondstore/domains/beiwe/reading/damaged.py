"""What becomes of damage when a study is read from Python: raised, warned about, or only handed out."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from bondstore.errors import BondstoreError, DamagedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bondstore.domains.beiwe.reading.stream import ReadBatch
    from bondstore.findings import Finding


class DamageWarning(UserWarning):
    """Some objects were damaged: their good rows are in the table, their lost rows are not."""


def hand_out(batches: Iterable[ReadBatch], damaged: str, findings: list[Finding] | None) -> None:
    """Hand out what was found, and raise or warn about rows that were lost and objects that could not be read."""
    if damaged not in ("raise", "warn", "keep"):
        raise UsageError("damaged is 'raise', 'warn' or 'keep'.")
    bad: list[tuple[str, str, BondstoreError | None]] = []
    for batch in batches:
        if findings is not None:
            findings += batch.told
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
    reason = reason.rstrip(".")
    named = reason if key in reason else f"{key}: {reason}"
    warnings.warn(f"{named}; rows may be missing.{more}", DamageWarning, stacklevel=3)


def warn_of(findings: Sequence[Finding]) -> None:
    """Warn of objects in which rows are missing."""
    more = f" The same goes for {len(findings) - 1} more." if len(findings) > 1 else ""
    text = f"{findings[0].key}: {findings[0].kind}; rows may be missing.{more}"
    warnings.warn(text, DamageWarning, stacklevel=3)
