"""Secrets that are planted, and then looked for: in all output, every file, and the process list."""

from __future__ import annotations

import base64
import io
import os
import random
import string
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pyarrow.parquet as pq
import pytest
from demo.study import STUDY, Shape, make
from PIL import Image, PngImagePlugin

from bondstore.domains.screenlake import extract
from bondstore.domains.screenlake.handling import Handling
from bondstore.tables.quoted import read_quoted
from tests.conftest import IN_CI
from tests.deid.pictures_of import astronaut, saved
from tests.ocean_files import moana_csv
from tests.phonelab import PhoneLab
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS, find_weed
from tests.studies import Ended, Lab

_rng = random.SystemRandom()
ACCESS = "CANARYID" + "".join(_rng.choices(string.ascii_uppercase, k=12))
KEY = "canary-" + "".join(_rng.choices(string.ascii_letters + string.digits, k=25))
SECRET = "canary/" + "".join(_rng.choices(string.ascii_letters + string.digits, k=33))
TOKEN = "canary+" + "".join(_rng.choices(string.ascii_letters + string.digits, k=80))
SECRETS = {"study key": KEY, "AWS secret": SECRET, "session token": TOKEN}
FORMS = {
    f"{name}, {how}": text.encode()
    for name, value in SECRETS.items()
    for how, text in {
        "plain": value,
        "quoted": quote(value, safe=""),
        "base64": base64.b64encode(value.encode()).decode().rstrip("=")[:-1],
        "hexadecimal": value.encode().hex(),
    }.items()
}


def secrets_in(content: bytes) -> list[str]:
    return [name for name, form in FORMS.items() if form in content]


@pytest.fixture(scope="module")
def server(_scrubbed_session: None) -> Iterator[SeaweedFS]:
    """A server whose credentials are canaries."""
    if find_weed() is None:
        (pytest.fail if IN_CI else pytest.skip)("SeaweedFS cannot run here")
    credentials = [{"accessKey": ACCESS, "secretKey": SECRET}]
    with SeaweedFS(identities=[{"name": "canary", "credentials": credentials, "actions": ["Read", "List"]}]) as server:
        yield server


@pytest.fixture(scope="module")
def filled(server: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(server, server.create_bucket("canaries"), tmp_path_factory.mktemp("fill"))
    lab.fill(make(Shape(participants=3, hours=24, rows=10, key=KEY)))
    return lab


@dataclass(frozen=True)
class Watched:
    """A lab whose every output, file and process is looked at."""

    lab: Lab
    settings: dict[str, str]
    vault: Path

    def run(self, line: list[str], *, endpoint: str | None = None, **settings: str) -> Ended:
        """Run a line, watch its processes, and search what it said and left."""
        folder = self.lab.folder
        environment = self.lab.environment(endpoint, **(self.settings | settings))
        allowed = {name for name, value in environment.items() if secrets_in(value.encode())}
        with (folder / "out.txt").open("wb") as out, (folder / "err.txt").open("wb") as err:
            process = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, cwd=folder / "home"
            )
            children = 0
            while process.poll() is None:
                children = max(children, look_at_processes(process.pid, allowed))
                time.sleep(0.01)
        self.look_at_files()
        said = Ended(process.returncode, (folder / "out.txt").read_text(), (folder / "err.txt").read_text())
        if "--jobs" in line and line[line.index("--jobs") + 1] != "1":
            assert children >= 2, "no worker process was seen"
        return said

    def look_at_files(self) -> None:
        for path in self.lab.folder.rglob("*"):
            if path.is_file() and self.vault not in path.parents:
                assert not any(map(secrets_in, contents(path))), path
                assert not secrets_in(str(path).encode()), path


