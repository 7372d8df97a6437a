"""Profiles with the float's last good profile before them, which each of the tests that compare looks at.

Good is what neither a profile's own tests, nor its file, nor a comparison with its own last good profile calls suspect
or bad: of a sensor that drifts, all cycles differ from the last one before the drift; one that is off once does not
spoil the next (Argo QC manual 3.9, test 16: the previous good profile). Time and place, temperature and salinity are
looked for each by itself. The answer depends on a float's `LOOK_BACK` cycles before alone, and not on what else is
tested with them, in which order, in how many processes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.earlier import all_before
from bondstore.domains.ocean.profiles import COLUMNS, Earlier, Position, joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import any_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from bondstore.domains.ocean.earlier import Before
    from bondstore.domains.ocean.profiles import Batch, Floats, Mask
    from bondstore.domains.ocean.qc.suite import Suite

_DOUBTED = (Flag.SUSPECT, Flag.BAD)


@dataclass(frozen=True, slots=True)
class _LastGood:
    """The profiles that one is compared with, by their numbers; None where there is none."""

    placed: int | None = None
    warm: int | None = None
    salt: int | None = None


def with_predecessors(read: Mapping[str, Batch], before: Mapping[str, Sequence[str]], suite: Suite) -> dict[str, Batch]:
    """Return the profiles of files, each with what it is compared with; `before` names files of the cycles before.

    A file that holds several cycles has them in itself too. Profiles that none is known of stay as they were read.
    """
    asked = [key for key, batch in read.items() if before.get(key) or _holds_cycles(batch)]
    pools = {key: [one for one in (*before.get(key, ()), key) if one in read] for key in asked}
    needed = list(dict.fromkeys(one for key in asked for one in pools[key]))
    if not needed:
        return dict(read)
    whole = joined([read[key] for key in needed])
    first = dict(zip(needed, np.cumsum([0, *(len(read[key]) for key in needed)]).tolist(), strict=False))
    chains: dict[int, list[Before]] = {}
    for key in asked:
        numbers = [number for one in pools[key] for number in range(first[one], first[one] + len(read[one]))]
        found = all_before(read[key].profiles, [whole.profiles[number] for number in numbers])
        for place, chain in found.items():
            chains[first[key] + place] = [replace(one, number=numbers[one.number]) for one in chain]
    floats = _Floats(whole, suite)
    last = floats.last_good(chains)
    linked = dict(read)
    for key in asked:
        profiles = [
            replace(profile, earlier=floats.earlier(last.get(first[key] + place, _LastGood())))
            for place, profile in enumerate(read[key].profiles)
        ]
        linked[key] = replace(read[key], profiles=profiles)
    return linked


def _holds_cycles(batch: Batch) -> bool:
    return len({one.known.get("cycle") for one in batch.profiles}) > 1


class _Floats:
    """Profiles by number, without what is not good in each by itself; what they are compared with follows from that."""

    def __init__(self, whole: Batch, suite: Suite) -> None:
        self._suite = suite.comparing
        self._good = _without_doubted(whole, suite.alone)
        self._usable = _usable(self._good)
        self._judged: dict[tuple[int, _LastGood], tuple[bool, bool, bool]] = {}

    def last_good(self, chains: Mapping[int, Sequence[Before]]) -> dict[int, _LastGood]:
        """Return what each profile is compared with; chains lead from the nearest cycle before to the farthest."""
        last = dict.fromkeys(chains, _LastGood())
        for step in range(max((len(chain) for chain in chains.values()), default=0), 0, -1):
            # The same cycle before of all profiles together: neighbours share nearly all of their questions.
            at = {number: chain[step - 1] for number, chain in chains.items() if len(chain) >= step}
            self._judge((one.number, last[number]) for number, one in at.items())
            for number, one in at.items():
                placed, warm, salt = self._judged[one.number, last[number]]
                so_far = last[number]
                last[number] = _LastGood(
                    one.number if placed else so_far.placed,
                    one.number if warm and one.same else so_far.warm,
                    one.number if salt and one.same else so_far.salt,
                )
        return last

    def earlier(self, last: _LastGood) -> Earlier | None:
        """Return what tests need to know of a profile's last good ones."""
        numbers = list(dict.fromkeys(one for one in (last.warm, last.salt) if one is not None))
        first = last.placed if last.placed is not None else next(iter(numbers), None)
        if first is None:
            return None
        row, good = self._good.rows(first).start, self._good  # of an Argo profile all levels have one time and place
        place = None if last.placed is None else Position(float(good.latitude[row]), float(good.longitude[row]))
        if not numbers:
            return Earlier(float(good.time[row]), place)
        pressure, warm, salt = (
            np.concatenate(column) for column in zip(*(self._levels(one, last) for one in numbers), strict=True)
        )
        return Earlier(
            float(good.time[row]),
            place,
            pressure,
            None if last.warm is None else warm,
            None if last.salt is None else salt,
        )

    def _levels(self, number: int, last: _LastGood) -> tuple[Floats, Floats, Floats]:
        """Return a profile's pressures, and its temperatures and salinities where it is the last good one of them."""
        rows = self._good.rows(number)
        pressure = self._good.pressure[rows]

        def of(values: Floats | None, whose: int | None) -> Floats:
            return values[rows] if values is not None and whose == number else np.full_like(pressure, np.nan)

        return pressure, of(self._good.temperature, last.warm), of(self._good.salinity, last.salt)

    def _judge(self, asked: Iterable[tuple[int, _LastGood]]) -> None:
        """Find out what is good in profiles when they are compared with others."""
        new = [one for one in dict.fromkeys(asked) if one not in self._judged]
        compared = [one for one in new if one[1] != _LastGood()]
        doubted = self._doubted(compared) if compared else {}
        for pair in new:
            usable = (bool(one[pair[0]]) for one in self._usable)
            doubts = doubted.get(pair, (False, False, False))
            placed, warm, salt = (is_usable and not doubt for is_usable, doubt in zip(usable, doubts, strict=True))
            self._judged[pair] = placed, warm, salt

    def _doubted(self, pairs: Sequence[tuple[int, _LastGood]]) -> dict[tuple[int, _LastGood], tuple[bool, ...]]:
        """Return of which profiles place, temperature and salinity are suspect or bad beside their last good ones."""
        batch = self._good.take([number for number, _ in pairs])
        profiles = [
            replace(one, earlier=self.earlier(last)) for one, (_, last) in zip(batch.profiles, pairs, strict=True)
        ]
        batch = replace(batch, profiles=profiles)
        found = np.zeros((3, len(pairs)), np.bool_)
        for (_, on), flags in evaluate(batch, self._suite).flags.items():
            said = any_in(batch, np.isin(flags, _DOUBTED))
            for place, variables in enumerate(_OF):
                if on in variables:
                    found[place] |= said
        return {pair: tuple(found[:, number].tolist()) for number, pair in enumerate(pairs)}


