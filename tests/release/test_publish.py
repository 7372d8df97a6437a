"""What leaves, what never leaves, and that publishing again changes nothing."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import io
import json
import os
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import bondstore.releases
from bondstore.config.profiles import StoreSpec
from bondstore.errors import (
    BondstoreError,
    ConfigurationError,
    IntegrityError,
    NotFoundError,
    PolicyError,
    UsageError,
)
from bondstore.ledger.personal import personal_ledger
from bondstore.release import publish as module
from bondstore.release.checks import check_apart
from bondstore.release.inventory import files_of, releases
from bondstore.release.outcome import Published, Recalled, ReleasePlan
from bondstore.release.publish import Places, publish, publish_between
from bondstore.release.recall import recall
from bondstore.release.records import Record
from bondstore.release.settings import About, Order
from bondstore.runs.tally import Count
from bondstore.stores import Store, open_store
from tests.release.lab import SVG, Files, add, check_public, content, good_files, png
from tests.release.places import Place, folder_place

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def private(tmp_path: Path) -> Place:
    return folder_place(tmp_path / "private")


@pytest.fixture
def public(tmp_path: Path) -> Place:
    return folder_place(tmp_path / "public")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def run(private: Place, public: Place, order: Order | None = None, **options: Any) -> Published:
    done = publish(private.store, public.store, order, **options)
    assert isinstance(done, Published)
    tree = public.tree()
    check_public(tree.get, list(tree))
    return done


def kinds(done: Published | ReleasePlan) -> list[str]:
    return sorted(one.kind for one in done.findings)


def index(public: Place) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(public.tree()["index.csv"].decode())))


def test_every_file_is_in_the_tally(private: Place, public: Place, tmp_path: Path) -> None:
    files = good_files(4)
    add(files, "x/bad_qc.nc", grade="bad", levels={"TEMP": {"bad": 1}})
    add(files, "x/forged_qc.nc", sha256="0" * 64)
    files["secret.csv"] = b"name,phone"
    private.fill(files)
    sizes = {name: len(data) for name, data in files.items() if name.endswith(("_qc.nc", ".csv"))}
    whole = Count(len(sizes), sum(sizes.values()))
    plan = publish(private.store, public.store, dry_run=True)
    assert isinstance(plan, ReleasePlan)
    counts = plan.counts
    assert (counts.todo.objects, counts.skipped.objects, counts.quarantined.objects) == (4, 2, 1)
    assert counts.todo + counts.skipped + counts.quarantined == whole
    assert counts.todo.bytes == plan.bytes

    def change(_: ReleasePlan) -> bool:
        (tmp_path / "private/2024/05/p1_qc.nc").write_bytes(b"other")
        return True

    done = run(private, public, confirm=change)
    assert done.tally.objects() == {"planned": 7, "done": 3, "skipped": 2, "quarantined": 1, "failed": 1}
    assert done.tally.planned == whole
    private.fill(files)
    done = run(private, public)
    assert done.tally.objects() == {"planned": 7, "done": 1, "skipped": 5, "quarantined": 1, "failed": 0}
    assert done.tally.planned == whole
    assert "tally" not in done.record()


def test_what_passed_is_there_and_nothing_else(private: Place, public: Place) -> None:
    files = good_files(2)
    add(files, "x/suspect_qc.nc", grade="suspect", levels={"TEMP": {"suspect": 1}})
    add(files, "x/unevaluated_qc.nc", grade="not_evaluated", levels={"TEMP": {"not_evaluated": 1}})
    files["secret.csv"] = b"name,phone"
    files[".bondstore/ledger.sqlite"] = b"ledger"
    private.fill(files)
    before = private.tree()
    done = run(private, public)
    assert private.tree() == before, "copied, never moved"
    assert (done.files, done.copied, done.changed) == (2, 3, True)
    assert kinds(done) == ["below-requirement", "below-requirement", "not-recorded"]
    tree = public.tree()
    names = ["index.csv", "index.html", "index.parquet", "manifest.json"]
    shas = {name: sha(files[name])[:16] for name in ("2024/05/p0_qc.nc", "2024/05/p1_qc.nc", "plots/0.png")}
    assert sorted(tree) == sorted(
        [
            *names,
            "latest.json",
            *(f"releases/{done.release}/{name}" for name in names),
            *(f"data/{digest}/{name.rpartition('/')[2]}" for name, digest in shas.items()),
        ]
    )
    everything = b"".join(tree.values())
    for word in (b"hidden-store", b"secret", b"suspect_qc", b"unevaluated_qc", private.store.url.encode(), b"phone"):
        assert word not in everything
    manifest = json.loads(tree["manifest.json"])
    assert manifest["files"][0]["source"] == {"key": "p0_qc.nc.csv", "version": '"e1"', "sha256": ""}
    assert manifest["settings"][manifest["files"][0]["settings"]]["digest"] == "d" * 64
    assert manifest["requirement"] == "good"


def test_both_indexes_say_the_same(private: Place, public: Place) -> None:
    files: Files = {}
    add(files, "a.nc", first=None, last=None, bounds=None, platform="")
    add(files, "b.nc", title="=HYPERLINK(1)", platform='@x, "y"', first="2024-05-01T00:00:00.5Z")
    private.fill(files)
    run(private, public)
    rows = index(public)
    table = pq.read_table(io.BytesIO(public.tree()["index.parquet"]))
    assert [row["title"] for row in rows] == ["Profile a.nc", "'=HYPERLINK(1)"]
    assert rows[1]["platform"] == '\'@x, "y"'
    parquet = table.to_pylist()
    assert [row["title"] for row in parquet] == ["Profile a.nc", "=HYPERLINK(1)"]
    assert str(table.schema.field("first").type) == "timestamp[us, tz=UTC]"
    assert parquet[1]["first"].isoformat() == "2024-05-01T00:00:00.500000+00:00"
    assert (rows[0]["first"], rows[0]["west"], parquet[0]["first"], parquet[0]["west"]) == ("", "", None, None)
    assert float(rows[1]["west"]) == parquet[1]["west"] == 173.1
    assert rows[1]["south"] == "-41.5", "numbers get no apostrophe"


def test_again_changes_nothing_and_the_same_content_has_the_same_id(
    private: Place, public: Place, tmp_path: Path
) -> None:
    files = good_files()
    private.fill(files)
    done = run(private, public)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in sorted(tmp_path.rglob("public/**/*"))}
    again = run(private, public)
    assert (again.changed, again.copied, again.release) == (False, 0, done.release)
    assert before == {
        path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in sorted(tmp_path.rglob("public/**/*"))
    }
    elsewhere, other = folder_place(tmp_path / "e"), folder_place(tmp_path / "o")
    elsewhere.fill(files)
    assert run(elsewhere, other).release == done.release
    add(files, "2024/05/p1_qc.nc", b"more")
    elsewhere.fill(files)
    assert run(elsewhere, other).release != done.release
    assert [one.state for one in releases(other.store)] == ["latest", "earlier"]


def test_a_dry_run_writes_nothing_and_counts(private: Place, public: Place) -> None:
    files = good_files()
    private.fill(files)
    plan = publish(private.store, public.store, dry_run=True)
    assert isinstance(plan, ReleasePlan)
    size = sum(len(files[f"2024/05/p{number}_qc.nc"]) for number in range(3))
    assert (plan.files, plan.bytes, plan.copies, plan.same) == (3, size, 4, False)
    assert plan.copy_bytes == size + len(files["plots/0.png"])
    assert public.tree() == {}
    assert isinstance(publish(private.store, public.store, confirm=lambda _: False), ReleasePlan)
    assert public.tree() == {}
    assert run(private, public).release == plan.release
    plan = publish(private.store, public.store, dry_run=True)
    assert isinstance(plan, ReleasePlan)
    assert (plan.copies, plan.same) == (0, True)


def forged(change: dict[str, Any]) -> Callable[[Files], None]:
    def make(files: Files) -> None:
        add(files, "2024/bad_qc.nc", b"canary-bytes", **change)

    return make


def no_record(files: Files) -> None:
    files["2024/bad_qc.nc"] = b"canary-bytes"


def damaged(files: Files) -> None:
    no_record(files)
    files["2024/bad_qc.nc.json"] = b'{"grade": "good"'


def changed_bytes(files: Files) -> None:
    add(files, "2024/bad_qc.nc", b"sound--bytes")
    files["2024/bad_qc.nc"] = b"canary-bytes"


def longer(files: Files) -> None:
    add(files, "2024/bad_qc.nc", b"canary-bytes", size=11)


def of_another(files: Files) -> None:
    no_record(files)
    files["2024/bad_qc.nc.json"] = json.dumps(content("2024/05/p0_qc.nc", b"canary-bytes")).encode()


def record_of_a_good_one(files: Files) -> None:
    no_record(files)
    files["2024/bad_qc.nc.json"] = files["2024/05/p0_qc.nc.json"]


def hidden(files: Files) -> None:
    made = json.dumps(content("2024/.bad_qc.nc", b"canary-bytes")).encode()
    files["2024/.bad_qc.nc"] = b"canary-bytes"
    files["2024/.bad_qc.nc.json"] = made


def named_as_a_plot(files: Files) -> None:
    files["2024/secret.csv"] = b"canary-bytes"
    add(files, "2024/05/p7_qc.nc", plots=["2024/secret.csv"])


def named_as_a_plot_outside(files: Files) -> None:
    add(files, "2024/bad_qc.nc", b"canary-bytes", plots=["../secret.csv"])


def behind_a_picture(files: Files) -> None:
    files["plots/x.png"] = png() + b"canary-bytes"
    add(files, "2024/05/p7_qc.nc", plots=["plots/x.png"])


def told_by_a_plot(said: bytes) -> Callable[[Files], None]:
    def make(files: Files) -> None:
        chunk = len(said).to_bytes(4, "big") + b"tEXt" + said + zlib.crc32(b"tEXt" + said).to_bytes(4, "big")
        files["plots/x.png"] = png()[:33] + chunk + png()[33:]
        add(files, "2024/05/p7_qc.nc", plots=["plots/x.png"])

    return make


def a_record_as_a_plot(files: Files) -> None:
    add(files, "2024/bad_qc.nc", b"canary-bytes", grade="bad", levels={"TEMP": {"bad": 1}})
    add(files, "2024/05/p7_qc.nc", plots=["2024/bad_qc.nc", "2024/bad_qc.nc.json"])


BAD = {"levels": {"TEMP": {"good": 99, "bad": 1}}}
PATHS: dict[str, tuple[Callable[[Files], None], str]] = {
    "bad grade": (forged({"grade": "bad", **BAD}), "below-requirement"),
    "suspect": (forged({"grade": "suspect", "levels": {"TEMP": {"suspect": 1}}}), "below-requirement"),
    "unevaluated": (forged({"grade": "not_evaluated", "levels": {"TEMP": {"not_evaluated": 9}}}), "below-requirement"),
    "missing": (forged({"grade": "missing", "levels": {"TEMP": {"missing": 9}}}), "below-requirement"),
    "no levels": (forged({"grade": "good", "levels": {}}), "record-contradicts"),
    "grade forged": (forged({"grade": "good", **BAD}), "record-contradicts"),
    "hash forged": (forged({"sha256": "0" * 64}), "hash-differs"),
    "size forged": (longer, "hash-differs"),
    "no record": (no_record, "not-recorded"),
    "damaged record": (damaged, "record-damaged"),
    "changed bytes": (changed_bytes, "hash-differs"),
    "record names another": (of_another, "record-of-another"),
    "record of a good one": (record_of_a_good_one, "record-of-another"),
    "names the private store": (forged({"title": "from s3://hidden-store/raw"}), "names-private-place"),
    "names a folder": (forged({"settings": {"suite": "file:///home/x"}}), "names-private-place"),
    "names a bucket": (forged({"settings": {"suite": "arn:aws:s3:::hidden"}}), "names-private-place"),
    "names the store otherwise": (forged({"platform": "S3://Hidden-Store/RAW"}), "names-private-place"),
    "a mail address as title": (forged({"title": "of anna@boats.example"}), "names-person"),
    "a mail address as platform": (forged({"platform": "anna@boats.example"}), "names-person"),
    "a mail address in the settings": (forged({"settings": {"by": "Anna <anna@boats.example>"}}), "names-person"),
    "a mail address as a variable": (forged({"levels": {"anna@boats.example": {"good": 1}}}), "names-person"),
    "a mail address in a plot's name": (forged({"plots": ["anna@boats.example.png"]}), "names-person"),
    "a mail address in a plot": (told_by_a_plot(b"Author\0anna@boats.example canary-bytes"), "plot-refused"),
    "the private store in a plot": (told_by_a_plot(b"Source\0s3://raw canary-bytes"), "plot-refused"),
    "hidden": (hidden, ""),
    "named as a plot": (named_as_a_plot, "plot-refused"),
    "named as a plot outside": (named_as_a_plot_outside, "record-damaged"),
    "behind a picture": (behind_a_picture, "plot-refused"),
    "a record as a plot": (a_record_as_a_plot, "plot-refused"),
}


@pytest.mark.parametrize("case", PATHS)
def test_by_no_path_does_it_leave(case: str, private: Place, public: Place) -> None:
    make, word = PATHS[case]
    files = good_files()
    make(files)
    private.fill(files)
    done = run(private, public)
    assert not any(b"canary-bytes" in data for data in public.tree().values())
    assert "2024/bad_qc.nc" not in public.tree()["manifest.json"].decode()
    assert word in kinds(done) or (not word and not kinds(done))
    assert {row["file"] for row in index(public)} >= {"2024/05/p0_qc.nc", "2024/05/p1_qc.nc", "2024/05/p2_qc.nc"}


@pytest.mark.parametrize("part", ["file", "record", "folder"])
def test_a_link_does_not_lead_out_of_the_private_store(
    part: str, private: Place, public: Place, tmp_path: Path
) -> None:
    private.fill(good_files())
    data = b"canary-bytes"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "bad_qc.nc").write_bytes(data)
    name = "linked/bad_qc.nc"
    (outside / "bad_qc.nc.json").write_text(json.dumps(content(name, data)))
    root = tmp_path / "private"
    if part == "folder":
        (root / "linked").symlink_to(outside)
    else:
        (root / "linked").mkdir()
        real, link = ("bad_qc.nc.json", "bad_qc.nc") if part == "file" else ("bad_qc.nc", "bad_qc.nc.json")
        (root / "linked" / real).write_bytes((outside / real).read_bytes())
        (root / "linked" / link).symlink_to(outside / link)
    done = run(private, public)
    assert data not in public.tree().values()
    assert done.files == 3


def test_a_release_is_not_written_to_where_a_link_leads(private: Place, tmp_path: Path) -> None:
    private.fill(good_files())
    other, link = tmp_path / "other", tmp_path / "link"
    other.mkdir()
    link.symlink_to(other)
    for place in (str(link), link.as_uri()):
        with pytest.raises(PolicyError, match="is a symbolic link") as refused:
            publish_between(Places(place, private.store.url), Order())
        assert "--follow-links" in refused.value.hint
    assert list(other.iterdir()) == []
    done = publish_between(Places(link.as_uri(), private.store.url, follow_links=True), Order())
    assert isinstance(done, Published)
    assert (other / "latest.json").exists()


def test_a_recall_removes_nothing_through_a_link(private: Place, public: Place, tmp_path: Path) -> None:
    private.fill(good_files())
    done = run(private, public)
    data = tmp_path / "public" / "data"
    data.rename(tmp_path / "moved")
    data.symlink_to(tmp_path / "moved")
    before = sorted((tmp_path / "moved").rglob("*"))
    with pytest.raises(PolicyError, match="is a symbolic link"):
        recall(public.store, done.release)
    assert sorted((tmp_path / "moved").rglob("*")) == before
    recall(open_store(dataclasses.replace(public.store.spec, follow_links=True)), done.release)
    assert [path for path in (tmp_path / "moved").rglob("*") if path.is_file()] == []


def left_of(tmp_path: Path) -> tuple[Path, str]:
    """Leave what a killed writer would; returns that file and the release's id."""
    done = next(iter((tmp_path / "public" / "releases").iterdir())).name
    left = next((tmp_path / "public" / "data").iterdir()) / "x.png#1"
    left.write_bytes(b"half")
    return left, done