def contents(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file, and of all that is packed in it."""
    yield path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from map(archive.read, archive.namelist())


def look_at_processes(root: int, allowed: set[str]) -> int:
    """Search the arguments and variables of `root` and all it started; return how many those are."""
    try:
        family = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for one in family:
        try:
            words, variables = "\0".join(one.cmdline()), one.environ()
        except psutil.Error:  # it has ended
            continue
        assert not secrets_in(words.encode()), "a secret stands in the process list"
        held = {name for name, value in variables.items() if secrets_in(value.encode())}
        assert held <= allowed, "a secret was handed on in the environment"
    return len(family) - 1


@pytest.fixture(params=["env", "file"])
def watched(request: pytest.FixtureRequest, filled: Lab, tmp_path: Path) -> Watched:
    """Secrets in the environment, or in files of mode 0600."""
    lab = replace(filled, folder=tmp_path)
    vault = tmp_path / "vault"
    vault.mkdir()
    (tmp_path / "tmp").mkdir()
    settings = {"TMPDIR": str(tmp_path / "tmp"), "AWS_ACCESS_KEY_ID": ACCESS}
    if request.param == "env":
        return Watched(lab, settings | {"AWS_SECRET_ACCESS_KEY": SECRET, "LAB_STUDY_KEY": KEY}, vault)
    for name, value in {"key": KEY, "secret": SECRET, "token": TOKEN}.items():
        (vault / name).write_text(value)
        (vault / name).chmod(0o600)
    lab.configure(f'access_key = "env:LAB_ID"\nsecret_key = "file:{vault}/secret"\ndecryption_key = "file:{vault}/key"')
    empty = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "LAB_STUDY_KEY"), "")
    return Watched(lab, settings | empty | {"LAB_ID": ACCESS}, vault)


def export(watched: Watched, *words: str, key: bool = True) -> list[str]:
    """The line of an export; in files the key is named by the profile."""
    named = ["--key", "env:LAB_STUDY_KEY"] if watched.settings["LAB_STUDY_KEY"] and key else []
    return watched.lab.command(
        "beiwe", "export", str(watched.lab.dest), "--store", watched.lab.url, "--study", STUDY, *named, *words
    )


def test_canaries_can_be_found() -> None:
    """The search itself finds what it looks for."""
    assert secrets_in(b"x" + KEY.encode() + b"y") == ["study key, plain", "study key, quoted"]
    assert secrets_in(b"x" + base64.b64encode(SECRET.encode())) == ["AWS secret, base64"]
    assert secrets_in(quote(TOKEN, safe="").encode()) == ["session token, quoted"]


def test_no_secret_in_what_a_run_says_and_leaves(watched: Watched) -> None:
    ended = watched.run(export(watched, "--jobs", "2", "--debug", "--json"))
    assert ended.code == 0, ended.err
    assert ended.tally["done"] > 300
    assert watched.run(export(watched, "--format", "parquet", "--jobs", "2", "--debug")).code == 0
    dest = ("--dest", str(watched.lab.dest))
    for words in (
        ("run", "list", *dest, "--json"),
        ("run", "show", "last", *dest),
        ("audit", "show", *dest, "--json"),
        ("audit", "show", "--json"),
        ("audit", "verify", *dest),
        ("doctor", "--store", watched.lab.url, "--study", STUDY, "--json"),
        ("profile", "list", "--json"),
    ):
        ended = watched.run([*watched.lab.command(*words), "--debug"])
        assert ended.code in (0, 4), (words, ended.err)
    assert (watched.lab.folder / "home" / "state" / "bondstore" / "ledger.sqlite").exists()


def test_no_secret_in_errors(watched: Watched, server: SeaweedFS) -> None:
    """Refusals, wrong keys, servers that quote what they were sent: exit 4, and nothing told."""
    lab = watched.lab
    with FaultyProxy(server.endpoint) as proxy:
        quoting = (
            f"<Error><Code>SignatureDoesNotMatch</Code><StringToSign>{SECRET} {TOKEN} {KEY}</StringToSign></Error>"
        )
        proxy.add(Fault("status", times=10**9, status=403, body=quoting.encode()))
        assert watched.run([*export(watched), "--debug"], endpoint=proxy.endpoint).code == 4
        proxy.clear()
        proxy.add(Fault("status", times=10**9, contains="list-type", status=400, body=quoting.encode()))
        assert watched.run([*export(watched), "--debug"], endpoint=proxy.endpoint).code == 4
    assert not lab.dest.exists()


def test_no_secret_in_a_refused_session(watched: Watched) -> None:
    """The token that this server never gave is sent, refused, and told nowhere."""
    if watched.settings["LAB_STUDY_KEY"]:
        token = {"AWS_SESSION_TOKEN": TOKEN}
    else:
        token = {}
        vault = watched.vault
        watched.lab.configure(
            f'access_key = "env:LAB_ID"\nsecret_key = "file:{vault}/secret"\nsession_token = "file:{vault}/token"\n'
            f'decryption_key = "file:{vault}/key"'
        )
    ended = watched.run([*export(watched), "--debug", "--json"], **token)
    assert ended.code == 4, ended.err


@pytest.mark.parametrize("where", ["plan", "shard"])
def test_no_secret_in_a_traceback(watched: Watched, where: str) -> None:
    """An error that nobody foresaw, whose very text is a secret, in this process and in a worker."""
    target = "ExportJob.plan" if where == "plan" else "Files.handle"
    code = (
        "import sys; from bondstore.config.secrets import *; from bondstore.cli.main import run\n"
        "from bondstore.domains.beiwe import jobs as e\n"
        "from bondstore.config.credentials import credentials\n"
        "def boom(self, given, place, *more):\n"
        "    held = credentials(getattr(place, 'context', place).source.profile)\n"
        "    raise RuntimeError(self.key.resolve().reveal() + ' ' + held.secret.reveal())\n"
        f"e.{target} = boom\n"
        "run(sys.argv[1:])\n"
    )
    words = export(watched, "--debug", "--json")[3:]
    ended = watched.run([sys.executable, "-c", code, *words])
    assert ended.code == 1
    assert "Traceback" in ended.err
    assert "RuntimeError" in ended.err
    assert "boom" in ended.err


@pytest.mark.parametrize("words", [("--key", KEY), ("--key", f"env:{KEY}"), ("--participant", "x", KEY)])
def test_a_literal_secret_on_the_command_line_is_refused_and_not_repeated(
    filled: Lab, tmp_path: Path, words: tuple[str, ...]
) -> None:
    lab = replace(filled, folder=tmp_path)
    ended = lab.run(lab.command("beiwe", "export", str(lab.dest), "--store", lab.url, "--study", STUDY, *words))
    assert ended.code in (2, 4)
    assert not secrets_in((ended.out + ended.err).encode())
    assert not lab.dest.exists()


# Screenshots: what was on the screen, and what pictures carry beside their pixels

SCREEN = "canaryscreen" + "".join(_rng.choices(string.ascii_letters, k=20))
ADDRESS = "canary." + "".join(_rng.choices(string.ascii_lowercase, k=20)) + "@example.org"
CAMERA = "CanaryCamera" + "".join(_rng.choices(string.ascii_letters, k=20))


def phone_zip() -> bytes:
    """Return a zip whose texts and pictures hold canaries, in what is whole and in what is damaged."""
    exif = Image.Exif()
    exif[0x010F] = CAMERA
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Comment", CAMERA)
    picture = astronaut().resize((256, 256))
    jpeg, png = saved(picture, exif=exif, comment=CAMERA.encode()), saved(picture, "PNG", pnginfo=chunks)
    said = f'call "me" at {ADDRESS} {SCREEN}'
    rows = f'"0001","null","{said}","1704400000000"\n"0001","{said}","1"\n"0001","{said}"\n'
    members = {
        "screenshot_data_csv_1.csv": f'"id_user","file","text","t_epoch_ts_ms"\n{rows}'.encode(),
        "app_accessibility_data_csv_1.csv": f'"id_user","type","text","t_unix_ts_ms"\n{rows}'.encode() + b"\xff\n",
        "log_data_1.csv": f'"event","user","msg","timestamp"\n{rows}'.encode(),
        "img_1.jpg": jpeg,
        "img_2.png": png,
        "img_3.jpg": jpeg[: len(jpeg) * 2 // 3],
        "img_4.jpg": png[:300],
        "note.bin": said.encode(),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.fixture(scope="module")
def phones(server: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Zips with canaries, some of them damaged."""
    lab = Lab(server, server.create_bucket("phones"), tmp_path_factory.mktemp("fill"))
    whole = phone_zip()
    for person in "ab":
        for number, data in enumerate((whole, whole[:-100], whole[:2000])):
            lab.put(f"tenant/1_lab/V_01/{person}/image_zip_{number}_4.zip", data)
    return lab


@pytest.fixture
def screens(watched: Watched, phones: Lab) -> Watched:
    """The same secrets, and a store of zips."""
    return replace(watched, lab=replace(phones, folder=watched.lab.folder))


def process(screens: Watched, *words: str) -> list[str]:
    return screens.lab.command("screenlake", "process", screens.lab.url, str(screens.lab.dest), "--yes", *words)


def holding(folder: Path, text: str) -> list[Path]:
    """Return the files below a folder that hold a text in some form."""
    forms = [form.rstrip(b"=") for form in (text.encode(), text.encode("utf-16-le"), text.encode().hex().encode())]
    forms += [base64.b64encode(text.encode())[:-4], quote(text, safe="").encode()]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(form in content for content in contents(path) for form in forms)]


