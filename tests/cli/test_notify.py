"""``bondstore notify``: subscribe, confirm, send, list, unsubscribe, with canaries for addresses and secrets."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bondstore.release.publish import publish
from bondstore.release.settings import Order
from bondstore.stores import open_store
from tests.cli.conftest import Call, Result
from tests.homes import Home
from tests.notify.post import attached, inline, plot, text_of, token_of
from tests.release import lab
from tests.servers.smtp import Behaviour, MailBox

CANARY = "wren-canary-7391"
ADDRESS = f"{CANARY}@birds.example"
OTHER = "finch-canary-5520@birds.example"
SECRET = "5ecret-canary-of-the-tests-0123456789"


@pytest.fixture
def box() -> Iterator[MailBox]:
    with MailBox() as made:
        yield made


@pytest.fixture
def state(home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(home.path / "state"))
    monkeypatch.setenv("BONDSTORE_NOTIFY_SECRET", SECRET)
    return home.path / "state" / "bondstore"


@pytest.fixture
def settings(home: Home, box: MailBox, state: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = home.project / "notify.toml"
    path.write_text(
        f'transport = "{box.url}"\nsender = "Reef <data@reef.example>"\nrate = 1000\n'
        'unsubscribe_url = "https://reef.example/leave/{token}"\n[vessels]\n"Blue Fin" = ["MOANA 12"]\n'
    )
    monkeypatch.setenv("BONDSTORE_NOTIFY", str(path))
    return path


@pytest.fixture
def place(home: Home) -> Path:
    """What quality control wrote: three files, the first with a plot."""
    folder = home.project / "qc"
    files = lab.good_files()
    files["plots/0.png"] = plot(7)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def join(cli: Call, box: MailBox, address: str = ADDRESS, *words: str) -> Result:
    assert cli("notify", "subscribe", address, *words).code == 0
    return cli("notify", "confirm", token_of(box.to(address)[-1].message))


def test_the_whole_way(cli: Call, box: MailBox, settings: Path, place: Path, state: Path) -> None:
    asked = cli("notify", "subscribe", ADDRESS, "--topic", "vessel:Blue Fin", "--json")
    assert asked.code == 0
    assert (asked.records[0]["state"], asked.records[0]["confirmation"]) == ("pending", "sent")
    assert cli("notify", "subscribe", ADDRESS, "--json").records[0]["confirmation"] == "none needed"
    assert cli("notify", "send", place.as_uri(), "--yes").code == 0
    assert len(box.mails) == 1, "nothing else goes to who is pending"
    token = token_of(box.mails[0].message)
    assert cli("notify", "confirm", token, "--json").records[0]["state"] == "confirmed"
    planned = cli("notify", "send", place.as_uri(), "--dry-run", "--json")
    assert [one["state"] for one in planned.records if one["kind"] == "delivery"] == ["planned"]
    unasked = cli("notify", "send", place.as_uri())
    assert unasked.code == 2
    assert len(box.mails) == 1
    done = cli("notify", "send", place.as_uri(), "--yes", "--json")
    assert done.code == 0
    assert done.records[-1]["kind"] == "tally"
    assert done.records[-1]["done"] == 1
    [_, mail] = box.mails
    assert list(inline(mail.message).values()) == [plot(7)]
    assert attached(mail.message) == []
    again = cli("notify", "send", place.as_uri(), "--yes")
    assert again.code == 0
    assert "Everybody was told already" in again.err
    listed = cli("notify", "list", "--sent", "--json").records
    assert [(one["state"], one["attempts"]) for one in listed] == [("sent", 1)]
    found = re.search(r"leave/([A-Za-z0-9_-]{88})", text_of(mail.message))
    assert found is not None
    assert cli("notify", "unsubscribe", found.group(1)).code == 0
    assert cli("notify", "list", "--json").records[0]["state"] == "unsubscribed"
    lab_file = place / "2024/05/new_qc.nc"
    files: dict[str, bytes] = {}
    lab.add(files, "2024/05/new_qc.nc")
    for name, data in files.items():
        (place / name).write_bytes(data)
    assert lab_file.exists()
    cli("notify", "send", place.as_uri(), "--yes")
    assert len(box.mails) == 2
    assert stat.S_IMODE((state / "notify.sqlite").stat().st_mode) == 0o600


def test_only_named_files(cli: Call, box: MailBox, settings: Path, place: Path) -> None:
    join(cli, box)
    assert cli("notify", "send", place.as_uri(), "2024/05/p1_qc.nc.json", "--yes").code == 0
    assert "1 file of" in str(box.mails[-1].message["Subject"])
    assert cli("notify", "send", place.as_uri(), "2024/05/p1_qc.nc", "2024/05/p2_qc.nc", "--yes").code == 0
    assert "p1_qc" not in text_of(box.mails[-1].message)
    missing = cli("notify", "send", place.as_uri(), "2024/05/none.nc", "--yes")
    assert missing.code == 3


def test_from_a_published_place(cli: Call, box: MailBox, settings: Path, place: Path, home: Home) -> None:
    public = home.project / "public"
    public.mkdir()
    publish(open_store(place.as_uri()), open_store(public.as_uri()), Order())
    join(cli, box)
    assert cli("notify", "send", public.as_uri(), "--yes").code == 0
    assert list(inline(box.mails[-1].message).values()) == [plot(7)]
    assert cli("notify", "send", place.as_uri(), "--yes").code == 0
    assert len(box.mails) == 2, "the same files are the same news, wherever they lie"


def test_a_damaged_record_is_told(cli: Call, box: MailBox, settings: Path, place: Path) -> None:
    join(cli, box)
    (place / "2024/05/p1_qc.nc.json").write_bytes(b"{}")
    done = cli("notify", "send", place.as_uri(), "--yes")
    assert done.code == 5
    assert "p1_qc.nc" in done.err
    assert "2 files" in str(box.mails[-1].message["Subject"])


def test_failed_ends_with_5_and_no_canary_shows_anywhere(
    shell: Call, cli: Call, box: MailBox, settings: Path, place: Path, state: Path
) -> None:
    told: list[Result] = [join(cli, box), join(cli, box, OTHER)]
    box.does = Behaviour(rcpt={ADDRESS: f"550 5.1.1 <{ADDRESS}> unknown {ADDRESS}", OTHER: f"451 <{OTHER}> later"})
    done = shell("notify", "send", place.as_uri(), "--yes", "--debug", "--json")
    assert done.code == 5
    assert {one["code"] for one in done.records if one["kind"] == "delivery"} == {"smtp-550", "smtp-451"}
    told += [done, cli("notify", "list"), cli("notify", "list", "--json"), cli("notify", "list", "--sent", "--json")]
    told += [
        cli("notify", "subscribe", f"{ADDRESS}>", "--debug"),
        cli("notify", "subscribe", ADDRESS, f"{CANARY}@second.example", "--debug"),
        cli("notify", "unsubscribe", f"{CANARY}@unknown.example", "--debug", "--json"),
        cli("notify", "unsubscribe", f"{CANARY}@", "--debug"),
        cli("notify", "confirm", ADDRESS, "--debug"),
        cli("notify", "send", place.as_uri(), "--from", f"{CANARY}@bad@x", "--yes", "--debug"),
        cli("notify", "send", place.as_uri(), "--transport", f"smtp://{CANARY}:pw@host", "--yes", "--debug"),
        cli("notify", "send", place.as_uri(), "--secret", f"{CANARY}-as-a-value", "--yes", "--debug"),
    ]
    box.does = Behaviour(sender=f"550 not for {ADDRESS}")
    told.append(shell("notify", "send", place.as_uri(), "--yes", "--retry", "--debug"))
    for result in told:
        said = result.out + result.err
        for canary in (CANARY, "finch-canary", SECRET):
            assert canary not in said
    assert "w…@birds.example" in told[3].out
    revealed = cli("notify", "list", "--reveal")
    assert ADDRESS in revealed.out
    # the tables: addresses in the subscribers' alone; the record of reads has none
    for path in state.rglob("*"):
        if path.is_file() and path.name != "notify.sqlite":
            assert CANARY.encode() not in path.read_bytes()
    with sqlite3.connect(state / "notify.sqlite") as database:
        rows = str(database.execute('SELECT * FROM "notify-deliveries"').fetchall())
    database.close()
    assert "canary" not in rows
    assert "birds.example" not in rows


def test_the_address_can_stay_off_the_command_line(
    cli: Call, box: MailBox, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.StringIO(ADDRESS + "\n"))
    assert cli("notify", "subscribe", "-").code == 0
    assert box.mails[0].recipients == [ADDRESS]


def test_no_secret_no_transport_no_sender(
    cli: Call, box: MailBox, settings: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BONDSTORE_NOTIFY")
    assert cli("notify", "send", place.as_uri(), "--yes").code == 4
    assert cli("notify", "send", place.as_uri(), "--transport", box.url, "--yes").code == 4
    monkeypatch.setenv("BONDSTORE_NOTIFY", str(settings))
    monkeypatch.delenv("BONDSTORE_NOTIFY_SECRET")
    assert cli("notify", "send", place.as_uri(), "--yes").code == 4
    assert cli("notify", "list").code == 0


def test_killed_between_taken_on_and_written_down(cli: Call, box: MailBox, settings: Path, place: Path) -> None:
    join(cli, box)
    taken = len(box.mails)
    words = [sys.executable, "-m", "bondstore", "notify", "send", place.as_uri(), "--yes", "--json"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
    box.does = Behaviour(on_data=lambda: os.kill(process.pid, signal.SIGKILL), cut="after")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert len(box.mails) == taken + 1
    box.does = Behaviour()
    waiting = cli("notify", "send", place.as_uri(), "--yes", "--json")
    assert [one["state"] for one in waiting.records if one["kind"] == "delivery"] == ["in-progress"]
    assert waiting.code == 5
    assert [one["state"] for one in cli("notify", "list", "--sent", "--json").records] == ["claimed"], "not as sent"
    settings.write_text("lease = 0.001\n" + settings.read_text())
    after = cli("notify", "send", place.as_uri(), "--yes", "--json")
    assert [one["state"] for one in after.records if one["kind"] == "delivery"] == ["sent"]
    first, second = box.to(ADDRESS)[-2:]
    assert first.data == second.data
    [row] = cli("notify", "list", "--sent", "--json").records
    assert (row["state"], row["doubts"]) == ("sent", 1)


def test_three_at_once_send_once(cli: Call, box: MailBox, settings: Path, place: Path) -> None:
    people = [f"p{number}@birds.example" for number in range(6)]
    for one in people:
        join(cli, box, one)
    box.mails.clear()
    words = [sys.executable, "-m", "bondstore", "notify", "send", place.as_uri(), "--yes", "--json"]
    running = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(3)]
    for process in running:
        _, err = process.communicate(timeout=120)
        assert process.returncode in (0, 5), err.decode()
    assert sorted(mail.recipients[0] for mail in box.mails) == people
    assert cli("notify", "send", place.as_uri(), "--yes").code == 0
    assert len(box.mails) == len(people)
