"""No more files may be open, or no more memory be had: a sentence of its own, and the same command goes on after it."""

from __future__ import annotations

import errno
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from demo.phones import Shape as Zips
from demo.phones import make as make_zips
from demo.study import Shape, make

from bondstore.cli.failures import describe
from bondstore.cli.main import main
from bondstore.domains.ocean.reading import netcdf, wire
from bondstore.domains.ocean.reading.netcdf import Helper
from bondstore.errors import ConfigurationError, DamagedError, Exit, OutOfMemoryError, used_up
from tests.ocean_files import argo_nc, moana_fleet
from tests.oceanlab import LITTLE
from tests.studies import Ended, Lab, Tree, tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of other systems differ")

LIMITED = """
import resource, runpy, sys
name, bound = sys.argv[1].split("=")
resource.setrlimit(getattr(resource, name), (int(bound), int(bound)))
sys.argv = ["bondstore", *sys.argv[2:]]
runpy.run_module("bondstore", run_name="__main__")
"""


def limited(line: list[str], name: str, bound: int) -> list[str]:
    """Return a command's line under a limit."""
    return [line[0], "-c", LIMITED, f"{name}={bound}", *line[3:]]


def study(lab: Lab) -> list[str]:
    lab.fill(make(Shape(participants=2, hours=4, rows=20)))
    return lab.export_words("--format", "parquet", "--jobs", "1", "--json")


def fleet(lab: Lab) -> list[str]:
    source = lab.folder / "raw"
    files = moana_fleet(6, levels=6, seed=5) | {f"argo{n}.nc": argo_nc(cycles=[n]) for n in range(3)}
    for name, data in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    (lab.folder / "little.toml").write_text(LITTLE)
    words = ["--tests", str(lab.folder / "little.toml"), "--format", "both", "--jobs", "1", "--yes", "--json"]
    return lab.command("ocean", "qc", str(source), str(lab.dest), *words)


def phones(lab: Lab) -> list[str]:
    for one in make_zips(Zips(panelists=2, zips=2, screenshots=1, rows=4, size=(96, 208))):
        lab.put(one.key, one.data)
    words = ["--redact", "none", "--query-id", "q", "--yes", "--json", "--jobs", "1"]
    return lab.command("screenlake", "process", lab.url, str(lab.dest), *words)


JOBS: dict[str, Callable[[Lab], list[str]]] = {"study": study, "fleet": fleet, "phones": phones}


ENDS = (0, 1, 130, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGINT)
"""OpenBLAS even interrupts the program (SIGINT) where it cannot have a thread."""


def made_by(lab: Lab) -> Tree:
    """What came out, but for pages that say when."""
    return {path: data for path, data in tree(lab.dest).items() if ".html" not in path}


def goes_on(lab: Lab, line: list[str], ended: Ended) -> None:
    """Nothing is called damaged that is not, and without the limit the same command makes the rest."""
    assert '"quarantined": 0' in ended.out or '"quarantined"' not in ended.out, ended.out
    code = lab.run(line).code
    if code == 5:  # memory ran out inside the netCDF library: see nothing-lost.md
        code = lab.run(lab.command("run", "retry", "last", "--dest", str(lab.dest), "--yes")).code
    assert code == 0


@pytest.mark.parametrize("job", JOBS)
def test_too_many_open_files(lab: Lab, job: str) -> None:
    line = JOBS[job](lab)
    assert lab.run(line).code == 0
    calm = made_by(lab)
    refused = 0
    for bound in (40, 18, 15, 12, 9):
        shutil.rmtree(lab.dest)
        ended = lab.run(limited(line, "RLIMIT_NOFILE", bound))
        assert ended.code in (0, 4), (bound, ended)
        if ended.code == 4:
            refused += 1
            assert "Error: Too many files and connections are open" in ended.err
            assert "ulimit -n" in ended.err
            assert "Traceback" not in ended.err
            goes_on(lab, line, ended)
        assert made_by(lab) == calm, bound
    assert refused >= 2, "no limit was low enough"


@pytest.mark.parametrize("job", JOBS)
def test_out_of_memory(lab: Lab, job: str) -> None:
    """A library in C or Rust may give up the whole process (SIGABRT, or 1 of its own); no result is wrong by that."""
    line = JOBS[job](lab)
    assert lab.run(line).code == 0
    calm = made_by(lab)
    codes = []
    for bound in (450, 300, 200, 150):
        shutil.rmtree(lab.dest, ignore_errors=True)
        ended = lab.run(limited(line, "RLIMIT_AS", bound << 20))
        codes.append(ended.code)
        assert ended.code in ENDS, (bound, ended)
        if ended.code:
            goes_on(lab, line, ended)
        assert made_by(lab) == calm, bound
    assert any(codes), "no limit was low enough"


