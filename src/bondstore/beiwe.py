"""Beiwe studies from Python.

Examples
--------
>>> study = bondstore.beiwe.open_study("s3://bucket", "5873fe38644ad7557b168e43", key="env:STUDY_KEY")  # doctest: +SKIP
>>> study.table("1ab2cd3e", "gps", since="2024-01-01").to_pandas()  # doctest: +SKIP
"""

from bondstore.domains.beiwe.opening import open_study
from bondstore.domains.beiwe.reading.damaged import DamageWarning
from bondstore.domains.beiwe.study import Study

__all__ = ["DamageWarning", "Study", "open_study"]
