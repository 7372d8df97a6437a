"""A server that dies in the middle of a run: back within the patience nothing is lost; away for longer it is said."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from demo.study import Made, Shape, make

from tests.conftest import IN_CI
from tests.servers.seaweedfs import SeaweedFS, find_weed
from tests.studies import Lab, Tree, leftovers, original_files, tree

FORMS = ["original", "parquet"]


@pytest.fixture(scope="module")
def mortal(_scrubbed_session: None) -> Iterator[SeaweedFS]:
    """A server that these tests may kill; each leaves it running."""
    if find_weed() is None:
        (pytest.fail if IN_CI else pytest.skip)("SeaweedFS cannot run here")
    with SeaweedFS() as server:
        yield server


@pytest.fixture(scope="module")
def made() -> list[Made]:
    return list(make(Shape(participants=4, hours=36, rows=60)))


@pytest.fixture(scope="module")
def filled(mortal: SeaweedFS, made: list[Made], tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(mortal, mortal.create_bucket("mortal"), tmp_path_factory.mktemp("fill"))
    lab.fill(made)
    return lab


@pytest.fixture(scope="module")
def expected(filled: Lab, made: list[Made]) -> dict[str, Tree]:
    """What an undisturbed run gives."""
    trees = {}
    for form in FORMS:
        dest = filled.folder / form
        assert filled.export("--format", form, dest=dest).code == 0
        trees[form] = tree(dest)
    assert trees["original"] == original_files(made)
    return trees


@pytest.fixture
def lab(filled: Lab, tmp_path: Path) -> Lab:
    return replace(filled, folder=tmp_path)


def when_at_work(lab: Lab, form: str) -> subprocess.Popen[bytes]:
    """Start an export, and return once its first outputs are there and more are to come."""
    process = lab.start_export("--format", form, "--jobs", "1", "--json")
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up and process.poll() is None:
        folder = lab.dest / ("tables" if form == "parquet" else "chunked")
        if folder.exists():
            return process
        time.sleep(0.002)
    raise AssertionError((lab.folder / "home" / "stderr").read_text())


def bring_back(lab: Lab, made: list[Made]) -> None:
    """Start the server again, and wait until it finds its objects: it answers a little earlier than that."""
    lab.server.start()
    client = lab.server.client()
    give_up = time.monotonic() + 60
    for one in made[::25]:
        while True:
            try:
                client.get_object(Bucket=lab.bucket, Key=one.key)["Body"].read()
                break
            except (BotoCoreError, ClientError):
                assert time.monotonic() < give_up
                time.sleep(0.05)


def told(lab: Lab) -> str:
    return (lab.folder / "home" / "stderr").read_text()


@pytest.mark.parametrize("form", FORMS)
def test_back_within_the_patience(lab: Lab, expected: dict[str, Tree], form: str) -> None:
    process = when_at_work(lab, form)
    lab.server.kill9()
    assert len(tree(lab.dest)) < len(expected[form])
    lab.server.start()
    assert process.wait(120) == 0, told(lab)
    assert tree(lab.dest) == expected[form]
    assert leftovers(lab.dest) == []


@pytest.mark.parametrize("form", FORMS)
def test_away_for_longer_than_the_patience(lab: Lab, made: list[Made], expected: dict[str, Tree], form: str) -> None:
    lab.configure("retries = 0\nconnect_timeout = 1\nstall_timeout = 1")
    process = when_at_work(lab, form)
    lab.server.kill9()
    try:
        code = process.wait(60)
        error = [line for line in told(lab).splitlines() if line.startswith("Error: ")]
        assert len(error) == 1, told(lab)
        if "The connection broke" in error[0]:  # without patience, a listing cut in its midst is final as well
            assert code == 1
        else:
            assert code == 4
            assert f"s3://{lab.bucket} gives no answer" in error[0]
        assert "Traceback" not in told(lab)
        assert tree(lab.dest).items() < expected[form].items()
        assert lab.export("--format", form).code == 4  # nor does it begin while the server is away
    finally:
        bring_back(lab, made)
    ended = lab.export("--format", form)
    assert ended.code == 0, ended.err
    assert ended.tally["skipped"] > 0
    assert tree(lab.dest) == expected[form]
    assert leftovers(lab.dest) == []
