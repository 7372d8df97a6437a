"""The guided mode, driven in a pseudo-terminal as a person would: from the first prompt to the finished output."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shlex
import string
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pexpect
import psutil
import pytest
from demo.phones import Phone, Shape, make, truth
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.cli.main import build
from bondstore.cli.questions import read_choice
from bondstore.cli.screenlake import _answers
from bondstore.cli.screenlake._answers import Answers, local_zone, year_before
from bondstore.cli.screenlake._place import Access, ZipStore, folder_after
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import SecretRef
from bondstore.domains.screenlake.selection import Selection
from bondstore.errors import UsageError
from bondstore.runs.executors import usable_cores
from tests.conftest import IN_CI
from tests.phonelab import Results
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS, find_weed

_rng = random.SystemRandom()
ACCESS = "CANARYID" + "".join(_rng.choices(string.ascii_uppercase, k=12))
SECRET = "canary/" + "".join(_rng.choices(string.ascii_letters + string.digits, k=33))
BUCKET = "screenlake-zip-prod"
SHAPE = Shape(panelists=3, zips=2, screenshots=2, restricted=1, rows=4, size=(120, 260), quotes=0.0, opted_out=1)
CORES = usable_cores()
TENANT = "academia/tenant"


@pytest.fixture(scope="module")
def server(_scrubbed_session: None) -> Iterator[SeaweedFS]:
    """A server whose reader's credentials are canaries, with zips, and a folder that is long."""
    if find_weed() is None:
        (pytest.fail if IN_CI else pytest.skip)("SeaweedFS cannot run here")
    identity = {"name": "canary", "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}]}
    with SeaweedFS(identities=[identity | {"actions": ["Read", "List"]}]) as made:
        for name in (BUCKET, "another"):
            made.create_bucket(name)
        client = made.client()
        for phone in make(SHAPE):
            client.put_object(Bucket=BUCKET, Key=phone.key, Body=phone.data)
        for number in range(20):
            client.put_object(Bucket=BUCKET, Key=f"{TENANT}/{number:05d}_lab/panel/readme.txt", Body=b"x")
        yield made


@pytest.fixture(scope="module")
def phones() -> list[Phone]:
    return list(make(SHAPE))


@dataclass
class Guide:
    """A person at a terminal of 80 columns, in an empty home folder."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def __post_init__(self) -> None:
        (self.folder / "home").mkdir(exist_ok=True)
        (self.folder / "tmp").mkdir(exist_ok=True)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def environment(self) -> dict[str, str]:
        own = {name: str(self.home / name.lower()) for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
        base = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        more = {"HOME": str(self.home), "TMPDIR": str(self.folder / "tmp"), "TERM": "dumb", "TZ": "Europe/Berlin"}
        return base | own | more | {"AWS_EC2_METADATA_DISABLED": "true"} | self.settings

    def begin(self, *words: str) -> None:
        line = ["-m", "bondstore", *(words or ("screenlake",))]
        self.child = pexpect.spawn(
            sys.executable,
            line,
            cwd=self.home,
            env=self.environment(),  # type: ignore[arg-type]
            timeout=60,
            encoding="utf-8",
            dimensions=(50, 80),
            use_poll=True,
        )
        self.child.delaybeforesend = None

    def sees(self, text: str) -> str:
        """Wait for a text, whatever its line ends, and return all that came before it."""
        pattern = r"\s+".join(map(re.escape, text.split()))
        try:
            self.child.expect(pattern)
        except pexpect.ExceptionPexpect:
            raise AssertionError(f"{text!r} did not come after:\n{self.said}{self.child.before}") from None
        told = str(self.child.before) + str(self.child.after)
        self.said += told
        return told

    def answer(self, prompt: str, text: str = "") -> str:
        """Wait for a prompt, and type an answer."""
        told = self.sees(prompt)
        self.child.sendline(text)
        return told

    def answers(self, *pairs: tuple[str, str] | str) -> None:
        for pair in pairs:
            self.answer(*((pair, "") if isinstance(pair, str) else pair))

    def leaves(self, key: str) -> int:
        """Press Ctrl and a key; again where it fell between the prompt and the wait for an answer."""
        for _ in range(10):
            self.child.sendcontrol(key)
            with contextlib.suppress(pexpect.TIMEOUT):
                self.child.expect(re.escape("Left; nothing was started, and nothing is kept."), timeout=3)
                self.said += str(self.child.before) + str(self.child.after)
                return self.ends()
        raise AssertionError(self.said)

    def ends(self) -> int:
        try:
            self.child.expect(pexpect.EOF, timeout=90)
        except pexpect.ExceptionPexpect:
            raise AssertionError(f"no end after:\n{self.said}{self.child.before}") from None
        self.said += str(self.child.before)
        self.child.close()
        assert self.child.exitstatus is not None
        return int(self.child.exitstatus)

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def commands(self) -> list[str]:
        """The command lines that were shown with the last plan."""
        text = self.said.replace("\r\n", "\n").rpartition("The same as one command:\n")[2]
        shown = text.partition("\n\n")[0]
        whole = shown.replace("\\\n", " ")
        return [line for line in whole.splitlines() if line and not line.startswith("#")]


@pytest.fixture
def guide(tmp_path: Path) -> Iterator[Guide]:
    made = Guide(tmp_path)
    yield made
    if hasattr(made, "child"):
        made.child.close(force=True)


@pytest.fixture
def known(guide: Guide, server: SeaweedFS) -> Guide:
    """With credentials in the environment."""
    guide.settings |= {
        "AWS_ACCESS_KEY_ID": ACCESS,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_REGION": "us-east-1",
    }
    return guide


WIDTH = ("Zips in a batch [25]:", f"Processes [{min(4, CORES)}]:")


def rest(guide: Guide, *, panelists: str = "", faces: str = "", text: str = "", dest: str = "out") -> None:
    """Answer what comes after the days."""
    guide.answers(
        ("all, or numbers such as 1,3-5 [all]:", panelists),
        ("do not look for faces: images stay as they are Number [1]:", faces),
        ("empty the columns Number [1]:", text),
        *WIDTH,
        ("Where shall the results go? Folder [screenlake]:", dest),
    )


def days(guide: Guide, since: str = "", until: str = "", by: str = "") -> None:
    guide.answers(
        ("Which days count?", by),
        ("Time zone of the days [Europe/Berlin]:", ""),
        ("First day [", since),
        ("Last day [", until),
    )


def came_out(folder: Path, phones: list[Phone], only: set[str] | None = None) -> None:
    """What stands in the results is what the phones hold."""
    (query,) = (path for path in folder.iterdir() if (path / "combined").is_dir())
    assert (query / "report.html").is_file()
    chosen = [phone for phone in phones if only is None or phone.panelist in only]
    expected = truth(chosen)
    found = {path.name: Results(path) for path in (query / "combined" / "panelists").iterdir()}
    assert set(found) == set(expected)
    for name, said in expected.items():
        assert set(found[name].images) == set(said.images)
        assert {prefix: len(found[name].rows(prefix)) for prefix in said.rows} == {
            prefix: len(rows) for prefix, rows in said.rows.items()
        }


@pytest.mark.slow
def test_from_the_first_prompt_to_the_end(known: Guide, phones: list[Phone]) -> None:
    """With slips, explanations, a walk, a change of mind; and the line that is shown does the same."""
    known.begin()
    known.answer("the keys found in AWS_ACCESS_KEY_ID", "?")
    known.answer("in memory until this ends, and nowhere else. Number [1]:", "8")
    known.answer("! Type a number from 1 to 3", "1")
    known.answer(f"1 another 2 {BUCKET} Number or name [{BUCKET}]:", "prod")
    known.answer(f"In s3://{BUCKET}/ 1 academia/ 2 tenant/ Folder to go into; Enter takes this one, .. goes up:", "1")
    known.answer(f"In s3://{BUCKET}/academia/ 1 tenant/ Folder to go into; Enter takes this one, .. goes up:", "1")
    known.answer("15 00014_lab/ … and 6 more", "+")
    known.answer("20 00019_lab/ 21 00042_quietlab/ Folder", "no such folder")
    known.answer("! No folder here has 'no such folder' in its name. ? explains.", "0004")
    known.answer("1 00004_lab/ 2 00042_quietlab/ Folder", "quiet")
    known.answer(f"In s3://{BUCKET}/{TENANT}/00042_quietlab/ 1 panel/", "../..")
    known.answer(f"In s3://{BUCKET}/academia/ 1 tenant/", "/tenant")
    known.answer(f"In s3://{BUCKET}/tenant/ 1 00042_quietlab/", "..")
    known.answer(f"In s3://{BUCKET}/ 1 academia/ 2 tenant/", "..")
    known.answer(f"Number or name [{BUCKET}]:")
    known.answer(f"In s3://{BUCKET}/ 1 academia/ 2 tenant/", "")
    known.answers(
        ("Which days count?", "uploaded"),
        ("Time zone of the days [Europe/Berlin]:", "Mars/Base"),
        ("! The time zone 'Mars/Base' is not known.", "Asia/Tokyo"),
        ("First day [", "24-1-1"),
        ("! Days are written as 2024-01-31.", "2024-01-01"),
        ("Last day [", "2023-01-01"),
        ("! The last day lies before the first, 2024-01-01.", ""),
    )
    names = sorted({phone.panelist for phone in phones})
    known.answer("Which panelists? 3 have zips there", "4")
    known.answer("! '4' is none of them", f"1, {names[2][:6]}")
    known.answers(
        ("do not look for faces: images stay as they are Number [1]:", "none"),
        ("empty the columns Number [1]:", ""),
        ("Zips in a batch [25]:", "0"),
        ("! Type a whole number from 1 to 10,000.", "3"),
        (f"Processes [{min(4, CORES)}]:", "0"),
        ("! Type a whole number from 1 to 1,000.", "?"),
        (f"{CORES} suits this computer", str(CORES + 1)),
        (f"{CORES} would be as fast, with less memory.", "it's out"),
    )
    told = known.answer("Begin? y, n, or the number of a line to change [y]:", "x")
    assert "3 panelists 2 4 images faces NOT covered" in " ".join(told.split())
    assert "4 zips to fetch" in told
    assert "2 panelists." in told
    assert "Disk space needed: about" in told
    assert "free there:" in told
    assert f"{known.home}/it's out" in told.replace("\r\n", "")
    known.answer("! Type y, n, or the number of the line to change (1 to 7).", "4")
    known.answer("Number [1]:", "fill")
    told = known.answer("Begin? y, n, or the number of a line to change [y]:", "y")
    assert "images faces covered by solid boxes" in " ".join(told.split())
    assert known.ends() == 0, known.said
    assert "all is done" in known.said
    assert "report.html" in known.said
    assert "bondstore screenlake review" in known.said
    came_out(known.home / "it's out", phones, {names[0], names[2]})
    (line,) = known.commands()
    again = subprocess.run(
        ["bash", "-c", line.replace("bondstore", f"{sys.executable} -m bondstore", 1)],
        env=known.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert again.returncode == 0, (line, again.stderr)
    assert "nothing was left to do" in again.stdout, "the line asks the same question"


def typed(guide: Guide, endpoint: str, secret: str = SECRET) -> None:
    """Answer where the zips are, by typing credentials."""
    guide.answers(
        ("a folder of this computer Number [1]:", "type"),
        ("Access key id:", ACCESS),
        ("Secret access key (not shown):", secret),
        ("Endpoint, for another service than Amazon's (Enter for none):", endpoint),
        ("Region [us-east-1]:", ""),
    )


def leaks(content: bytes) -> bool:
    return SECRET.encode() in content


class Watcher(threading.Thread):
    """Looks at the arguments and variables of a process and all it starts."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.pid, self.over = pid, threading.Event()
        self.seen: set[int] = set()
        self.found: list[str] = []

    def run(self) -> None:
        while not self.over.wait(0.01):
            with contextlib.suppress(psutil.Error):
                family = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
                for one in family:
                    with contextlib.suppress(psutil.Error):
                        told = "\0".join([*one.cmdline(), *(f"{k}={v}" for k, v in one.environ().items())])
                        self.seen.add(one.pid)
                        if leaks(told.encode()):
                            self.found.append(told)


@pytest.mark.slow
def test_typed_credentials_are_kept_nowhere(guide: Guide, server: SeaweedFS, phones: list[Phone]) -> None:
    guide.begin()
    watcher = Watcher(guide.child.pid)
    watcher.start()
    try:
        typed(guide, server.endpoint, "canary-that-is-wrong")
        guide.sees("was refused (SignatureDoesNotMatch)")
        typed(guide, server.endpoint)
        guide.answers(f"Number or name [{BUCKET}]:", "Folder to go into;")
        days(guide)
        rest(guide)
        guide.answer("Begin? y, n, or the number of a line to change [y]:")
        assert guide.ends() == 0, guide.said
    finally:
        watcher.over.set()
        watcher.join()
    came_out(guide.home / "out", phones)
    assert "forgotten now" in guide.said
    assert not leaks(guide.said.encode())
    assert "canary-that-is-wrong" not in guide.said
    assert not watcher.found, "a secret was handed on"
    assert len(watcher.seen) >= (3 if CORES > 1 else 1), "no worker process was seen"
    files = guide.files()
    assert any(path.name == "ledger.sqlite" for path in files)
    for path in files:
        content = path.read_bytes()
        assert not leaks(content), path
        assert ACCESS.encode() not in content, path


@pytest.mark.slow
def test_the_lines_for_typed_credentials_work(guide: Guide, server: SeaweedFS) -> None:
    """The profile that they make asks for the keys, and the command then finds all done."""
    guide.begin()
    typed(guide, server.endpoint)
    guide.answers(f"Number or name [{BUCKET}]:", ("Folder to go into;", "tenant"), ("Folder to go into;", ""))
    days(guide)
    rest(guide, faces="none")
    guide.answer("Begin?")
    assert guide.ends() == 0, guide.said
    make_profile, process = map(shlex.split, guide.commands())
    guide.begin(*make_profile[1:])
    assert guide.ends() == 0, guide.said
    guide.begin(*process[1:])
    guide.answers(("Access key id:", ACCESS), ("Secret access key:", SECRET))
    assert guide.ends() == 0, guide.said
    assert "nothing was left to do" in guide.said
    assert not leaks(guide.said.encode())
    assert not any(leaks(path.read_bytes()) for path in guide.files())


@pytest.mark.parametrize("key", ["c", "d"])
@pytest.mark.parametrize("place", ["first", "secret", "folder", "plan"])
def test_leaving_leaves_nothing(guide: Guide, server: SeaweedFS, place: str, key: str) -> None:
    guide.begin()
    if place == "first":
        guide.sees("Number [1]:")
    elif place == "secret":
        guide.answers(("Number [1]:", "type"), ("Access key id:", ACCESS))
        guide.sees("Secret access key (not shown):")
    else:
        typed(guide, server.endpoint)
        guide.answers(f"Number or name [{BUCKET}]:")
        if place == "folder":
            guide.sees("Folder to go into; Enter takes this one, .. goes up:")
        else:
            guide.answers("Folder to go into;")
            days(guide)
            rest(guide, faces="none")
            guide.sees("Begin? y, n, or the number of a line to change [y]:")
    assert guide.leaves(key) == 130
    assert "Traceback" not in guide.said
    assert guide.files() == []
    assert not (guide.home / "out").exists()


def test_no_at_the_end_is_no(known: Guide) -> None:
    known.begin()
    known.answers("Number [1]:", "Number or name", "Folder to go into;")
    days(known)
    rest(known, faces="none")
    known.answer("Begin?", "n")
    assert known.ends() == 130
    assert "Stopped; nothing was done." in known.said
    assert not (known.home / "out").exists()


def test_where_buckets_may_not_be_listed_a_name_is_asked_for(guide: Guide, server: SeaweedFS) -> None:
    with FaultyProxy(server.endpoint) as proxy:
        denied = b"<Error><Code>AccessDenied</Code></Error>"
        proxy.add(Fault("status", contains="max-buckets", times=99, status=403, body=denied))
        proxy.add(Fault("status", contains=f"/{BUCKET}?", times=1, status=403, body=denied))
        guide.begin()
        typed(guide, proxy.endpoint)
        guide.answer(f"They cannot be listed with these keys; a name will do.) Bucket [{BUCKET}]:", "no_such_bucket")
        guide.answer("! There is no", "")
        guide.sees("! ")
        guide.answer("It cannot be listed; you can type the path of a folder below it. Folder", TENANT)
        guide.sees(f"In s3://{BUCKET}/{TENANT}/ 1 00000_lab/")
        guide.sees(".. goes up:")
        assert guide.leaves("c") == 130


def test_nothing_there_is_told_and_can_be_changed(known: Guide, phones: list[Phone]) -> None:
    known.begin()
    known.answers("Number [1]:", "Number or name", "Folder to go into;")
    days(known, "2001-01-01", "2001-01-31")
    known.answers(
        ("What about faces in the images?", "none"), ("What about the text columns?", "drop"), *WIDTH,
        ("Folder [screenlake]:", "out"),
    )  # fmt: skip
    known.sees("! No zip belongs to this selection: change the folder, the days or the")
    known.answer("Number of a line to change, or n to leave:", "y")
    known.answer("! Type n, or the number of the line to change (1 to 7).", "2")
    days(known, "2024-01-05", "2024-01-05", "captured")
    told = known.answer("Begin?")
    assert "captured 2024-01-05 to 2024-01-05 (both included, Europe/Berlin)" in told
    assert known.ends() == 0, known.said
    (query,) = (path for path in (known.home / "out").iterdir() if (path / "combined").is_dir())
    first = {phone.panelist: phone for phone in reversed(phones)}
    for folder in (query / "combined" / "panelists").iterdir():
        rows = Results(folder).rows("screenshot_data")
        (said,) = (table for table in first[folder.name].tables if table.prefix == "screenshot_data")
        assert len(rows) == len(said.rows), "the rows of the second zip are of the next day"
        assert {row["text"] for row in rows} == {""}


def test_a_folder_of_this_computer(guide: Guide, phones: list[Phone]) -> None:
    for phone in phones:
        path = guide.folder / "my zips" / phone.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(phone.data)
    guide.begin()
    guide.answer("a folder of this computer Number [1]:", "folder")
    guide.answer("Folder [.]:", "no/such")
    guide.answer("! There is no such folder.", "../my zips")
    days(guide)
    rest(guide, faces="none")
    guide.answer("Begin?")
    assert guide.ends() == 0, guide.said
    came_out(guide.home / "out", phones)
    (line,) = guide.commands()
    assert shlex.split(line)[3] == str(guide.folder / "my zips")


def test_profiles_and_aws_profiles_are_offered(guide: Guide, server: SeaweedFS) -> None:
    (guide.home / ".aws").mkdir()
    keys = f"aws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n"
    (guide.home / ".aws" / "credentials").write_text(f"[default]\n{keys}[lab two]\n{keys}")
    (guide.home / ".aws" / "config").write_text(
        f"[default]\nendpoint_url = {server.endpoint}\n[profile lab two]\nendpoint_url = {server.endpoint}\n"
    )
    config = guide.home / "xdg_config_home" / "bondstore"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(
        f'[profile.lab]\nurl = "s3://{BUCKET}/{TENANT}"\nendpoint = "{server.endpoint}"\naws_profile = "default"\n'
    )
    (config / "config.toml").chmod(0o600)
    for choice, named, start in (
        ("1", "", f"In s3://{BUCKET}/ "),
        ("2", "--profile lab", f"In s3://{BUCKET}/{TENANT}/ "),
        ("3", "AWS_PROFILE='lab two' ", f"In s3://{BUCKET}/ "),
    ):
        guide.said = ""
        guide.begin()
        told = guide.answer("Number [1]:", choice)
        assert "credentials [default]" in " ".join(told.split())
        assert f"profile lab (s3://{BUCKET}/{TENANT})" in told
        assert "the AWS profile lab two" in told
        guide.answer("Number or name")
        guide.answer(start, "")
        days(guide)
        rest(guide, faces="none")
        guide.answer("Begin?", "n")
        assert guide.ends() == 130
        (line,) = guide.commands()
        assert named in line
        done = subprocess.run(
            ["bash", "-c", line.replace("bondstore", f"{sys.executable} -m bondstore", 1) + " --dry-run"],
            env=guide.environment(), capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, (line, done.stderr)


# What computes, without a terminal

PROCESS = build().load("screenlake").load("process")


@settings(deadline=None, max_examples=60)
@given(
    folder=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40),
    names=st.lists(st.text("-abcdef0123456789'\" $`\\*", min_size=1, max_size=20), max_size=3),
    typed=st.booleans(),
)
def test_the_line_says_what_was_answered(folder: str, names: list[str], typed: bool) -> None:
    keys = {"access_key": SecretRef("prompt", "a"), "secret_key": SecretRef("prompt", "b")} if typed else {}
    place = ZipStore(StoreSpec("s3://bucket/a b/it's", Profile()), Access(Profile(**keys), typed=typed))  # type: ignore[arg-type]
    selection = Selection(date(2024, 1, 1), date(2024, 3, 31), "captured", "Europe/Berlin", tuple(names))
    answers = Answers(place, selection, "blur", "drop", 7, 3, Path("/") / folder)
    lines = _answers.equal_lines(answers)
    called = shlex.split("\n".join(lines).replace(" \\\n", " "))
    assert called[:3] == ["bondstore", "screenlake", "process"]
    given = PROCESS.make_context("process", called[3:]).params
    assert (given["store"], given["dest"]) == ("s3://bucket/a b/it's", str(Path("/") / folder))
    assert (given["since"], given["until"], given["by"]) == ("2024-01-01", "2024-03-31", "captured")
    assert (given["tz"], given["redact"], given["text"]) == ("Europe/Berlin", "blur", "drop")
    assert (given["batch"], given["jobs"], list(given["panelist"] or ())) == (7, 3, names)
    assert given["profile"] == (_answers.NAME if typed else None)


def test_lines_fit_the_terminal() -> None:
    names = tuple(f"{number:064d}" for number in range(3))
    place = ZipStore(StoreSpec("s3://bucket", Profile()), Access(Profile()))
    answers = Answers(place, Selection(date(2024, 1, 1), date(2024, 3, 31), panelists=names), dest=Path("/data/out"))
    assert max(map(len, _answers.equal_lines(answers))) <= 80


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("all", ""), ("ALL", ""), ("1", "a"), ("1,3-4", "acd"), ("2 1", "ba"), ("4-4,4", "d"), ("ddddd", "d"),
        ("cccc,1", "ca"), ("1-4", "abcd"),
    ],
)  # fmt: skip
def test_panelists_by_number_or_name(answer: str, meant: str) -> None:
    names = [sign * 8 for sign in "abcd"]
    assert read_choice(answer, names) == tuple(sign * 8 for sign in meant)


