"""No job speaks to anybody but its endpoint: the kernel is asked, as libraries may call home by themselves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from demo.phones import Shape
from demo.study import KEY, STUDY
from demo.study import Shape as StudyShape
from demo.study import make as make_study

from bondstore.config.resolve import resolve_store
from bondstore.stores import open_store
from tests.oceanlab import Sea, dive_on
from tests.phonelab import PhoneLab

_INTERNET = re.compile(r'sa_family=(AF_INET6?), .*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"')
LOOPBACK = ("127.", "::1", "::ffff:127.")


@pytest.fixture
def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what keeps libraries quiet in other tests."""
    if shutil.which("strace") is None:
        pytest.fail("strace is needed; as root: apt-get install strace")
    probe = subprocess.run(["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "true"], capture_output=True)
    if probe.returncode != 0:
        pytest.skip("the kernel lets nobody be traced here")
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    monkeypatch.delenv("CI", raising=False)  # some libraries keep quiet in CI alone


def called(tmp_path: Path, *words: str, code: int = 0) -> list[str]:
    """Run a command with its workers; return the addresses that any of its threads tried to connect to."""
    log = tmp_path / "connects"
    trace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-o", str(log)]
    done = subprocess.run(
        [*trace, sys.executable, "-m", "bondstore", *words], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == code, done.stderr
    return [found[2] for line in log.read_text().splitlines() if (found := _INTERNET.search(line))]


def nobody_but_here(addresses: list[str]) -> bool:
    return all(one.startswith(LOOPBACK) for one in addresses)


def test_that_a_call_would_be_seen(tmp_path: Path, traced: None) -> None:
    log = tmp_path / "log"
    code = "import socket; s = socket.socket(); s.settimeout(0.01); s.connect_ex(('127.0.0.99', 9))"
    subprocess.run(
        ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-o", str(log), sys.executable, "-c", code],
        check=True,
    )
    assert [found[2] for line in log.read_text().splitlines() if (found := _INTERNET.search(line))] == ["127.0.0.99"]


def test_faces_and_text_in_pictures(tmp_path: Path, traced: None) -> None:
    lab = PhoneLab(tmp_path)
    lab.fill(Shape(panelists=1, zips=2, screenshots=2, restricted=0, rows=4, size=(96, 160), opted_out=0, quotes=0.0))
    words = ("screenlake", "process", str(lab.source), str(lab.dest), "--ocr", "--fast", "--jobs", "2", "--batch", "1")
    assert called(tmp_path, *words) == []
    assert [path for path in lab.dest.rglob("*") if path.suffix in (".jpg", ".jpeg", ".png")]
    cache = Path(os.environ["XDG_CACHE_HOME"])
    assert not cache.exists() or not [path for path in cache.rglob("*") if "icrosoft" in str(path)]


def test_profiles_tested_written_and_drawn(tmp_path: Path, traced: None) -> None:
    sea = Sea(tmp_path, (tmp_path / "qc").as_uri())
    sea.hold({f"{number}.csv": dive_on(f"202405{number + 10}", str(number)) for number in range(3)})
    qc = ("ocean", "qc", sea.source.as_uri(), sea.dest, "--tests", str(sea.little), "--format", "both", "--plots")
    assert called(tmp_path, *qc, "--jobs", "2") == []
    assert list((tmp_path / "qc").rglob("*.png"))


def test_a_study_exported_from_its_endpoint(
    tmp_path: Path, s3_environment: str, traced: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_study(StudyShape(participants=1, hours=2, rows=20, missing=0.0))
    open_store(resolve_store(s3_environment)).put_many([(one.key, one.sealed) for one in made])
    monkeypatch.setenv("CALLS_KEY", KEY)
    words = ("beiwe", "export", str(tmp_path / "out"), "--store", s3_environment, "--study", STUDY, "--jobs", "2")
    found = called(tmp_path, *words, "--key", "env:CALLS_KEY", "--format", "parquet")
    assert found
    assert nobody_but_here(found), found
