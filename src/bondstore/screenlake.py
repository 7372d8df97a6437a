"""Screenshots and phone logs from Python.

Examples
--------
>>> people = bondstore.screenlake.panelists("s3://screenlake-zip-prod")  # doctest: +SKIP
>>> result = bondstore.screenlake.process(  # doctest: +SKIP
...     "s3://screenlake-zip-prod", "results", since="2024-01-01", until="2024-03-31"
... )
"""

from bondstore.domains.screenlake.people import Panelist, People
from bondstore.domains.screenlake.service import panelists, process

__all__ = ["Panelist", "People", "panelists", "process"]
