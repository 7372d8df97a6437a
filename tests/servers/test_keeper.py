"""No server outlives the tests, in whatever way they end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import sys, time
from pathlib import Path
from tests.servers.ports import free_ports
from tests.servers.process import ServerProcess, temporary_folder


def test_with_a_server():
    folder, [port] = temporary_folder("kept-"), free_ports(1)
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    server = ServerProcess(command, folder / "log", f"http://127.0.0.1:{port}/")
    server.start()
    Path(__file__).with_name("written").write_text(f"{server.pid} {folder}")
    Path(__file__).with_name("written").rename(Path(__file__).with_name("started"))
    time.sleep(600)
"""


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("workers", "number"),
    [(0, signal.SIGKILL), (0, signal.SIGTERM), (0, signal.SIGINT), (1, signal.SIGKILL), (1, signal.SIGINT)],
)
def test_servers_end_with_the_tests(workers: int, number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", str(workers), str(tmp_path / "test_it.py")]
    with (tmp_path / "output").open("wb") as out:
        tests = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    started = tmp_path / "started"
    wait_until(lambda: started.exists() or tests.poll() is not None)
    assert tests.poll() is None, (tmp_path / "output").read_text()
    pid, folder = started.read_text().split()
    family = psutil.Process(tests.pid).children(recursive=True)
    assert int(pid) in {one.pid for one in family}
    tests.send_signal(number)
    tests.wait(180)
    wait_until(lambda: not any(map(alive, family)))
    wait_until(lambda: not Path(folder).exists())