def test_nothing_of_the_screen_where_text_is_dropped(screens: Watched) -> None:
    ended = screens.run(process(screens, "--text", "drop", "--fast", "--jobs", "2", "--debug", "--json"))
    assert ended.code == 5, ended.err
    assert {"rows-aside", "quotes-repaired", "unknown-member"} <= set.union(*ended.findings.values())
    for canary in (SCREEN, ADDRESS, CAMERA):
        assert holding(screens.lab.folder, canary) == []
    assert list(screens.lab.dest.glob("*/combined/panelists/?/images/img_1*"))
    dest = str(screens.lab.dest)
    for words in (
        ("screenlake", "panelists", screens.lab.url, "--json"),
        ("screenlake", "review", dest, "--json"),
        ("run", "show", "last", "--dest", dest, "--json"),
        ("audit", "show", "--dest", dest, "--json"),
    ):
        ended = screens.run([*screens.lab.command(*words), "--debug"])
        assert ended.code == 0, (words, ended.err)
    for canary in (SCREEN, ADDRESS, CAMERA):
        assert holding(screens.lab.folder, canary) == []


def test_no_address_where_patterns_are_taken_out(screens: Watched) -> None:
    words = ("--text", "patterns", "--format", "parquet", "--redact", "none", "--jobs", "2", "--debug")
    assert screens.run(process(screens, *words)).code == 5
    for canary in (ADDRESS, CAMERA):
        assert holding(screens.lab.folder, canary) == []
    found = {path.suffix for path in holding(screens.lab.folder, SCREEN)}
    assert found >= {".csv", ".zip"}, "what was to be kept is found, in tables and in parts"
    for path in screens.lab.dest.rglob("*.parquet"):
        assert ADDRESS not in str(pq.read_table(path).to_pylist())


