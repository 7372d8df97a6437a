from __future__ import annotations

import pytest

from bondstore.domains.neuro.kinds import Kind, kind_of


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("P/a.edf", Kind.RECORDING),
        ("P/a.EDF", Kind.RECORDING),
        ("P/a.bdf", Kind.RECORDING),
        ("P/a.Avi", Kind.VIDEO),
        ("P/Last~ First_0f.vt2", Kind.NATUS),
        ("P/x.ERD", Kind.NATUS),
        ("P/x.21E", Kind.NIHON_KOHDEN),
        ("P/x.pnt", Kind.NIHON_KOHDEN),
        ("P/x.lay", Kind.PERSYST),
        ("P/letter.doc", Kind.DOCUMENT),
        ("P/night_snc.txt", Kind.NOTES),
        ("P/VTC night.txt", Kind.NOTES),
        ("P/notes.txt", Kind.UNKNOWN),
        ("P/francisncz.txt", Kind.UNKNOWN),
        ("P/.edf", Kind.UNKNOWN),
        ("P/none", Kind.UNKNOWN),
    ],
)
def test_kinds(key: str, kind: Kind) -> None:
    assert kind_of(key) is kind
    assert kind.can_be_cleaned == (kind in (Kind.RECORDING, Kind.VIDEO, Kind.NOTES))
