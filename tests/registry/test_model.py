"""Any row of CSVs, one after the other: the table is as the last one says, and remembers all that ever were."""

from __future__ import annotations

import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.registry.settings import GONE
from tests.databases.rigs import Database
from tests.registry.forms import person, written
from tests.registry.labs import Lab

CSV = st.dictionaries(st.integers(0, 7), st.sampled_from(["Eden", "Bega", "", "0", "a,b", 'q"', "x\ny"]), max_size=8)


@settings(max_examples=30, deadline=None)
@given(files=st.lists(st.tuples(CSV, st.randoms(use_true_random=False)), min_size=1, max_size=5))
def test_as_a_dictionary_would_have_it(files: list[tuple[dict[int, str], object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database("sqlite", f"sqlite:///{folder}/db.sqlite")
        lab = Lab("sqlite", lambda: (database.table(), database.table("people-history", key="id", numeric=False)))
        active: dict[str, dict[str, str]] = {}
        gone: dict[str, dict[str, str]] = {}
        written_rows = 0
        for ports, rng in files:
            rows = [person(number, Port=port) for number, port in ports.items()]
            rng.shuffle(rows)  # type: ignore[attr-defined]
            wanted = {one["Vessel number"]: one for one in rows}
            result = lab.sync(written(rows), allow_many_gone=True)
            changes = {
                "new": wanted.keys() - active.keys() - gone.keys(),
                "reactivated": wanted.keys() & gone.keys(),
                "inactive": active.keys() - wanted.keys(),
                "changed": {name for name in wanted.keys() & active.keys() if wanted[name] != active[name]},
            }
            assert {name: result.counts[name] for name in changes} == {
                name: len(some) for name, some in changes.items()
            }
            written_rows += sum(map(len, changes.values()))
            gone = {name: one for name, one in {**gone, **active}.items() if name not in wanted}
            active = wanted
            assert lab.active() == active
            left = {str(row.fields["Vessel number"]): {k: v for k, v in row.fields.items() if k != GONE}
                    for row in lab.rows() if GONE in row.fields}  # fmt: skip
            assert left == gone
            assert lab.sync(written(rows[::-1]), allow_many_gone=True).written == 0
        assert len(lab.history()) == written_rows
        versions: dict[int, list[int]] = {}
        for entry in lab.history():
            versions.setdefault(entry.user_id, []).append(entry.version)
        assert all(some == list(range(1, len(some) + 1)) for some in versions.values())
