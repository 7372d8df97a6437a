"""The tally: every object that was planned, by what became of it. It always adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

OUTCOMES = ("done", "skipped", "quarantined", "failed")


@dataclass(frozen=True, slots=True)
class Count:
    """A number of objects and their bytes, as stored."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.objects + other.objects, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of everything a run looked at.

    Parameters
    ----------
    done : Count
        Handled by this run.
    skipped : Count
        Proved done by an earlier run.
    quarantined : Count
        Could not be handled in full; the sealed bytes are kept.
    failed : Count
        Could not be fetched; the next run tries again.
    inside : mapping of str to int
        What was found inside the objects, by its word, such as ``images``.
    left : int
        Files made of many objects that were left as they were, as one of the objects could not be read once more.
    waiting : int
        Of the failed objects: those that only have to be waited for, such as archived ones that were asked for.
    """

    done: Count = field(default=Count())
    skipped: Count = field(default=Count())
    quarantined: Count = field(default=Count())
    failed: Count = field(default=Count())
    inside: Mapping[str, int] = field(default_factory=dict)
    left: int = 0
    waiting: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, Count]) -> Tally:
        """Return the tally of counts by outcome."""
        done, skipped, quarantined, failed = (counts.get(name, Count()) for name in OUTCOMES)
        return cls(done, skipped, quarantined, failed)

    @property
    def planned(self) -> Count:
        """All of them together."""
        return self.done + self.skipped + self.quarantined + self.failed

    @property
    def complete(self) -> bool:
        """Whether nothing is quarantined, failed or left as it was."""
        return not self.quarantined.objects and not self.failed.objects and not self.left

    @property
    def only_waits(self) -> bool:
        """Whether all that is missing has to be waited for."""
        return (
            bool(self.waiting) and self.failed.objects == self.waiting and not (self.quarantined.objects or self.left)
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.done + other.done,
            self.skipped + other.skipped,
            self.quarantined + other.quarantined,
            self.failed + other.failed,
            dict(Counter(self.inside) + Counter(other.inside)),
            self.left + other.left,
            self.waiting + other.waiting,
        )

    def count(self, outcome: str, size: int) -> Tally:
        """Return the tally with one more object of `size` bytes under `outcome`."""
        return replace(self, **{outcome: getattr(self, outcome) + Count(1, size)})

    def objects(self) -> dict[str, int]:
        """Return the numbers of objects, ``planned`` first."""
        return {name: getattr(self, name).objects for name in ("planned", *OUTCOMES)}

    def sizes(self) -> dict[str, int]:
        """Return the bytes, ``planned`` first."""
        return {name: getattr(self, name).bytes for name in ("planned", *OUTCOMES)}

    def record(self) -> dict[str, object]:
        """Return the record that ends the output of every run with ``--json``.

        ``bytes`` is the stored size of everything planned; ``bytes_by`` splits it by outcome.
        """
        sizes = self.sizes()
        return {"kind": "tally", **self.objects(), "bytes": sizes.pop("planned"), "bytes_by": sizes}