def test_a_recall_from_a_link_removes_nothing(private: Place, public: Place, tmp_path: Path) -> None:
    private.fill(good_files())
    run(private, public)
    left, release = left_of(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "public")
    before = public.tree()
    for place in (str(link), link.as_uri()):
        for only in (True, False):
            with pytest.raises(PolicyError, match="is a symbolic link"):
                bondstore.releases.recall(place, release, dry_run=only)
    assert public.tree() == before
    assert left.exists()
    assert isinstance(bondstore.releases.recall(str(link), release, follow_links=True), Recalled)
    assert not left.exists()


@pytest.mark.parametrize("what", ["a release", "no-such-file"])
def test_nothing_is_removed_before_somebody_was_asked(what: str, private: Place, public: Place, tmp_path: Path) -> None:
    private.fill(good_files())
    run(private, public)
    left, release = left_of(tmp_path)
    with contextlib.nullcontext() if what == "a release" else pytest.raises(NotFoundError):
        recall(public.store, release if what == "a release" else what, confirm=lambda _: False)
    assert left.exists()


def test_a_file_that_changes_between_look_and_copy_stays(private: Place, public: Place, tmp_path: Path) -> None:
    files = good_files()
    private.fill(files)

    def change(_: ReleasePlan) -> bool:
        (tmp_path / "private/2024/05/p1_qc.nc").write_bytes(b"canary-bytes")
        (tmp_path / "private/plots/0.png").write_bytes(b"canary-bytes")
        (tmp_path / "private/2024/05/p2_qc.nc").unlink()
        return True

    done = run(private, public, confirm=change)
    assert kinds(done) == ["changed-meanwhile"] * 3
    assert [row["file"] for row in index(public)] == ["2024/05/p0_qc.nc"]
    assert not any(b"canary" in data for data in public.tree().values())


