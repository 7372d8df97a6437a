"""The programs that people open recordings with, as oracles: what each sees in a file, or why it refuses it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import edfio
import mne
import numpy as np
import pyedflib

DATA = Path(pyedflib.__file__).parent / "tests" / "data"
SHIPPED = sorted(path.name for path in DATA.glob("*.[eb]df"))
"""The test set of pyedflib, which its wheel ships; edfio has one in its repository alone, neither wheel nor sdist."""


class Opened(NamedTuple):
    """What a program sees."""

    samples: list[Any]
    texts: list[tuple[float, float, str]]
    """Annotations by their onset and duration."""

    def has_samples_of(self, other: Opened) -> bool:
        pairs = zip(self.samples, other.samples, strict=True)
        return all(np.array_equal(one, another) for one, another in pairs)


def by_edfio(path: Path) -> Opened:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the file, not about what is tested
        found = (edfio.read_bdf if path.suffix.lower() == ".bdf" else edfio.read_edf)(path)
        texts = [(one.onset, one.duration or 0, one.text) for one in found.annotations]
        return Opened([one.digital for one in found.signals], texts)


def by_pyedflib(path: Path) -> Opened:
    with pyedflib.EdfReader(str(path)) as found:
        labels = found.getSignalLabels()  # of EDF without a plus it shows the bytes of annotations as samples
        samples = [found.readSignal(n, digital=True) for n, one in enumerate(labels) if "Annotations" not in one]
        return Opened(samples, list(zip(*found.readAnnotations(), strict=True)))


def by_mne(path: Path) -> Opened:
    read = mne.io.read_raw_bdf if path.suffix.lower() == ".bdf" else mne.io.read_raw_edf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = read(path, preload=True, verbose="error")
    texts = [(one["onset"], one["duration"], one["description"]) for one in found.annotations]
    return Opened([found.get_data()], texts)


PROGRAMS: dict[str, Callable[[Path], Opened]] = {"edfio": by_edfio, "pyedflib": by_pyedflib, "MNE": by_mne}


def opened_by(program: str, path: Path) -> Opened | str:
    """Return what a program sees, or the words of its refusal."""
    try:
        return PROGRAMS[program](path)
    except Exception as error:  # noqa: BLE001 - programs refuse in many ways
        return f"{type(error).__name__}: {error}"
