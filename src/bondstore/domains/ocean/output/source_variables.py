"""What came with the data, as variables of a netCDF file: the source's flags, raw values, errors of adjusted ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bondstore.domains.ocean.output.classic import Value, Variable
from bondstore.domains.ocean.output.variables import (
    LEVEL,
    MEANING,
    MEASURED,
    NAN,
    OF,
    WORDS,
    flag_attributes,
    source_name,
)
from bondstore.domains.ocean.profiles import NONE, RAW, Batch
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.domains.ocean.qc.flags import RANK, SCALES, Flags, of_source
from bondstore.domains.ocean.qc.ragged import per_profile

_TABLE_2 = SCALES["argo"]


def source_flags(batch: Batch, result: Result, lies: Mapping[str, str]) -> list[Variable]:
    """Return the flags that the source brought, as its numbers; where a profile has none: no test performed."""
    what: dict[str, Value] = {"standard_name": "quality_flag", **flag_attributes(_TABLE_2)}
    made = []
    for on, flags in sorted(batch.source.items()):
        variable = on.removesuffix(RAW)
        if variable not in result.rolled:
            continue
        written = np.where(flags == NONE, np.int8(0), flags)
        for name in OF.get(on, (on,)):
            lying = lies[name.removesuffix(RAW)]
            words = f"quality flag of {_words_of(name)} as the source has it"
            column = written if lying == LEVEL else _worst_source(batch, written)
            made.append(Variable(source_name(name), (lying,), column, {**what, "long_name": words}))
    return made


def carried(batch: Batch, result: Result) -> list[Variable]:
    """Return what else came with the values: raw values beside adjusted ones, and the errors of these."""
    made = []
    for name, values in sorted(batch.carried.items()):
        variable, _, kind = name.partition("_")
        if variable not in result.rolled:
            continue
        meant = MEANING[variable]
        more: dict[str, Value] = {"long_name": f"{WORDS[variable]}: {_CARRIED[kind]}", "units": meant["units"], **NAN}
        if kind == RAW[1:] and name in batch.source:
            more["ancillary_variables"] = source_name(name)
        made.append(Variable(name, (LEVEL,), values, {**more, **MEASURED}))
    return made


_CARRIED: Mapping[str, str] = {
    "raw": "value as it was transmitted, before it was adjusted",
    "adjusted_error": "error of the adjusted value as the source states it",
}


def _words_of(name: str) -> str:
    return f"the raw value of {WORDS[name.removesuffix(RAW)]}" if name.endswith(RAW) else WORDS[name]


def _worst_source(batch: Batch, flags: Flags) -> Flags:
    """Return one flag for each profile, where its levels have none of their own: that which counts as the worst."""
    rank = RANK[of_source(flags)].astype(np.float64) * 10 + flags
    worst = per_profile(batch, rank, np.fmax, empty=0.0).astype(np.int64)
    return (worst % 10).astype(np.int8)