def test_an_inspector_has_a_word(private: Place, public: Place) -> None:
    files = good_files(3)
    private.fill(files)
    asked = []

    def inspect(data: bytes, record: Record) -> None:
        asked.append((sha(data), record.file))
        if "p1" in record.file:
            raise IntegrityError("The flags say otherwise.")
        if "p2" in record.file:
            raise ZeroDivisionError

    done = run(private, public, Order(inspectors={"_qc.nc": inspect}))
    assert sorted(name for _, name in asked) == [f"2024/05/p{number}_qc.nc" for number in range(3)]
    assert all(digest == sha(files[name]) for digest, name in asked)
    assert kinds(done) == ["claims-more", "not-inspected"]
    assert [row["file"] for row in index(public)] == ["2024/05/p0_qc.nc"]


@pytest.mark.parametrize("name", ["2024/x_qc.NC", "2024/x_qc.html", "2024/x_qc.nc.html"])
def test_what_no_inspector_reads_does_not_leave(name: str, private: Place, public: Place) -> None:
    files = good_files(2)
    add(files, name, b"canary-bytes")
    private.fill(files)
    done = run(private, public, Order(inspectors={".nc": lambda _data, _record: None}))
    assert kinds(done) == ["not-inspected"]
    assert b"canary-bytes" not in public.tree().values()
    assert len(index(public)) == 2