@pytest.mark.parametrize("answer", ["", ",", "0", "5", "2-9", "3-2", "aaa", "xyz9", "1,zzzz", "-", "1-", "--"])
def test_panelists_that_are_none(answer: str) -> None:
    with pytest.raises(UsageError):
        read_choice(answer, [sign * 8 for sign in "abcd"])


def test_a_beginning_that_fits_several_names_nobody() -> None:
    with pytest.raises(UsageError, match="several"):
        read_choice("abcd", ["abcd1", "abcd2"])


@pytest.mark.parametrize(
    ("path", "moved", "there"),
    [
        ("", "a", "a"), ("a/b", "..", "a"), ("a", "..", ""), ("", "..", None), ("a", "../..", None),
        ("a/b", "/c/", "c"), ("a", "b/./c/", "a/b/c"), ("a", "../b", "b"), ("a", "/..", None), ("a", "/", ""),
    ],
)  # fmt: skip
def test_walking(path: str, moved: str, there: str | None) -> None:
    assert folder_after(path, moved) == there


@pytest.mark.parametrize(
    ("zone", "name"), [("Europe/Berlin", "Europe/Berlin"), (":Asia/Tokyo", "Asia/Tokyo"), ("XYZ9", "UTC")]
)
def test_the_time_zone_of_this_computer(zone: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    assert local_zone() == name


def test_a_year_before() -> None:
    assert year_before(date(2024, 2, 29)) == date(2023, 2, 28)
    assert year_before(date(2024, 3, 1)) == date(2023, 3, 1)
