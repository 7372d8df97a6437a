"""The commands of releases: plans, exit codes, what is said."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.release.lab import add, check_public, good_files
from tests.release.places import Place, folder_place
from tests.servers.seaweedfs import SeaweedFS


@pytest.fixture(autouse=True)
def uninspected(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of these tests are no netCDF; nobody looks into them, but where a test says so."""
    if "inspected" not in request.keywords:
        monkeypatch.setattr("bondstore.cli.release.publish.inspectors", dict)


@pytest.fixture
def places(tmp_path: Path) -> tuple[Place, Place]:
    private, public = folder_place(tmp_path / "private"), folder_place(tmp_path / "public")
    files = good_files()
    add(files, "bad_qc.nc", grade="bad", levels={"TEMP": {"bad": 1}})
    private.fill(files)
    return private, public


def publish(places: tuple[Place, Place], *words: str) -> tuple[str, ...]:
    return ("release", "publish", places[1].store.url, "--from", places[0].store.url, *words)


def test_the_plan_comes_first_and_nothing_happens_without_a_yes(cli: Call, places: tuple[Place, Place]) -> None:
    planned = cli(*publish(places, "--dry-run", "--json"))
    assert planned.code == 0
    *findings, plan = planned.records
    assert [(one["kind"], one["finding"]) for one in findings] == [("finding", "below-requirement")]
    assert (plan["kind"], plan["files"], plan["copies"], plan["held"]) == ("release-plan", 3, 4, 1)
    assert places[1].tree() == {}
    refused = cli(*publish(places))
    assert refused.code == 2
    assert "--yes" in refused.err
    assert "3 files" in refused.err
    assert places[1].tree() == {}


def test_from_publishing_to_taking_back(cli: Call, places: tuple[Place, Place], tmp_path: Path) -> None:
    about = tmp_path / "about.toml"
    about.write_text('title = "Ocean profiles"')
    done = cli(*publish(places, "--yes", "--stac", "--about", str(about), "--json"))
    assert done.code == 0
    release = done.records[-1]["release"]
    tree = places[1].tree()
    assert check_public(tree.get, list(tree))[0] == release
    assert "Ocean profiles" in tree["index.html"].decode()
    assert "stac.json" in tree
    same = cli(*publish(places, "--stac", "--about", str(about), "--json"))
    assert (same.code, same.records[-1]["changed"]) == (0, False), "nothing to do needs no yes"
    url = places[1].store.url
    assert [one["state"] for one in cli("release", "list", url, "--json").records] == ["latest"]
    shown = cli("release", "show", url, "--json").records
    assert [one["file"] for one in shown] == [f"2024/05/p{number}_qc.nc" for number in range(3)]
    assert "2024/05/p1_qc.nc" in cli("release", "show", url, release).out
    planned = cli("release", "recall", release, "--store", url, "--dry-run", "--json")
    assert (planned.records[0]["kind"], planned.records[0]["files"]) == ("recall-plan", 3)
    assert places[1].tree() == tree
    assert cli("release", "recall", release, "--store", url).code == 2
    assert places[1].tree() == tree
    back = cli("release", "recall", release, "--store", url, "--yes", "--reason", "wrong", "--json")
    assert (back.code, back.records[0]["files"]) == (0, 3)
    assert cli("release", "recall", release, "--store", url, "--json").code == 0, "again is harmless, and asks nothing"
    listed = cli("release", "list", url, "--json").records
    assert [(one["state"], one["reason"]) for one in listed] == [("latest", ""), ("recalled", "wrong")]
    assert cli("release", "show", url, release).code == 3
    again = cli(*publish(places, "--json", "--yes"))
    assert [one["finding"] for one in again.records[:-1]].count("recalled") == 3


def test_what_is_wrong_with_a_file_ends_with_5(cli: Call, places: tuple[Place, Place], tmp_path: Path) -> None:
    (tmp_path / "private/2024/05/p1_qc.nc").write_bytes(b"other")
    done = cli(*publish(places, "--yes"))
    assert done.code == 5
    assert "p1_qc.nc" in done.err
    assert "bad_qc" not in done.err + done.out, "a file that is held for its flags is no fault"


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--require", "bad"), 2), (("--about", "/none.toml"), 3), (("--map", "none.png"), 3), (("--profile", "none"), 3)],
)
def test_what_does_not_fit_ends_with_its_code(
    cli: Call, places: tuple[Place, Place], words: tuple[str, ...], code: int
) -> None:
    assert cli(*publish(places, "--yes", *words)).code == code
    assert places[1].tree() == {}


def test_nothing_was_released(cli: Call, places: tuple[Place, Place]) -> None:
    url = places[1].store.url
    assert cli("release", "list", url).code == 0
    assert cli("release", "show", url).code == 3
    assert cli("release", "recall", "0" * 16, "--store", url, "--yes").code == 3
    assert cli("release", "publish", url, "--from", url).code == 2