@pytest.mark.parametrize("order", [("a_qc.nc", "b_qc.nc"), ("b_qc.nc", "a_qc.nc")])
def test_a_plot_of_a_file_that_stays_does_not_leave(order: tuple[str, str], private: Place, public: Place) -> None:
    files = {"both.png": png(7), "own.png": png(8)}
    add(files, order[0], plots=["both.png", "own.png"])
    add(files, order[1], grade="bad", levels={"TEMP": {"bad": 1}}, plots=["both.png"])
    private.fill(files)
    done = run(private, public)
    assert kinds(done) == ["below-requirement", "plot-shared"]
    assert png(7) not in public.tree().values()
    assert png(8) in public.tree().values()


def test_what_is_known_to_be_a_by_product_is_not_told(private: Place, public: Place) -> None:
    files = good_files(2) | {"status.csv": b"a", "notes.csv": b"b"}
    add(files, "bad_qc.nc", grade="bad", levels={"TEMP": {"bad": 1}})
    private.fill(files)
    done = run(private, public, Order(by_product=lambda key: key in ("status.csv", "bad_qc.nc")))
    assert [(one.kind, one.key) for one in done.findings] == [
        ("below-requirement", "bad_qc.nc"),
        ("not-recorded", "notes.csv"),
    ]


def test_a_recall_while_the_private_store_is_looked_through_holds(
    private: Place, public: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = good_files(2)
    private.fill(files)
    run(private, public)
    real = module.scan
    looks = []

    def look(*given: Any) -> Any:
        found = real(*given)
        if not looks:  # what it found is out of date before it is used
            recall(open_store(public.store.url), "2024/05/p1_qc.nc")
        looks.append(found)
        return found

    monkeypatch.setattr(module, "scan", look)
    done = run(private, public)
    assert files["2024/05/p1_qc.nc"] not in public.tree().values()
    assert [row["file"] for row in index(public)] == ["2024/05/p0_qc.nc"]
    assert json.loads(public.tree()["latest.json"])["release"] == done.release


def test_an_empty_release_does_not_replace_one(private: Place, public: Place, tmp_path: Path) -> None:
    private.fill(good_files())
    run(private, public)
    before = public.tree()
    with pytest.raises(PolicyError, match="Nothing meets"):
        publish(folder_place(tmp_path / "empty").store, public.store)
    assert public.tree() == before
    nowhere = folder_place(tmp_path / "nowhere")
    assert run(folder_place(tmp_path / "empty"), nowhere).changed is False
    assert nowhere.tree() == {}


def test_what_lies_there_with_other_bytes_is_replaced(private: Place, public: Place) -> None:
    files = good_files(1)
    private.fill(files)
    path = f"data/{sha(files['2024/05/p0_qc.nc'])[:16]}/p0_qc.nc"
    public.fill({path: b"x" * len(files["2024/05/p0_qc.nc"])})
    run(private, public)
    assert public.tree()[path] == files["2024/05/p0_qc.nc"]


@pytest.mark.parametrize("data", [b"", b"{}", b'{"kind":"bondstore.release-latest","version":1}', b"\xff"])
def test_a_damaged_pointer_stops_everything(data: bytes, private: Place, public: Place) -> None:
    private.fill(good_files())
    public.fill({"latest.json": data})
    for act in (lambda: publish(private.store, public.store), lambda: recall(public.store, "0" * 16)):
        with pytest.raises(IntegrityError):
            act()
    assert public.tree() == {"latest.json": data}


def test_the_two_stores_are_apart(tmp_path: Path) -> None:
    def store(url: str) -> Store:
        return open_store(StoreSpec(url))

    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    root = tmp_path.as_uri()
    for one, other in (
        ("s3://x", "s3://x"), ("s3://x/a", "s3://x"), ("s3://x", "s3://x/a/b"), ("az://x/a", "az://x/a"),
        (f"{root}/a", f"{root}/a/b"), (f"{root}/link/b", f"{root}/a"), ("memory://m", "memory://m"),
    ):  # fmt: skip
        with pytest.raises(UsageError):
            check_apart(store(one), store(other))
    check_apart(store("s3://x/a"), store("s3://x/ab"))
    check_apart(store("s3://x"), store("az://x"))
    check_apart(store("s3://x"), store("s3://xy"))


def test_plots_go_along_by_their_bytes(private: Place, public: Place) -> None:
    files: Files = {"plots/a.png": png(1), "plots/b.svg": SVG, "plots/c.png": SVG, "maps/all.png": png(7)}
    add(files, "a.nc", plots=["plots/a.png", "plots/b.svg", "plots/c.png", "plots/gone.png"])
    private.fill(files)
    done = run(private, public, Order(overview="maps/all.png"))
    assert kinds(done) == ["plot-refused", "plot-refused"]
    plots = json.loads(public.tree()["manifest.json"])["files"][0]["plots"]
    assert [(one["type"], one["sha256"]) for one in plots] == [
        ("image/png", sha(png(1))),
        ("image/svg+xml", sha(SVG)),
    ]
    assert png(7) in public.tree().values()
    with pytest.raises(NotFoundError):
        publish(private.store, public.store, Order(overview="maps/none.png"))
    with pytest.raises(UsageError):
        publish(private.store, public.store, Order(overview="a.nc"))


def test_taken_back_stays_away_until_it_is_wanted_again(private: Place, public: Place) -> None:
    files = good_files(2)
    private.fill(files)
    first = run(private, public)
    done = recall(public.store, "2024/05/p0_qc.nc", reason="The position was wrong.")
    assert isinstance(done, Recalled)
    assert (done.files, done.plots, done.deleted, done.tombstones) == (1, 1, 2, 1)
    tree = public.tree()
    tombstone = json.loads(tree[f"releases/{first.release}/tombstone.json"])
    assert tombstone["sha256"] == sorted([sha(files["2024/05/p0_qc.nc"]), sha(files["plots/0.png"])])
    assert tombstone["reason"] == "The position was wrong."
    assert "taken back" in tree["index.html"].decode()
    assert "position was wrong" in tree[f"releases/{first.release}/index.html"].decode()
    assert f"releases/{first.release}/manifest.json" not in tree
    assert [row["file"] for row in index(public)] == ["2024/05/p1_qc.nc"]
    with pytest.raises(NotFoundError, match="taken back"):
        files_of(public.store, first.release)
    again = run(private, public)
    assert kinds(again) == ["recalled"]
    assert not again.changed
    back = run(private, public, Order(again=True))
    assert back.release == first.release, "the same content has the same id"
    assert len(index(public)) == 2
    assert f"releases/{first.release}/tombstone.json" not in public.tree()
    recall(public.store, first.release)
    assert index(public) == []
    assert [key for key in public.tree() if key.startswith("data/")] == []
    assert "Nothing is released here" in public.tree()["index.html"].decode()


def test_what_was_never_there_cannot_be_taken_back(private: Place, public: Place) -> None:
    private.fill(good_files())
    run(private, public)
    before = public.tree()
    for what in ("0" * 16, "f" * 64, "none.nc", "../x", ""):
        with pytest.raises(NotFoundError):
            recall(public.store, what)
    with pytest.raises(UsageError):
        recall(public.store, "2024/05/p0_qc.nc", reason="a\0b")
    assert public.tree() == before


def test_of_two_publishers_and_a_recall_at_once_none_is_lost(tmp_path: Path, public: Place) -> None:
    base = good_files(4)
    one, other = folder_place(tmp_path / "one"), folder_place(tmp_path / "other")
    one.fill(base)
    add(base, "2024/06/more_qc.nc")
    other.fill(base)
    run(one, public)
    p0 = base["2024/05/p0_qc.nc"]
    for _ in range(3):
        errors: list[BondstoreError] = []

        def act(do: Callable[[], object], errors: list[BondstoreError] = errors) -> threading.Thread:
            def work() -> None:
                try:
                    do()
                except BondstoreError as error:
                    errors.append(error)

            made = threading.Thread(target=work)
            made.start()
            return made

        def reopen() -> Store:
            return open_store(public.store.url)

        threads = [
            act(lambda: publish(one.store, reopen())),
            act(lambda: publish(other.store, reopen())),
            act(lambda: recall(reopen(), "2024/05/p0_qc.nc")),
        ]
        for thread in threads:
            thread.join()
        assert errors == []
        tree = public.tree()
        holds, named = check_public(tree.get, list(tree))
        assert holds is not None
        assert sha(p0) not in named
        assert p0 not in tree.values()
        run(one, public)


def test_what_is_done_is_on_record(
    private: Place, public: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    private.fill(good_files(1))
    done = run(private, public)
    recall(public.store, done.release)
    with personal_ledger() as ledger:
        entries = list(ledger.audit.entries())
        assert ledger.audit.verify().broken_at is None
    acts = [(entry.action, entry.key) for entry in entries if entry.action != "read"]
    assert acts == [
        ("release.publish", f"{public.store.url} {done.release}"),
        ("release.published", f"{public.store.url} {done.release}"),
        ("release.recall", f"{public.store.url} {done.release}"),
        ("release.recalled", f"{public.store.url} {done.release}"),
    ]
    reads = {entry.key for entry in entries if entry.action == "read"}
    assert f"{private.store.url}/2024/05/p0_qc.nc" in reads


def test_what_the_publisher_says(tmp_path: Path) -> None:
    path = tmp_path / "about.toml"
    path.write_text('title = "Ocean"\nlicence = "CC-BY-4.0"\nlicence_url = "https://x.org"\n')
    assert About.load(path) == About(title="Ocean", licence="CC-BY-4.0", licence_url="https://x.org")
    for text in ("x = 1", 'titel = "a"', "title = 1", 'licence_url = "javascript:alert(1)"', "="):
        path.write_text(text)
        with pytest.raises(ConfigurationError):
            About.load(path)
    with pytest.raises(NotFoundError):
        About.load(tmp_path / "none")


def test_a_file_may_be_large_in_number(private: Place, public: Place) -> None:
    files: Files = {}
    for number in range(150):
        add(files, f"d{number % 7}/p{number}.nc", os.urandom(8))
    private.fill(files)
    assert run(private, public).files == 150
    assert [row["file"] for row in index(public)] == sorted(name for name in files if name.endswith(".nc"))
