"""`bondstore vault migrate`: archives asked for, waited for, proved by their tree hashes, and put into a vault."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bondstore.config.profiles import StoreSpec
from bondstore.config.settings import load_profile
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import execute
from bondstore.runs.executors import Serial
from bondstore.vault.glacier.archives import Archive
from bondstore.vault.glacier.migrate import migrate_job
from bondstore.vault.glacier.service import RANGE, GlacierVault
from bondstore.vault.recipients import Recipients
from tests.cli.conftest import Call, Result, cli
from tests.homes import home
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.glacier import Glacier, Refusal, glacier
from tests.servers.moto import Moto
from tests.stores.rigs import s3_profile
from tests.vault.conftest import owner, tree_of

__all__ = ["cli", "glacier", "home", "owner"]
LARGE = RANGE + 12_345


def move(cli: Call, dest: object, *words: str) -> Result:
    return cli("vault", "migrate", "lab", str(dest), "--json", "--yes", *words)


def found(result: Result) -> dict[str, str]:
    return {one["key"]: one["finding"] for one in result.records if one["kind"] == "finding"}


def inside(result: Result) -> dict[str, int]:
    tally = result.records[-1]
    assert tally["kind"] == "tally"
    assert tally["planned"] == tally["done"] + tally["skipped"] + tally["quarantined"] + tally["failed"]
    [about] = [one for one in result.records if one["kind"] == "migrate"]
    counts: dict[str, int] = about["archives"]
    counted = tally["planned"] - tally["skipped"] - sum(counts.values())
    assert 0 <= counted <= tally["quarantined"]  # those of earlier runs
    return counts


def payload(dest: Path) -> dict[str, bytes]:
    return {name[5:]: content for name, content in tree_of(dest).items() if name.startswith("data/")}


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.fixture
def listed(glacier: Glacier, cli: Call, owner: Recipients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Glacier:
    """The vault, with a large archive, and its inventory here."""
    monkeypatch.setenv("BONDSTORE_PASSPHRASE", str(owner.passphrase))
    glacier.upload(noise(LARGE), "p2/video.avi")
    refresh(glacier, cli)
    return glacier


def refresh(glacier: Glacier, cli: Call) -> None:
    cli("vault", "inventory", "lab", "--yes", "--refresh")
    glacier.finish()
    assert cli("vault", "inventory", "lab", "--yes", "--refresh").code == 0
    glacier.asked.clear()


@pytest.fixture
def words(owner: Recipients) -> tuple[str, ...]:
    return ("--passphrase", str(owner.passphrase))


def expected(glacier: Glacier) -> dict[str, bytes]:
    """By the names that the descriptions hold."""
    contents = list(glacier.archives.values())
    ids = list(glacier.archives)
    return dict(zip(["p1/day1.edf", "p1/day2.edf", f"unnamed/{ids[2]}", "p2/video.avi"], contents, strict=True))


def test_asked_once_fetched_proved_and_got_back(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    dest, back = tmp_path / "new", tmp_path / "back"
    first = move(cli, dest, "--seal-for", "owner", *words)
    assert first.code == 8
    assert inside(first) == {"asked": 4}
    assert set(found(first).values()) == {"archive-waiting"}
    again = move(cli, dest, "--seal-for", "owner", *words)
    assert again.code == 8
    assert inside(again) == {"waiting": 4}
    assert listed.asked == ["POST archive"] * 4
    assert {one.tier for one in listed.jobs.values() if one.archive} == {"Bulk"}

    listed.finish()
    done = move(cli, dest, "--seal-for", "owner", *words)
    assert done.code == 0, done
    assert inside(done) == {"fetched": 4}
    ranges = [one for one in listed.asked if one.startswith("GET archive bytes")]
    assert ranges == [
        f"GET archive bytes=0-{RANGE - 1}",
        f"GET archive bytes={RANGE}-{LARGE - 1}",
    ]
    assert cli("verify", str(dest), "--deep").code == 0
    assert cli("get", str(dest), str(back), "--unseal", *words).code == 0
    assert tree_of(back) == expected(listed)

    asked = list(listed.asked)
    still = move(cli, dest, "--seal-for", "owner", *words)
    assert still.code == 0
    assert still.records[-1]["skipped"] == 4
    assert listed.asked == asked


def test_a_ghost_is_named_and_does_not_stop_the_others(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ids = list(listed.archives)
    listed.delete(ids[1])
    first = move(cli, tmp_path / "new", *words)
    assert first.code == 8
    assert inside(first) == {"asked": 3, "ghost": 1}
    assert found(first)["p1/day2.edf"] == "ghost"
    listed.finish()
    done = move(cli, tmp_path / "new", *words)
    assert done.code == 5
    assert inside(done) == {"fetched": 3}
    assert done.records[-1]["quarantined"] == 1
    assert payload(tmp_path / "new").keys() == {"p1/day1.edf", f"unnamed/{ids[2]}", "p2/video.avi"}
    listed.listed.pop(1)
    refresh(listed, cli)
    assert move(cli, tmp_path / "new", *words).code == 0


def test_what_the_destination_refuses_does_not_stop_the_others(
    listed: Glacier, owner: Recipients, faulty: FaultyProxy, bucket: str, keys_in_environment: None
) -> None:
    spec = StoreSpec(f"s3://{bucket}/new", s3_profile(faulty.endpoint))
    job = migrate_job("lab", spec.url, passphrase=owner.passphrase)
    job = replace(job, put=replace(job.put, dest=spec))
    faulty.add(Fault("status", method="POST", contains="p2/video.avi", times=1_000, status=400, body=b""))
    assert execute(job, open_destination(spec), Serial()).tally.waiting == 4
    listed.finish()
    done = execute(job, open_destination(spec), Serial())
    assert (done.tally.done.objects, done.tally.failed.objects) == (3, 1)
    with open_destination(spec).ledger(create=False) as ledger:
        assert {one.key: one.kind for one in ledger.findings.of_run(done.run)} == {"p2/video.avi": "not-written"}
    faulty.clear()
    assert execute(job, open_destination(spec), Serial()).tally.done.objects == 1


def test_what_expired_is_asked_for_again_once_and_then_named(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    dest = tmp_path / "new"
    move(cli, dest, *words)
    listed.finish()
    listed.expire()
    again = move(cli, dest, *words)
    assert again.code == 8
    assert inside(again) == {"asked": 4}
    kinds = [one["finding"] for one in again.records if one["kind"] == "finding"]
    assert kinds.count("archive-expired") == 4
    assert listed.asked == ["POST archive"] * 8
    assert inside(move(cli, dest, *words)) == {"waiting": 4}
    listed.finish()
    listed.expire()
    twice = move(cli, dest, *words)
    assert twice.code == 5
    assert set(found(twice).values()) == {"archive-expired-twice"}
    assert listed.asked == ["POST archive"] * 8
    assert move(cli, dest, *words).code == 8  # the next run asks
    listed.finish()
    assert move(cli, dest, *words).code == 0
    assert payload(dest) == expected(listed)


def test_what_expires_after_it_was_planned_is_asked_for_twice_at_most(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...], owner: Recipients
) -> None:
    def expire(_plan: object) -> bool:
        listed.expire()
        return True

    dest = tmp_path / "new"
    move(cli, dest, *words)
    assert cli("verify", str(dest)).code == 3  # nothing is there yet
    job = migrate_job("lab", str(dest), passphrase=owner.passphrase)
    for waiting, asks in ((4, 8), (0, 8)):
        listed.finish()
        done = execute(job, open_destination(job.dest), Serial(), confirm=expire)
        assert (done.tally.failed.objects, done.tally.waiting) == (4, waiting)
        assert listed.asked.count("POST archive") == asks


def test_the_inventory_of_another_vault_moves_nothing(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """Of one of the same name, in another account."""
    file = GlacierVault("lab", load_profile(None)).folder / "inventory.json"
    there = file.read_text()
    assert "arn:aws:glacier:" in there
    file.write_text(there.replace("arn:aws:glacier:", "arn:aws:glacier:other-"))
    refused = move(cli, tmp_path / "new", *words)
    assert refused.code == 4
    assert "The inventory that is kept here is of" in str(refused)
    assert not listed.asked


def test_so_many_at_a_time(listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]) -> None:
    dest = tmp_path / "new"
    assert inside(move(cli, dest, "--at-once", "3", *words)) == {"asked": 3, "later": 1}
    assert inside(move(cli, dest, "--at-once", "3", *words)) == {"waiting": 3, "later": 1}
    listed.finish()
    third = move(cli, dest, "--at-once", "3", *words)
    assert third.code == 8
    assert inside(third) == {"fetched": 3, "asked": 1}
    listed.finish()
    assert move(cli, dest, "--at-once", "3", *words).code == 0
    assert payload(dest) == expected(listed)


def test_wait_stays_until_all_are_there(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that are asked for only once the first are fetched."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) % 2 == 0:
            listed.finish()

    monkeypatch.setattr("bondstore.cli.vault._rounds.time.sleep", sleep)
    assert move(cli, tmp_path / "new", "--at-once", "3", "--wait", *words).code == 0
    assert pauses == [60, 300, 900, 900]
    assert listed.asked.count("POST archive") == 4
    assert payload(tmp_path / "new") == expected(listed)


@pytest.mark.parametrize("at", [0, RANGE + 5, LARGE - 1])
def test_a_range_that_comes_damaged_is_fetched_again_and_at_last_refused(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...], at: int
) -> None:
    video = list(listed.archives)[3]
    move(cli, tmp_path / "new", *words)
    listed.finish()
    listed.spoiled[video] = (at, 1000)
    wrong = move(cli, tmp_path / "new", *words)
    assert wrong.code == 7
    assert found(wrong) == {"p2/video.avi": "wrong-tree-hash"}
    assert inside(wrong) == {"fetched": 3, "wrong": 1}
    assert "p2/video.avi" not in payload(tmp_path / "new")
    assert len(payload(tmp_path / "new")) == 3
    listed.spoiled[video] = (at, 2)
    assert cli("run", "retry", "last", "--dest", str(tmp_path / "new"), "--yes").code == 0
    assert payload(tmp_path / "new") == expected(listed)


def test_an_archive_that_is_not_the_inventorys_is_refused(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    first = next(iter(listed.archives))
    listed.archives[first] = b"eno" * 1000  # of the same size, and the service's hash of the range fits
    move(cli, tmp_path / "new", *words)
    listed.finish()
    wrong = move(cli, tmp_path / "new", *words)
    assert wrong.code == 7
    assert found(wrong) == {"p1/day1.edf": "wrong-tree-hash"}
    assert "p1/day1.edf" not in payload(tmp_path / "new")


@pytest.mark.parametrize(
    ("code", "status", "finding", "exit_code"),
    [
        ("ThrottlingException", 400, "vault-busy", 8),
        ("ServiceUnavailableException", 500, "vault-busy", 8),
        ("InsufficientCapacityException", 503, "vault-no-capacity", 5),
        ("PolicyEnforcedException", 400, "vault-refused", 5),
        ("LimitExceededException", 400, "vault-busy", 8),
        ("MissingParameterValueException", 400, "archive-failed", 5),
    ],
)
def test_refusals_are_named_and_asked_again(
    listed: Glacier,
    cli: Call,
    tmp_path: Path,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    status: int,
    finding: str,
    exit_code: int,
) -> None:
    monkeypatch.setenv("BONDSTORE_RETRIES", "0")
    refusal = Refusal("initiate", code, status)
    listed.refusals.append(refusal)
    refused = move(cli, tmp_path / "new", "--tier", "expedited", *words)
    assert refused.code == exit_code
    assert set(found(refused).values()) == {finding}
    refusal.times = 0
    assert inside(move(cli, tmp_path / "new", "--tier", "expedited", *words)) == {"asked": 4}


def test_credentials_that_are_refused_end_the_run(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    listed.refusals.append(Refusal("initiate", "AccessDeniedException", 403))
    refused = move(cli, tmp_path / "new", *words)
    assert refused.code == 4
    listed.refusals.clear()
    assert inside(move(cli, tmp_path / "new", *words)) == {"asked": 4}


def test_an_output_that_expires_while_it_is_fetched_is_asked_for_again(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    video = list(listed.archives)[3]
    move(cli, tmp_path / "new", *words)
    listed.finish()
    listed.refusals.append(Refusal("output", "ResourceNotFoundException", 404, archive=video, times=1))
    gone = move(cli, tmp_path / "new", *words)
    assert gone.code == 8
    assert found(gone)["p2/video.avi"] in ("archive-waiting", "archive-expired")
    listed.finish()
    assert move(cli, tmp_path / "new", *words).code == 0
    assert payload(tmp_path / "new") == expected(listed)


def test_a_broken_connection_is_named_and_nothing_of_the_archive_is_seen(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    move(cli, tmp_path / "new", *words)
    listed.finish()
    listed.cut = 2
    cut = move(cli, tmp_path / "new", *words)
    assert cut.code == 5
    assert set(found(cut).values()) == {"archive-failed"}
    assert payload(tmp_path / "new") == {}
    listed.cut = None
    assert move(cli, tmp_path / "new", *words).code == 0


def test_a_part_that_somebody_else_asked_for_is_not_taken_for_the_whole(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    video = list(listed.archives)[3]
    listed.begin(video, part="0-1048575")
    listed.finish()
    assert inside(move(cli, tmp_path / "new", *words)) == {"asked": 4}


def test_a_job_that_failed_is_named_and_asked_for_again(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    move(cli, tmp_path / "new", *words)
    listed.finish("Failed", "internal error")
    failed = move(cli, tmp_path / "new", *words)
    assert failed.code == 5
    assert set(found(failed).values()) == {"archive-failed"}
    assert inside(move(cli, tmp_path / "new", *words)) == {"asked": 4}


def test_hostile_and_repeated_names_stay_below_and_apart(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    listed.archives.clear(), listed.listed.clear()
    for number, name in enumerate(
        [
            "../../etc/passwd",
            "/etc/passwd",
            "a/../../b",
            ".bondstore/x",
            *["same"] * 12,
            "..\\..\\w",
            "\\\\h\\s",
        ]
    ):
        listed.upload(b"%d" % number, name)
    refresh(listed, cli)
    dest = tmp_path / "new"
    move(cli, dest, *words)
    listed.finish()
    assert move(cli, dest, *words).code == 0
    made = payload(dest)
    assert sorted(map(int, made.values())) == list(range(18))
    assert {"same", "same~2", "same~9", "etc/passwd"} <= made.keys()
    assert not any(part in ("..", ".", "") for name in made for part in name.split("/"))
    assert {one.name for one in tmp_path.iterdir()} <= {"new", "home", "project", "passphrase"}
    refresh(listed, cli)
    assert move(cli, dest, *words).records[-1]["skipped"] == 18


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "encrypted"])
def test_a_file_and_a_folder_of_one_name_are_both_there_and_can_be_got(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...], *, sealed: bool
) -> None:
    listed.archives.clear()
    listed.listed.clear()
    names = ["a", "a/b", "c/d", "c", "x/y/z", "x/y", "a/b"]
    for number, name in enumerate(names):
        listed.upload(b"%d" % number, name)
    refresh(listed, cli)
    dest, back = tmp_path / "new", tmp_path / "back"
    more = ("--seal-for", "owner") if sealed else ()
    move(cli, dest, "--at-once", "4", *more, *words)
    listed.finish()
    assert move(cli, dest, "--at-once", "4", *more, *words).code == 8
    listed.finish()
    assert move(cli, dest, "--at-once", "4", *more, *words).code == 0
    assert cli("get", str(dest), str(back), *(("--unseal", *words) if sealed else ())).code == 0
    assert {name: int(content) for name, content in tree_of(back).items()} == {
        "a": 0,
        "a~2/b": 1,
        "c/d": 2,
        "c~2": 3,
        "x/y/z": 4,
        "x/y~2": 5,
        "a~3/b": 6,
    }
    assert move(cli, dest, *more, *words).records[-1]["skipped"] == 7


@pytest.mark.parametrize(
    ("description", "path"),
    [
        ("../x", "%2E./x"),
        ("C:\\eeg\\p1.edf", "C:/eeg/p1.edf"),
        ("//a//b/", "a/b"),
        (".hidden", ".hidden"),
        (".", "unnamed/i"),
    ],
)
def test_where_an_archive_goes(description: str, path: str) -> None:
    said = {"ArchiveId": "i", "ArchiveDescription": description, "Size": 1, "SHA256TreeHash": "0" * 64}
    assert Archive.parse(said).path == path


def test_into_s3_sealed_in_parts(
    listed: Glacier, cli: Call, s3_environment: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    url = f"{s3_environment}/new"
    move(cli, url, "--seal-for", "owner", *words)
    listed.finish()
    done = move(cli, url, "--seal-for", "owner", *words)
    assert done.code == 0, done
    assert cli("get", url, str(tmp_path / "back"), "--unseal", *words).code == 0
    assert tree_of(tmp_path / "back") == expected(listed)


def test_without_an_inventory_it_says_how_to_get_one(
    glacier: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    missing = cli("vault", "migrate", "lab", str(tmp_path / "new"), "--yes", *words)
    assert missing.code == 3
    assert "bondstore vault inventory lab" in missing.err


def test_the_plan_says_what_it_takes_and_asks_for_nothing(
    listed: Glacier, cli: Call, tmp_path: Path, words: tuple[str, ...]
) -> None:
    plan = cli("vault", "migrate", "lab", str(tmp_path / "new"), "--at-once", "3", "--dry-run", *words)
    assert plan.code == 0
    assert "Requests: 3 to bring archives back (bulk), billed by request and by GB (3.0 kB)" in plan.err
    assert "5 to 12 hours" in plan.err
    assert "1 archive more (16.8 MB) in later runs: 3 at a time" in plan.err
    assert listed.asked == []
    assert cli("vault", "migrate", "lab", str(tmp_path / "new"), *words).code == 2
    assert listed.asked == []
    assert cli("vault", "migrate", "lab", str(tmp_path / "new"), "--tier", "soon", *words).code == 2


def test_killed_at_eight_instants_it_asks_once_and_gives_the_same(
    listed: Glacier, cli: Call, s3_environment: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    line = ["vault", "migrate", "lab", f"{s3_environment}/new", "--seal-for", "owner", "--yes", *words]
    draw = random.Random(12)

    def killed(after: float) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "bondstore", *line],
            env=os.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(after)
        process.kill()
        process.wait()

    started = time.monotonic()
    assert cli(*line, "--dry-run").code == 0
    usual = max(1.0, 2 * (time.monotonic() - started))
    for _ in range(3):
        killed(draw.uniform(0.3, 1.5) * usual)
    assert cli(*line).code == 8
    assert len({one.archive for one in listed.jobs.values() if one.archive}) == 4
    # an archive is asked for twice only where the kill came between the request and the service's answer
    assert listed.asked.count("POST archive") == 4
    listed.finish()
    for _ in range(5):
        killed(draw.uniform(0.5, 3.0) * usual)
    assert cli(*line).code == 0
    assert listed.asked.count("POST archive") == 4
    assert cli("verify", f"{s3_environment}/new", "--deep").code == 0
    assert cli("get", f"{s3_environment}/new", str(tmp_path / "back"), "--unseal", *words).code == 0
    assert tree_of(tmp_path / "back") == expected(listed)


def test_against_moto(
    cli: Call, owner: Recipients, moto_environment: Moto, words: tuple[str, ...], tmp_path: Path
) -> None:
    client = moto_environment.client("glacier")
    client.create_vault(vaultName="lab")
    content = noise(300_000)
    client.upload_archive(vaultName="lab", archiveDescription="p1/day1.edf", body=content)
    for call in (
        lambda: cli("vault", "inventory", "lab", "--yes"),
        lambda: move(cli, tmp_path / "new", "--tier", "expedited", *words),
    ):
        deadline = time.monotonic() + 40  # moto's jobs take two to ten seconds
        while (result := call()).code == 8:
            assert time.monotonic() < deadline
            time.sleep(1)
        assert result.code == 0, result
    assert payload(tmp_path / "new") == {"p1/day1.edf": content}
    assert hashlib.sha256(content).hexdigest() in (tmp_path / "new" / "manifest-sha256.txt").read_text()