@pytest.mark.parametrize("where", ["job.ProcessJob.plan", "phone_zips.PhoneZips.handle", "panelists.Panelists.make"])
def test_no_secret_in_a_traceback_of_screenshots(screens: Watched, where: str) -> None:
    """An error that nobody foresaw, whose very text is a secret."""
    code = (
        "import sys; from bondstore.cli.main import run\n"
        "from bondstore.domains.screenlake import job, panelists, phone_zips\n"
        "from bondstore.config.credentials import credentials\n"
        "def boom(self, *a):\n"
        "    store = self.store if hasattr(self, 'store') else a[-1].context.source\n"
        "    raise RuntimeError(credentials(store.profile).secret.reveal())\n"
        f"{where} = boom\n"
        "run(sys.argv[1:])\n"
    )
    words = process(screens, "--redact", "none", "--text", "drop", "--jobs", "1", "--debug", "--json")[3:]
    ended = screens.run([sys.executable, "-c", code, *words])
    assert ended.code == 1
    assert "RuntimeError" in ended.err
    assert "boom" in ended.err
    for canary in (SCREEN, ADDRESS, CAMERA):
        assert holding(screens.lab.folder, canary) == []


@pytest.mark.skipif(sys.platform != "linux", reason="files without a name are looked at through /proc")
def test_no_text_that_will_be_dropped_lies_on_the_disk_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large table is read more than once; not even a file without a name holds it as it came."""
    lab = PhoneLab(tmp_path)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        rows = f'"0001","VIEW","{SCREEN * 100}","1704400000000"\n' * 3000
        archive.writestr("app_accessibility_data_csv_1.csv", f'"id_user","type","text","t_unix_ts_ms"\n{rows}')
    lab.put("tenant/1_lab/V_01/a/image_zip_1_0.zip", out.getvalue())
    nameless = []

    def look(*args: Any, **words: Any) -> Any:
        for held in Path("/proc/self/fd").iterdir():
            name = str(held.readlink()) if held.is_symlink() else ""
            if name.startswith(str(lab.dest)):
                nameless.append(name.endswith("(deleted)"))
                assert SCREEN.encode() not in held.read_bytes()
        return read_quoted(*args, **words)

    monkeypatch.setattr(extract, "read_quoted", look)
    assert lab.run(Handling(redact="none", text="drop")).state == "finished"
    assert any(nameless), "the table was small enough to stay in memory"
    assert holding(lab.dest, SCREEN) == []


# Ocean profiles: whose boat it was, and how to reach them

MAIL = "canary." + "".join(_rng.choices(string.ascii_lowercase, k=20)) + "@boats.example.org"
PHONE = "+64 21 " + "".join(_rng.choices(string.digits, k=3)) + " " + "".join(_rng.choices(string.digits, k=4))
PERSON = "Canary" + "".join(_rng.choices(string.ascii_lowercase, k=20)).title()
REACH = f"{MAIL} {PHONE}"
HOSTILE = {
    "Contact name": f"Keziah {PERSON}",
    "Skipper": f"Keziah {PERSON}",
    "Deck unit firmware version": f"4.03 {REACH}",
    "Reset Codes": REACH,
    "Remark, of the": f"call {REACH}",
    MAIL: PHONE,
}
VESSELS = (
    "<script>alert(1)</script>",
    r"$\alpha_{x$ \frac",
    "../../../../outside",
    "two\nlines\r\n,and a comma",
    "=1+1",
)
NAMES = ("<b>.csv", r"$\alpha_{x$ %s {0}.csv", "…\u202eodd.csv", "%2e%2e%2f..csv", "-rf.csv", f"of {MAIL} {PHONE}.csv")


@dataclass(frozen=True)
class Boats:
    """Files of boats, a table of who they are, and commands that are run on them in a folder of their own."""

    folder: Path

    def __post_init__(self) -> None:
        lines = ["Moana serial number,Date supplied,Date returned,Vessel name,Contact name,E-mail,Phone,Notes"]
        for number, (vessel, name) in enumerate(zip((*VESSELS, "Plain"), NAMES, strict=True)):
            lines.append(f'{number},01/01/2024,,"{vessel}",Keziah {PERSON},{MAIL},{PHONE},"of {PERSON} {REACH}"')
            path = self.folder / "in" / "raw" / f"x {number}" / name
            path.parent.mkdir(parents=True)
            path.write_bytes(moana_csv(serial=str(number), header=HOSTILE, upload=REACH))
        odd = moana_csv(serial=f"../../../{MAIL}", header=HOSTILE)
        (self.folder / "in" / "raw" / "odd.csv").write_bytes(odd)
        (self.folder / "in" / "raw" / "half.csv").write_bytes(odd[: len(odd) // 2])
        (self.folder / "in" / "raw" / "none.csv").write_bytes(f"who,reach\n{PERSON},{REACH}\n".encode())
        (self.folder / "in" / "boats.csv").write_text("\n".join(lines))
        (self.folder / "in" / "about.toml").write_text('publish = ["vessel", "gear", "upload position", "port"]')

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command; what it says is looked at with the files."""
        home = self.folder / "out" / "home"
        home.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "bondstore", *words, "--debug"],
            capture_output=True,
            env=os.environ | {"HOME": str(home), **{f"XDG_{n}_HOME": str(home / n) for n in ("CONFIG", "STATE")}},
            cwd=home,
        )
        number = len(list((self.folder / "out").glob("said*")))
        (self.folder / "out" / f"said{number}").write_bytes(done.stdout + done.stderr)
        return done

    def qc(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        where = [str(self.folder / "in" / "raw"), str(self.folder / "out" / "qc"), "--tests", "qartod"]
        table = ["--metadata", str(self.folder / "in" / "boats.csv")]
        table += ["--attributes", str(self.folder / "in" / "about.toml")]
        return self.run("ocean", "qc", *where, *table, "--yes", "--json", *words)


def opened(path: Path) -> Iterator[bytes]:
    """Yield what a reader of a file finds in it, besides its bytes."""
    yield from contents(path)
    if path.suffix == ".png":
        with Image.open(path) as picture:
            yield repr(picture.info).encode()
    elif path.suffix == ".parquet":
        table = pq.read_table(path)
        yield repr((table.schema.metadata, table.to_pylist())).encode()
    elif path.suffix == ".nc":
        import netCDF4

        with netCDF4.Dataset(path) as file:
            texts = [file.__dict__, {name: one.__dict__ for name, one in file.variables.items()}]
            texts += [one[:].tolist() for one in file.variables.values() if one.dtype in ("S1", str)]
            yield repr(texts).encode()


@pytest.mark.parametrize("names", ["plain", "aodn"])
def test_nobody_can_be_reached_by_what_is_made_of_profiles(tmp_path: Path, names: str) -> None:
    boats = Boats(tmp_path)
    before = {path for path in tmp_path.rglob("*") if "out" not in path.relative_to(tmp_path).parts}
    drawn = ["--plots"] if names == "plain" else []
    done = boats.qc("--format", "both", "--names", names, "--jobs", "1", *drawn)
    assert done.returncode == 5, done.stderr
    dest = tmp_path / "out" / "qc"
    assert len(list(dest.rglob("*_qc.nc" if names == "plain" else "*_FV0?_*.nc"))) == 8
    assert any(b"outside" in content for path in dest.rglob("*.nc") for content in opened(path)), "vessels are told"
    site = tmp_path / "out" / "site"
    if names == "plain":
        where = [site.as_uri(), "--from", dest.as_uri()]
        published = boats.run("release", "publish", *where, "--require", "suspect", "--stac", "--yes")
        assert published.returncode in (0, 5), published.stderr
        assert len(list(site.rglob("*.nc"))) >= 6
        assert list(site.rglob("*.png"))
        assert boats.run("run", "show", "last", "--dest", str(dest)).returncode == 0
    said = sorted((tmp_path / "out").glob("said*"))
    results = [path for path in dest.rglob("*") if path.is_file() and ".bondstore" not in path.parts]
    results += [path for path in site.rglob("*") if path.is_file()]
    digits = PHONE.split(" ", 2)[2]
    for path in results:
        for text in (MAIL, quote(MAIL), MAIL.partition("@")[0], PHONE, digits, digits.replace(" ", "-"), PERSON):
            assert not any(text.encode() in content for content in opened(path)), (path, text)
            assert text not in str(path)
    # the record and the findings name the object by its key, which is the private store's own, and nothing else of it
    for path in [*said, *(tmp_path / "out" / "home").rglob("*"), *(dest / ".bondstore").rglob("*")]:
        if path.is_file():
            found = path.read_bytes().replace(f"of {MAIL} {PHONE}".encode(), b"")
            assert not any(text.encode() in found for text in (MAIL, PHONE, PERSON)), path
    for path in site.rglob("*.html"):
        assert "<script>alert" not in path.read_text()
    assert {path for path in tmp_path.rglob("*") if "out" not in path.relative_to(tmp_path).parts} == before
    assert {path.name.rstrip("0123456789") for path in (tmp_path / "out").iterdir()} <= {"home", "qc", "said", "site"}