THREADLESS = """
import runpy, sys, threading
usual = threading.Thread._bootstrap
def begin(thread):
    if thread.name != "unraisable": raise MemoryError
    usual(thread)
threading.Thread._bootstrap = begin
sys.argv = ["bondstore", *sys.argv[1:]]
runpy.run_module("bondstore", run_name="__main__")
"""


def test_a_thread_that_cannot_begin_for_want_of_memory_ends_the_program(lab: Lab) -> None:
    """It is waited for otherwise, for ever: of Python's threads none says that it died before it began."""
    line = fleet(lab)
    ended = lab.run([line[0], "-c", THREADLESS, *line[3:]])
    assert ended.code == 1
    assert ended.err.endswith(
        "Error: The memory is used up.\nHint: What was done is kept. Run the same command again with fewer --jobs.\n"
    )
    goes_on(lab, line, ended)


def test_what_python_tells_nobody_goes_where_it_went_before_once_a_command_has_ended() -> None:
    before = sys.unraisablehook
    assert [main(["--version"]), main(["--version"])] == [0, 0]
    assert sys.unraisablehook is before


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (MemoryError(), 1, "The memory is used up."),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 1, "The memory is used up."),
        (RuntimeError("can't start new thread"), 1, "The memory is used up."),
        (OSError(errno.EMFILE, "Too many open files"), 4, "Too many files and connections are open"),
        (OSError(errno.ENFILE, "Too many open files in system"), 4, "Too many files and connections are open"),
    ],
)
def test_the_sentence_whatever_wraps_it(error: Exception, code: int, sentence: str) -> None:
    def wrapped() -> BaseException:
        first, second = ImportError("it cannot be loaded"), ConfigurationError("The ledger could not be opened.")
        first.__cause__, second.__context__ = error, first
        return second

    for one in (error, wrapped()):
        message, hint, found = describe(one)
        assert message.startswith(sentence)
        assert hint is not None
        assert "--jobs" in hint
        assert found == code
    assert describe(ConfigurationError("The file 'out of memory' is none."))[0].startswith("The file")


KILLED = "import os, signal, sys; sys.stdin.buffer.read(9); os.kill(os.getpid(), signal.SIGKILL)"


def test_a_reading_process_that_the_system_kills_is_no_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    helper = Helper()
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda _, **options: start([sys.executable, "-c", KILLED], **options))
    with pytest.raises(OutOfMemoryError):
        helper.ask("read", argo_nc(), "x.nc")
    monkeypatch.undo()
    assert len(helper.ask("read", argo_nc(), "x.nc")[0]) == 2
    helper.close()


def test_an_error_that_stands_behind_itself_is_told() -> None:
    """As two shards of a pool whose worker died raise it: both by one and the same error of the pool."""
    pool, told = RuntimeError("A process in the pool was terminated."), ImportError("no")
    told.__cause__, pool.__context__ = pool, told
    assert used_up(told) is None
    assert describe(told)[2] is Exit.UNEXPECTED


ENDED = "import sys; sys.stdin.buffer.read(9); sys.exit(1)"


def test_memory_that_is_used_up_in_one_reading_process_alone_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    helper, words = Helper(), iter([[sys.executable, "-c", ENDED]])
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda usual, **options: start(next(words, usual), **options))
    assert len(helper.ask("read", argo_nc(), "x.nc")[0]) == 2
    helper.close()


def _served(monkeypatch: pytest.MonkeyPatch, name: str, made: Callable[..., Any]) -> wire.Answer:
    source, sink = BytesIO(), BytesIO()
    wire.ask(source, "read", argo_nc(), "x.nc")
    source.seek(0)
    monkeypatch.setattr(netcdf, name, made)
    netcdf.serve(source, sink)
    sink.seek(0)
    return wire.answered(sink, "x.nc", 1000)


def test_an_answer_that_cannot_be_written_is_a_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _served(monkeypatch, "read_here", lambda *_: (object(), []))
    assert isinstance(answer, DamagedError)
    assert answer.kind == "netcdf-damaged"


def test_memory_that_is_used_up_while_a_file_is_read_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*_: object) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        _served(monkeypatch, "read_here", too_much)
