"""The command line as a process: what it loads, streams, pipes, completion."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from bondstore import __version__
from bondstore.cli.table import commands, own_nouns
from tests.cli.conftest import Call
from tests.homes import Home

# Each takes longer to load than all that help needs.
HEAVY = {
    "asyncio", "boto3", "botocore", "cryptography", "jinja2", "matplotlib", "multiprocessing", "netCDF4", "numpy",
    "obstore", "onnxruntime", "pandas", "PIL", "polars", "psycopg", "pyarrow", "pydantic", "pydantic_core", "rich",
    "scipy", "sqlalchemy", "sqlite3", "starlette", "xarray", "zstandard",
}  # fmt: skip
LOADED = "import sys; from bondstore.cli.main import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"


def loaded(code: str, *words: str) -> set[str]:
    """Return the modules that a fresh Python names on stderr."""
    done = subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True, text=True)
    return set(done.stderr.split())


def own(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "bondstore"}


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_the_first_help_loads_no_command_and_nothing_heavy(home: Home, words: list[str]) -> None:
    modules = loaded(LOADED, *words)
    assert not modules & HEAVY
    assert len(own(modules)) < 30  # one small module for each domain
    assert len(modules) < 250


@pytest.mark.parametrize("words", [["beiwe"], ["profile"], ["doctor"], ["run", "show"], ["screenlake", "process"]])
def test_help_of_a_command_loads_little(home: Home, words: list[str]) -> None:
    modules = loaded(LOADED, *words, "--help")
    assert not modules & HEAVY
    assert len(own(modules)) < 40
    assert len(modules) < 370


def test_no_help_loads_anything_heavy(home: Home) -> None:
    code = "import sys; from bondstore.cli.main import main\n"
    code += f"for words in {list(commands())}:\n"
    code += f"    main([*words, '--help']); heavy = {HEAVY} & set(sys.modules)\n"
    code += "    if heavy: sys.exit(f'{words}: {heavy}')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_package_loads_next_to_nothing(home: Home) -> None:
    code = "import sys; before = set(sys.modules); import bondstore; print(*set(sys.modules) - before, file=sys.stderr)"
    modules = loaded(code)
    assert own(modules) == {"bondstore", "bondstore.version"}
    assert len(modules) < 60


def test_version(shell: Call) -> None:
    assert shell("--version").out == f"bondstore {__version__}\n"


def test_the_installed_program_is_the_same(home: Home) -> None:
    program = os.path.join(os.path.dirname(sys.executable), "bondstore")  # noqa: PTH118, PTH120
    done = subprocess.run([program, "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"bondstore {__version__}\n")


def test_data_and_messages_keep_apart(shell: Call, home: Home) -> None:
    added = shell("profile", "add", "lab", "--url", "s3://lab")
    assert added.code == 0
    assert "s3://lab" in added.out
    assert added.err == "Next: bondstore doctor --profile lab\n"
    empty = shell("profile", "show", "gone", "--json")
    assert empty.code == 3
    assert empty.records[-1]["kind"] == "error"
    assert empty.err.startswith("Error: There is no profile 'gone'.\nHint: ")


def test_no_colour_without_a_terminal(shell: Call) -> None:
    shell("profile", "add", "lab", "--url", "s3://lab")
    assert "\x1b" not in shell("profile", "list", TERM="xterm-256color").out
    assert "\x1b" not in shell("--help", TERM="xterm-256color").out


@pytest.mark.parametrize("no_color", [True, False])
def test_no_color_on_a_terminal(home: Home, no_color: bool) -> None:
    import pty

    home.write_user('[profile.lab]\nurl = "s3://lab"\n')
    environment = {**os.environ, "TERM": "xterm-256color"} | ({"NO_COLOR": "1"} if no_color else {})
    parent, child = pty.openpty()
    done = subprocess.Popen([sys.executable, "-m", "bondstore", "profile", "list"], stdout=child, env=environment)
    assert done.wait(30) == 0
    told = os.read(parent, 10_000)
    os.close(child)
    os.close(parent)
    assert b"s3://lab" in told
    assert (b"\x1b[" in told) is not no_color


def test_a_reader_that_goes_away_is_no_error(home: Home) -> None:
    text = "\n".join(f'[profile.p{i}]\nurl = "s3://bucket-{i}"' for i in range(3000))
    home.write_user(text)
    command = f"{sys.executable} -m bondstore profile list --json | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "141"
    assert len(done.stdout.splitlines()) == 2


def test_ctrl_c_ends_with_130(home: Home) -> None:
    code = (
        "import sys, time; import bondstore.config.settings as s; from bondstore.cli.main import run\n"
        "def slow(): print('begun', flush=True); time.sleep(30)\n"
        "s.list_profiles = slow\n"
        "run(['profile', 'list'])"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "what was done is kept" in told
    assert "Traceback" not in told


def complete(line: str, shell: str = "bash") -> str:
    words = line.split(" ")
    settings = {"_BONDSTORE_COMPLETE": f"complete_{shell}", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    if shell != "bash":
        settings = {"_BONDSTORE_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}
    done = subprocess.run(
        [sys.executable, "-m", "bondstore"], capture_output=True, text=True, env={**os.environ, **settings}
    )
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(home: Home, shell: str) -> None:
    nouns = complete("bondstore ", shell)
    assert all(name in nouns for name in own_nouns())
    verbs = complete("bondstore profile ", shell)
    assert all(verb in verbs for verb in own_nouns()["profile"].verbs)
    assert "remove" in complete("bondstore profile re", shell)
    assert "list" not in complete("bondstore profile re", shell)
    assert "--profile" in complete("bondstore doctor --pro", shell)
    home.write_user('[profile.labor]\nurl = "s3://lab"\n')
    assert "labor" in complete("bondstore doctor --profile la", shell)
    assert "labor" in complete("bondstore profile show ", shell)


def test_the_completion_script(shell: Call) -> None:
    result = shell("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert result.code == 0
    assert "_BONDSTORE_COMPLETE" in result.out


def test_odd_signs_do_not_break_a_plain_terminal(shell: Call, home: Home) -> None:
    home.write_user('[profile.lab]\nurl = "s3://lab"\nstudy = "stüdy"\n')
    result = shell("profile", "list", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert result.code == 0
    assert "st\\xfcdy" in result.out
