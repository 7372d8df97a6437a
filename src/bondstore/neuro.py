"""Hospital recordings from Python: what a folder holds, recordings without identity, and reading EDF and BDF by ranges.

Examples
--------
>>> patients = bondstore.neuro.plan("export")  # doctest: +SKIP
>>> [file.path for file in patients[0].files]  # doctest: +SKIP
>>> kept = bondstore.neuro.CrosswalkRef("crosswalk.c4gh", passphrase="env:LAB_PASSPHRASE")
>>> done = bondstore.neuro.deidentify("export", "clean", dates="shift", crosswalk=kept)  # doctest: +SKIP
>>> both = "s3://EDF-VAULT", "s3://VIDEO-VAULT"
>>> [one.exit_code for one in bondstore.neuro.ingest("export", *both, crosswalk=kept)]  # doctest: +SKIP
>>> bondstore.neuro.audit("clean", names="names.txt").exit_code  # doctest: +SKIP
>>> bondstore.neuro.rename("clean", "names", crosswalk=kept).files  # doctest: +SKIP
>>> recording = bondstore.neuro.open("s3://VAULT/eeg#1ab2cd3e_edf/1ab2cd3e_1.edf")  # doctest: +SKIP
>>> [(one.label, one.unit, one.rate) for one in recording.signals]  # doctest: +SKIP
>>> times, values = recording.samples("EEG Fp1", 60, 70)  # doctest: +SKIP
>>> [one.text for one in recording.annotations if one.onset < 60]  # doctest: +SKIP
>>> bondstore.neuro.Annotation(1.5, None, "eyes closed").onset
1.5
"""

from bondstore.domains.neuro.audit.service import Audited, audit
from bondstore.domains.neuro.job import CrosswalkRef
from bondstore.domains.neuro.opening import open_recording as open
from bondstore.domains.neuro.reading import Annotation, Recording, Samples
from bondstore.domains.neuro.renaming import RenamedSubject, Renaming, rename
from bondstore.domains.neuro.service import PlannedFile, PlannedPatient, deidentify, plan
from bondstore.domains.neuro.signals import Signal
from bondstore.domains.neuro.stages import Ended, ingest

__all__ = [
    "Annotation",
    "Audited",
    "CrosswalkRef",
    "Ended",
    "PlannedFile",
    "PlannedPatient",
    "Recording",
    "RenamedSubject",
    "Renaming",
    "Samples",
    "Signal",
    "audit",
    "deidentify",
    "ingest",
    "open",
    "plan",
    "rename",
]
