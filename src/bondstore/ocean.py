"""Ocean profiles from Python: read, test, draw, and whole stores at once.

Examples
--------
>>> from pathlib import Path
>>> key = "MOANA_0012_1_240501031630.csv"
>>> batch, findings = bondstore.ocean.read_any(key, Path(key).read_bytes())  # doctest: +SKIP
>>> result = bondstore.ocean.evaluate(batch, bondstore.ocean.load_suite("moana"))  # doctest: +SKIP
>>> result.flags["spike", "TEMP"]  # doctest: +SKIP
>>> asked = bondstore.ocean.Asked("moana", metadata="deployments.csv")
>>> done = bondstore.ocean.qc("s3://lab-raw", "s3://lab-qc", asked)  # doctest: +SKIP
>>> drawn = bondstore.ocean.plot("s3://lab-qc", "pictures")  # doctest: +SKIP
"""

from bondstore.domains.ocean.compare import Agreement, Compared, compare
from bondstore.domains.ocean.plot import Picture, Plotted, plot
from bondstore.domains.ocean.profiles import Batch, Deployment, Header, Position, Profile
from bondstore.domains.ocean.qc.evaluate import Result, evaluate
from bondstore.domains.ocean.qc.flags import SCALES, Flag
from bondstore.domains.ocean.qc.suite import Step, Suite, load_suite, suite_names
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.service import Asked, qc
from bondstore.domains.ocean.show import show

__all__ = [
    "SCALES",
    "Agreement",
    "Asked",
    "Batch",
    "Compared",
    "Deployment",
    "Flag",
    "Header",
    "Picture",
    "Plotted",
    "Position",
    "Profile",
    "Result",
    "Step",
    "Suite",
    "compare",
    "evaluate",
    "load_suite",
    "plot",
    "qc",
    "read_any",
    "show",
    "suite_names",
]