_OF = (("TIME", "POSITION"), ("PRES", "TEMP"), ("PRES", "PSAL"))
"""The variables that are doubted with place, temperature and salinity."""


def _without_doubted(batch: Batch, suite: Suite) -> Batch:
    """Return a batch without what its own tests, or its files, call suspect or bad."""
    cut: dict[str, Any] = {}
    for variable, flags in evaluate(batch, suite).rolled.items():
        doubted = np.isin(flags, _DOUBTED)
        for name in ("LATITUDE", "LONGITUDE") if variable == "POSITION" else (variable,):
            values = batch.column(name)
            if values is not None:
                cut[COLUMNS[name]] = np.where(doubted, np.nan, values)
    return replace(batch, **cut)


def _usable(batch: Batch) -> tuple[Mask, Mask, Mask]:
    """Return which profiles have a time and a place, a temperature at a pressure, and such a salinity."""
    placed = np.zeros(len(batch), np.bool_)
    some = batch.sizes > 0
    there = np.isfinite(batch.time + batch.latitude + batch.longitude)
    placed[some] = there[batch.starts[some]]
    nothing = np.full(batch.levels, np.nan)
    values = (batch.temperature, nothing if batch.salinity is None else batch.salinity)
    warm, salt = (any_in(batch, np.isfinite(batch.pressure + one)) for one in values)
    return placed, warm, salt
