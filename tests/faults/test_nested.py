"""A new destination inside another one, or around one, is refused: results of the one could take the other's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo.study import STUDY, Shape, make

from tests.servers.faulty import Fault, FaultyProxy
from tests.studies import Ended, Lab, tree


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("study")
    for one in make(Shape(participants=1, hours=2, rows=3)):
        path = root / one.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.sealed)
    return root


def export(lab: Lab, study: Path, dest: str, *words: str, endpoint: str | None = None) -> Ended:
    where = ["--store", str(study), "--study", STUDY, "--key", "env:LAB_STUDY_KEY", "--yes", "--json"]
    return lab.run(lab.command("beiwe", "export", dest, "--format", "original", *where, *words), endpoint=endpoint)


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_new_destination_inside_another_one_or_around_one_is_refused(lab: Lab, study: Path, kind: str) -> None:
    base = str(lab.folder) if kind == "folder" else lab.url
    assert export(lab, study, f"{base}/a/results").code == 0
    before = tree(lab.folder) if kind == "folder" else lab.objects()
    for place, said, *more in (
        ("a/results/chunked", f"lies in {base}/a/results,"),
        ("a/results/deep/er", f"lies in {base}/a/results,", "--dry-run"),
        ("a", f"holds {base}/a/results,"),
    ):
        ended = export(lab, study, f"{base}/{place}", *more)
        assert ended.code == 6, ended.err
        assert f"{base}/{place} {said} which is the destination of other runs." in ended.err
        assert "Name a place beside it" in ended.err
    after = tree(lab.folder) if kind == "folder" else lab.objects()
    assert {path for path in after if not path.startswith("home/")} == {
        path for path in before if not path.startswith("home/")
    }
    assert not (lab.folder / "a" / ".bondstore").exists()
    assert not (lab.folder / "a" / "results" / "deep").exists()
    for place in ("a/results", "a/result"):
        assert export(lab, study, f"{base}/{place}").code == 0, place


def test_nested_ones_that_an_earlier_version_filled_go_on(lab: Lab, study: Path) -> None:
    inner, outer = lab.folder / "elsewhere", lab.folder / "outer"
    for place in (inner, outer):
        assert export(lab, study, str(place)).code == 0
    inner.rename(outer / "inner")
    for place in (outer / "inner", outer):
        again = export(lab, study, str(place))
        assert (again.code, again.tally["done"]) == (0, 0)


def test_a_folder_around_the_accounts_copies_of_records_holds_no_destination(lab: Lab, study: Path) -> None:
    """The record of a store has a copy below the home folder, beside which results may lie."""
    assert export(lab, study, f"{lab.url}/results").code == 0
    assert export(lab, study, str(lab.folder / "home")).code == 0


def test_a_ledger_that_is_a_link_to_nowhere_is_told_as_a_link(lab: Lab, study: Path) -> None:
    (lab.dest / ".bondstore").mkdir(parents=True, mode=0o700)
    (lab.dest / ".bondstore" / "ledger.sqlite").symlink_to(lab.folder / "nowhere")
    ended = export(lab, study, str(lab.dest))
    assert (ended.code, "is a symbolic link" in ended.err) == (6, True), ended.err


def test_who_may_not_look_above_a_prefix_writes_into_it(lab: Lab, study: Path, faulty: FaultyProxy) -> None:
    for method in ("GET", "HEAD"):
        above = f"{lab.prefix}/.bondstore/"
        faulty.add(Fault("status", method, contains=above, times=10**9, status=403, body=b"<Code>AccessDenied</Code>"))
    assert export(lab, study, f"{lab.url}/mine", endpoint=faulty.endpoint).code == 0
    assert any(f"{lab.prefix}/.bondstore/" in one.path for one in faulty.seen)