def test_a_private_store_that_is_public_ends_with_6(
    cli: Call, s3_environment: str, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", seaweedfs.access_key),
        ("AWS_SECRET_ACCESS_KEY", seaweedfs.secret_key),
        ("AWS_ENDPOINT_URL", seaweedfs.endpoint),
        ("AWS_REGION", seaweedfs.region),
    ):
        monkeypatch.setenv(name, value)
    bucket = s3_environment.removeprefix("s3://")
    public = seaweedfs.create_bucket(f"p-{uuid.uuid4().hex[:10]}")
    client = seaweedfs.client()
    for key, data in good_files(1).items():
        client.put_object(Bucket=bucket, Key=key, Body=data)
    words = ("release", "publish", f"s3://{public}", "--from", s3_environment, "--yes")
    must = cli(*words, "--require-public")
    assert must.code == 6
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject"]}
    for name in (bucket, public):
        statement["Resource"] = [f"arn:aws:s3:::{name}/*"]  # type: ignore[assignment]
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        if name == public:
            continue
        client.put_bucket_policy(Bucket=name, Policy=policy)
    refused = cli(*words)
    assert refused.code == 6
    assert "--source-may-be-public" in refused.err
    assert cli("doctor", "--store", s3_environment, "--expect", "private", "--json").code == 4
    went = cli(*words, "--source-may-be-public")
    assert went.code == 0, went.err
    assert f"s3://{public} is private" in went.err, "a public store that is private is told"
    assert seaweedfs.secret_key not in went.err + went.out + refused.err


def test_the_doctor_takes_an_expectation(cli: Call, tmp_path: Path) -> None:
    assert cli("doctor", "--store", tmp_path.as_uri(), "--expect", "nobody").code == 2


@pytest.mark.inspected
def test_a_file_that_cannot_be_looked_into_does_not_leave(cli: Call, places: tuple[Place, Place]) -> None:
    done = cli(*publish(places, "--yes", "--json"))
    assert done.code == 5
    found = {one["finding"] for one in done.records if one["kind"] == "finding"}
    assert found == {"below-requirement", "not-inspected"}
    assert places[1].tree() == {}


def test_a_dry_run_into_a_folder_that_is_not_there_plans_and_makes_none(cli: Call, tmp_path: Path) -> None:
    private = folder_place(tmp_path / "private")
    private.fill(good_files())
    url = (tmp_path / "not/yet").as_uri()
    done = cli("release", "publish", url, "--from", private.store.url, "--dry-run", "--json")
    assert (done.code, done.records[-1]["files"], done.records[-1]["copies"]) == (0, 3, 4)
    assert not (tmp_path / "not").exists()
    assert cli("release", "publish", url, "--from", private.store.url, "--yes").code == 0
    inside = cli("release", "publish", private.store.url + "/new", "--from", private.store.url, "--dry-run")
    assert inside.code == 2, "it would lie in the private store"
    assert not (tmp_path / "private/new").exists()


def test_what_quality_control_wrote_without_a_record_is_not_told(cli: Call, tmp_path: Path) -> None:
    private, public = folder_place(tmp_path / "private"), folder_place(tmp_path / "public")
    by_products = ["status.csv", "parquet/year=2024/month=05/a.parquet", "12_map.png", "x/12_section.svg"]
    private.fill(good_files() | dict.fromkeys(by_products, b"a"))
    done = cli(*publish((private, public), "--yes"))
    assert done.code == 0
    assert "warning" not in done.err
    assert not any(name.rpartition("/")[2] in " ".join(public.tree()) for name in by_products)
    private.fill(dict.fromkeys(["notes.csv", "x/status.csv", "parquet2", "my.png"], b"a"))
    done = cli(*publish((private, public), "--json"))
    assert [one["key"] for one in done.records[:-1]] == ["my.png", "notes.csv", "parquet2", "x/status.csv"]


def test_one_file_is_not_files(cli: Call, places: tuple[Place, Place]) -> None:
    cli(*publish(places, "--yes"))
    told = cli("release", "recall", "2024/05/p0_qc.nc", "--store", places[1].store.url, "--yes").err
    assert "1 file and 1 plot;" in told
    assert "1 files" not in told


NO_GEAR = "no deployment says whether the gear is mobile or stationary"


def test_what_is_held_back_is_said_with_its_reason_and_all_held_back_ends_with_5(cli: Call, tmp_path: Path) -> None:
    private, public = folder_place(tmp_path / "private"), folder_place(tmp_path / "public")
    files: dict[str, bytes] = {}
    unknown = {
        "grade": "not_evaluated",
        "levels": {"POSITION": {"not_evaluated": 60}, "TEMP": {"good": 60}},
        "not_evaluated": [{"test": "start_end_dist_check", "on": "POSITION", "reason": NO_GEAR}],
    }
    add(files, "a_qc.nc", **unknown)
    private.fill(files)
    for words, verb in (("--yes",), "released"), (("--dry-run",), "would be released"):
        done = cli(*publish((private, public), *words))
        assert done.code == 5
        assert f"0 of 1 {verb}: held back 1 (POSITION not evaluated: {NO_GEAR})." in done.err
        assert "a_qc" not in done.err + done.out
    told = cli(*publish((private, public), "--yes", "--json"))
    assert told.code == 5
    assert told.records[-1]["held_back"] == [{"reason": f"POSITION not evaluated: {NO_GEAR}", "files": 1}]
    assert public.tree() == {}


