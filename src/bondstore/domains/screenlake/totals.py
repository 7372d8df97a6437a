"""Summaries added up, one by one."""

from __future__ import annotations

import copy
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bondstore.domains.screenlake.summary import Summary


def add(total: Summary, one: Summary) -> None:
    """Add a panelist's summary to the sum of others.

    Parameters
    ----------
    total : Summary
        Grows. What was asked for is taken from the first summary; tables of one name are added up.
    one : Summary
        Stays as it is.
    """
    total.handling = total.handling or one.handling
    total.zips += one.zips
    total.boxes += one.boxes
    total.unsure += one.unsure
    total.repaired += one.repaired
    total.images = dict(Counter(total.images) + Counter(one.images))
    total.marks = dict(sorted((Counter(total.marks) + Counter(one.marks)).items()))
    for prefix, table in one.tables.items():
        into = total.table(prefix)
        into.rows += table.rows
        into.repeats += table.repeats
        into.aside += table.aside
        into.sources += table.sources
    known = {found[0]: found for found in total.findings}
    for found in one.findings:
        if found[0] in known:
            known[found[0]][3] += found[3]
            known[found[0]][4] += found[4]
        else:
            total.findings.append(copy.copy(found))
