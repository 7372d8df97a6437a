"""``bondstore run`` and ``audit`` for a run that wrote to a store: it goes on there and nowhere else."""

from __future__ import annotations

import os
import pickle
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from demo.study import STUDY

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.resolve import resolve_dest
from bondstore.domains.beiwe.export.files import Files
from bondstore.domains.beiwe.opening import open_study
from bondstore.errors import Interrupted
from bondstore.runs import engine
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Serial
from bondstore.runs.store_destination import StoreDestination
from bondstore.stores import open_store
from bondstore.stores.address import dest_spec
from tests.cli.conftest import Call, Result
from tests.cli.exports import KEY_VARIABLE, Between, Lab, lab
from tests.homes import Home
from tests.servers.seaweedfs import SeaweedFS

__all__ = ["lab"]


@dataclass(frozen=True)
class Away:
    """A lab that exports to a store."""

    lab: Lab
    spec: StoreSpec

    @property
    def place(self) -> StoreDestination:
        return StoreDestination(self.spec)

    @property
    def copy(self) -> Path:
        """The folder where the account keeps the copy of the record."""
        return self.place.corner.parent

    def export(self, executor: Any = None) -> RunResult:
        return execute(replace(self.lab.job(), dest=self.spec), self.place, executor or Serial(), tool="test 1")

    def stopped(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Stop an export by Ctrl-C after ten objects; return the command it names to go on, as words."""
        monkeypatch.setattr(Files, "number", 10)
        with pytest.raises(Interrupted) as told:
            self.export(Between(_stop))
        assert told.value.hint is not None
        return shlex.split(told.value.hint.removeprefix("Go on with: bondstore "))

    def written(self) -> list[str]:
        return sorted(one.key for one in open_store(self.spec).list() if not one.key.startswith(".bondstore/"))

    def beside_the_copy(self) -> list[str]:
        return [one.name for one in self.copy.iterdir() if one.name != ".bondstore"]


def _stop() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def away(lab: Lab, s3_environment: str) -> Away:
    return Away(lab, resolve_dest(f"{s3_environment}/out"))


@pytest.fixture
def safe(away: Away, home: Home, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> Away:
    """The store opened with a profile of its own, which forbids plaintext on a disk; nothing else opens it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SAFE_ID", seaweedfs.access_key)
    monkeypatch.setenv("SAFE_SECRET", seaweedfs.secret_key)
    text = (
        f'endpoint = "{seaweedfs.endpoint}"\nregion = "{seaweedfs.region}"\nplaintext = "{{}}"\n'
        'access_key = "env:SAFE_ID"\nsecret_key = "env:SAFE_SECRET"\n'
    )
    home.write_user("[profile.safe]\n" + text.format("forbidden") + "[profile.other]\n" + text.format("allowed"))
    return Away(away.lab, resolve_dest(away.spec.url, "safe"))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """Jobs that commands execute, each with the destination it was given."""
    seen: list[tuple[Any, Any]] = []
    real: Callable[..., RunResult] = engine.execute

    def watched(job: Any, destination: Any, *words: Any, **more: Any) -> RunResult:
        seen.append((job, destination))
        return real(job, destination, *words, **more)

    monkeypatch.setattr(engine, "execute", watched)
    return seen


@pytest.mark.parametrize("verb", ["resume", "retry"])
def test_the_copy_of_a_record_stands_for_its_store(
    verb: str, away: Away, cli: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    away.stopped(monkeypatch)
    done = len(away.written())
    assert 0 < done < len(away.lab.data)
    result = cli("run", verb, "last", "--dest", str(away.copy), "--jobs", "1", "--json")
    assert result.code == 0, result.err
    assert (result.records[-1]["done"], result.records[-1]["skipped"]) == (len(away.lab.data) - done, done)
    assert len(away.written()) == len(away.lab.data)
    assert away.beside_the_copy() == []


def test_what_is_shown_of_the_copy_is_the_store_s(away: Away, cli: Call, tmp_path: Path) -> None:
    damaged = away.lab.damage(1)
    run = away.export().run
    dest = ("--dest", str(away.copy))
    assert [one["id"] for one in cli("run", "list", *dest, "--json").records] == [run]
    shown = cli("run", "show", "last", *dest)
    assert damaged[0] in shown.out
    assert f"Quarantine {away.spec.url}/.bondstore/quarantine" in shown.out
    assert f"run retry {run} --dest {away.spec.url}\n" in shown.err
    assert cli("audit", "verify", "--files", *dest).code == 0
    assert cli("audit", "show", *dest, "--json").records


@pytest.mark.parametrize("verb", ["resume", "retry"])
def test_another_place_than_the_recorded_one_is_refused(
    verb: str, away: Away, cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away.stopped(monkeypatch)
    before = away.written()
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(away.copy, elsewhere)
    assert cli("run", "show", "last", "--dest", str(elsewhere)).code == 0
    for more in ((), ("--dry-run",)):
        refused = cli("run", verb, "last", "--dest", str(elsewhere), *more)
        assert refused.code == 2
        assert f"wrote to {away.spec.url}" in refused.err
        assert f"--dest {away.spec.url}\n" in refused.err
    assert away.written() == before
    assert [one.name for one in elsewhere.iterdir()] == [".bondstore"]


def test_an_address_may_be_written_in_another_way(away: Away, cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    away.stopped(monkeypatch)
    assert cli("run", "resume", "last", "--dest", f"{away.spec.url}/", "--jobs", "1").code == 0
    assert len(away.written()) == len(away.lab.data)
    ended = cli("run", "resume", "last", "--dest", f"{away.spec.url}/")
    assert (ended.code, "had come to its end" in ended.err) == (0, True)


def test_a_store_has_one_copy_of_its_record_however_its_address_is_written(safe: Away, cli: Call) -> None:
    source = ("--store", safe.lab.bucket.as_uri(), "--key", f"env:{KEY_VARIABLE}", "--study", STUDY)
    named = ("--dest-profile", "safe")
    assert cli("beiwe", "export", f"{safe.spec.url}/", *source, *named, "--jobs", "1").code == 0
    assert cli("run", "show", "last", "--dest", f"{safe.spec.url}/", *named).code == 0
    assert cli("audit", "verify", "--dest", safe.spec.url, *named).code == 0
    assert list(safe.copy.parent.iterdir()) == [safe.copy]


def test_a_folder_with_its_record_may_be_moved(lab: Lab, cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Files, "number", 10)
    with pytest.raises(Interrupted):
        lab.export(Between(_stop))
    moved = lab.out.rename(lab.out.with_name("moved"))
    assert cli("run", "resume", "last", "--dest", str(moved), "--jobs", "1").code == 0
    assert not lab.out.exists()


def test_the_command_to_go_on_names_the_profile(safe: Away, cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    words = safe.stopped(monkeypatch)
    assert words[-4:] == ["--dest", safe.spec.url, "--dest-profile", "safe"]
    result = cli(*words, "--jobs", "1")
    assert result.code == 0, result.err
    assert f"bondstore audit verify --dest {safe.spec.url} --dest-profile safe\n" in result.err
    assert len(safe.written()) == len(safe.lab.data)


def test_every_command_takes_the_profile_and_names_it_in_the_next(safe: Away, cli: Call) -> None:
    safe.lab.damage(1)
    run = safe.export().run
    dest = ("--dest", safe.spec.url)
    named = (*dest, "--dest-profile", "safe")
    assert cli("run", "list", *dest).code == 4  # nothing else opens the store
    commands: list[tuple[str, ...]] = [("run", "list"), ("run", "show", "last"), ("audit", "show"), ("audit", "verify")]
    results: list[Result] = [cli(*words, *named) for words in commands]
    assert [one.code for one in results] == [0] * len(commands)
    assert f"bondstore run retry {run} {' '.join(named)}\n" in results[1].err
    assert cli("run", "show", "last", "--dest", str(safe.copy)).code == 0  # by what the run recorded
    assert cli("run", "list", *dest, "--dest-profile", "nobody").code == 3
    for verb in ("show", "verify"):
        assert cli("audit", verb, "--dest-profile", "safe").code == 2
        assert cli("audit", verb, "--dest", str(safe.lab.out), "--dest-profile", "nobody").code == 3


@pytest.mark.parametrize("verb", ["resume", "retry"])
def test_a_run_goes_on_with_the_settings_it_recorded(
    verb: str,
    safe: Away,
    cli: Call,
    seen: list[tuple[Any, Any]],
    seaweedfs: SeaweedFS,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    safe.stopped(monkeypatch)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweedfs.access_key)  # what holds without a word opens the store as well
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweedfs.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", seaweedfs.endpoint)
    monkeypatch.setenv("AWS_REGION", seaweedfs.region)
    assert cli("run", verb, "last", "--dest", safe.spec.url, "--jobs", "1").code == 0
    ((job, place),) = seen
    assert (job.dest.profile.name, place.spec.profile.name) == ("safe", "safe")
    assert place.spec.profile.plaintext == "forbidden"


def test_another_profile_stands_in_for_the_recorded_one(
    safe: Away, cli: Call, seen: list[tuple[Any, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    safe.stopped(monkeypatch)
    words = ("run", "retry", "last", "--dest", safe.spec.url, "--dest-profile", "other", "--jobs", "1")
    assert cli(*words).code == 0
    ((job, place),) = seen
    assert (job.dest.profile.name, place.spec.profile.name) == ("other", "other")
    newest = cli("run", "show", "last", "--dest", safe.spec.url, "--dest-profile", "other", "--json").records[0]
    assert newest["params"]["dest_profile"] == "other"


def test_a_profile_that_is_not_here_is_said_with_the_option_for_another(
    safe: Away, cli: Call, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe.stopped(monkeypatch)
    home.write_user(home.user_file.read_text().replace("[profile.safe]", "[profile.renamed]"))
    named = ("--dest", safe.spec.url, "--dest-profile")
    gone = cli("run", "resume", "last", "--dest", str(safe.copy))
    assert (gone.code, "--dest-profile NAME" in gone.err, "Known: other, renamed" in gone.err) == (3, True, True)
    assert cli("run", "resume", "last", *named, "renamed", "--jobs", "1").code == 0


def test_the_copy_of_a_record_is_no_place_for_results(away: Away, cli: Call) -> None:
    away.export()
    source = ("--store", away.lab.bucket.as_uri(), "--key", f"env:{KEY_VARIABLE}", "--study", STUDY)
    for words in (("beiwe", "export", str(away.copy), *source), ("screenlake", "review", str(away.copy))):
        refused = cli(*words)
        assert refused.code == 2
        assert f"Name the store: {away.spec.url}\n" in refused.err
    assert away.beside_the_copy() == []


def test_hints_of_domains_name_the_profile(safe: Away) -> None:
    from bondstore.cli.ocean import _ending as ocean
    from bondstore.cli.screenlake import _ending as screenlake
    from bondstore.domains.screenlake.review import sheet

    params = {"dest": safe.spec.url, "dest_profile": "safe"}
    assert ocean.ending(params, safe.place).steps == (
        f"bondstore release publish PUBLIC-URL --from {safe.spec.url} --from-profile safe --dry-run",
    )
    assert screenlake._review("q", safe.place) == (f"bondstore screenlake review {safe.spec.url} --dest-profile safe")
    assert sheet._command(safe.place, "q") == (
        f"bondstore screenlake review {safe.spec.url} --query-id q --dest-profile safe"
    )


def test_a_bucket_that_no_bucket_can_be_called_is_not_there(away: Away, lab: Lab, cli: Call) -> None:
    study = ("--store", lab.bucket.as_uri(), "--study", STUDY, "--key", f"env:{KEY_VARIABLE}")
    result = cli("beiwe", "export", "s3://Bad_Bucket/x", *study)
    assert result.code == 3
    assert "There is no bucket for s3://Bad_Bucket/x." in result.err
    assert "Check the bucket's name" in result.err


@pytest.mark.parametrize("words", [("export",), ("reconcile", "--rebuild")], ids=" ".join)
def test_a_study_in_a_folder_goes_to_the_service_that_the_environment_names(
    words: tuple[str, ...], away: Away, lab: Lab, cli: Call
) -> None:
    study = ("--store", lab.bucket.as_uri(), "--study", STUDY, "--key", f"env:{KEY_VARIABLE}")
    result = cli("beiwe", *words, away.spec.url, *study, "--jobs", "1", "--json")
    assert result.code == 0, result.err
    assert away.written() or words[0] == "reconcile"
    shown = cli("run", "list", "--dest", away.spec.url, "--json").records
    assert [one["state"] for one in shown] == ["finished"]


def test_settings_that_are_handed_over_in_python_open_the_destination_as_well(
    away: Away, lab: Lab, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    source = StoreSpec(lab.bucket.as_uri(), Profile(endpoint=seaweedfs.endpoint, region=seaweedfs.region))
    study = pickle.loads(pickle.dumps(open_study(source, STUDY, key=f"env:{KEY_VARIABLE}")))
    place = dest_spec(away.spec.url, study.settings)
    assert place.profile.endpoint == seaweedfs.endpoint


@pytest.mark.parametrize(
    "words",
    [("run", "list"), ("run", "show", "last"), ("run", "resume", "last"), ("run", "retry", "last"), ("audit", "verify"),
     ("audit", "show")],
    ids=" ".join,
)  # fmt: skip
def test_a_store_without_a_record_is_named_as_it_was(words: tuple[str, ...], away: Away, cli: Call) -> None:
    result = cli(*words, "--dest", f"{away.spec.url}/nothing")
    assert result.code == 3
    assert f"No run is recorded in {away.spec.url}/nothing." in result.err
    assert "destinations" not in result.err