def test_all_held_back_while_an_earlier_release_holds_ends_with_5_and_changes_nothing(
    cli: Call, tmp_path: Path
) -> None:
    private, public = folder_place(tmp_path / "private"), folder_place(tmp_path / "public")
    private.fill(good_files(2))
    assert cli(*publish((private, public), "--yes")).code == 0
    before = public.tree()
    files: dict[str, bytes] = {}
    bad = {"grade": "bad", "levels": {"TEMP": {"bad": 1}}, "tests": {"global_range/TEMP": {"bad": 1}}}
    for one in range(2):
        add(files, f"2024/05/p{one}_qc.nc", **bad)
    for key in [*private.tree()]:
        private.store.delete(key)
    private.fill(files)
    done = cli(*publish((private, public), "--yes"))
    assert done.code == 5
    assert "0 of 2 released: held back 2 (TEMP bad (global_range))." in done.err
    assert "The release before still holds, with 2 files." in done.err
    told = cli(*publish((private, public), "--yes", "--json"))
    (record,) = (one for one in told.records if one["kind"] == "release")
    assert (told.code, record["files"], record["kept"], record["changed"]) == (5, 0, 2, False)
    assert record["release"] == json.loads(before["latest.json"])["release"]
    assert cli(*publish((private, public), "--dry-run")).code == 5
    assert public.tree() == before


def test_reasons_of_many_files_are_counted_the_commonest_first(cli: Call, tmp_path: Path) -> None:
    private, public = folder_place(tmp_path / "private"), folder_place(tmp_path / "public")
    files = good_files(2)
    bad = {"grade": "bad", "levels": {"TEMP": {"good": 9, "bad": 1}}, "tests": {"global_range/TEMP": {"bad": 1}}}
    spiky = {
        "grade": "suspect",
        "levels": {"PRES": {"good": 9}, "TEMP": {"good": 8, "suspect": 1}},
        "tests": {"spike/TEMP": {"suspect": 1}, "spike/PRES": {"good": 9}},
    }
    add(files, "b_qc.nc", **bad)
    add(files, "c_qc.nc", **spiky)
    add(files, "d_qc.nc", **spiky)
    files["e.csv"] = b"x"
    private.fill(files)
    done = cli(*publish((private, public), "--yes"))
    assert done.code == 0, "some files were released, and nothing is wrong with the others"
    said = done.err[done.err.index("2 of 6 released") :].splitlines()[:4]
    assert said == [
        "2 of 6 released: held back 4:",
        "  2  TEMP suspect (spike)",
        "  1  TEMP bad (global_range)",
        "  1  no release record",
    ]
    enough = cli(*publish((private, public), "--yes", "--require", "good:0.85", "--json"))
    assert (enough.code, enough.records[-1]["files"]) == (0, 5)


def test_a_place_without_files_is_nothing_found(cli: Call, tmp_path: Path) -> None:
    private, public = folder_place(tmp_path / "private"), folder_place(tmp_path / "public")
    for words in (("--yes",), ("--dry-run", "--json")):
        assert cli(*publish((private, public), *words)).code == 3
    assert public.tree() == {}


def test_where_the_good_files_are_gone_the_rest_is_held_back_and_the_release_before_holds(
    cli: Call, places: tuple[Place, Place]
) -> None:
    assert cli(*publish(places, "--yes")).code == 0
    for key in [*places[0].tree()]:
        if "bad_qc" not in key:
            places[0].store.delete(key)
    kept = cli(*publish(places, "--yes"))
    assert kept.code == 5
    assert "held back 1 (TEMP bad)" in kept.err
    assert "The release before still holds, with 3 files." in kept.err


def test_a_bare_folder_is_a_store_everywhere(
    cli: Call, places: tuple[Place, Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "public").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path)
    done = cli("release", "publish", "public", "--from", "private", "--yes", "--json")
    assert (done.code, done.records[-1]["files"]) == (0, 3), done.err
    assert [one["state"] for one in cli("release", "list", "public", "--json").records] == ["latest"]
    assert cli("release", "show", "public").code == 0
    assert cli("doctor", "--store", "private", "--json").code != 2
    mistyped = cli("release", "list", "lab-public")
    assert mistyped.code == 2, "a bucket's name without s3:// is not taken for a new folder"
    assert "s3://" in mistyped.err
