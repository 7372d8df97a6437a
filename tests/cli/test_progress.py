from __future__ import annotations

import contextlib
import io
import os
import pty
import signal
import threading
import time

import pytest

from bondstore.cli.progress import BarProgress, LogProgress, Meter, reporter
from bondstore.cli.questions import agreed
from bondstore.runs import pulse
from bondstore.runs.tally import Count


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_meter_tells_objects_bytes_rate_and_time_left() -> None:
    clock = Clock()
    meter = Meter(clock)
    meter.done = Count(7, 2000)
    assert meter.text() == "listing: 7 objects, 2.0 kB"
    meter.begin(Count(1000, 4_000_000))
    assert meter.left() is None
    clock.now += 10
    meter.done += Count(500, 1_000_000)
    assert meter.fraction == 0.25, "the one that is further behind counts"
    assert meter.left() == pytest.approx(30)
    assert meter.text() == "500 of 1,000 objects, 1.0 MB of 4.0 MB, 50 objects/s, 100 kB/s, 30 s left"
    meter.done += Count(500, 3_000_000)
    assert meter.text().endswith("400 kB/s"), "no time is left"


def test_a_run_with_nothing_to_do() -> None:
    meter = Meter(Clock())
    meter.begin(Count())
    assert meter.fraction == 1
    meter.begin(Count(3, 0))
    meter.done += Count(3, 0)
    assert meter.fraction == 1


def test_lines_come_also_while_nothing_moves_and_the_last_state_is_told() -> None:
    out = io.StringIO()
    lines = LogProgress(out, every=0.05)
    lines.listing(Count(5, 5))
    time.sleep(0.13)
    lines.begin(Count(10, 10))
    lines.advance(Count(10, 10))
    lines.end()
    told = out.getvalue().splitlines()
    assert told[0] == "listing: 5 objects, 5 B"
    assert 2 <= len(told) <= 5
    assert told[-1].startswith("10 of 10 objects")
    before = out.getvalue()
    time.sleep(0.12)
    assert out.getvalue() == before, "nothing comes after the end"


def test_a_short_run_writes_one_line() -> None:
    out = io.StringIO()
    lines = reporter(out)
    assert isinstance(lines, LogProgress)
    lines.begin(Count(1, 1))
    lines.advance(Count(1, 1))
    lines.end()
    assert len(out.getvalue().splitlines()) == 1


@pytest.mark.parametrize("no_color", [True, False])
def test_on_a_terminal_there_is_a_bar(no_color: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    else:
        monkeypatch.delenv("NO_COLOR", raising=False)
    parent, child = pty.openpty()
    with os.fdopen(child, "w") as stream:
        bar = reporter(stream)
        assert isinstance(bar, BarProgress)
        bar.listing(Count(1, 1))
        bar.begin(Count(10, 1000))
        bar.advance(Count(5, 500))
        time.sleep(0.3)
        bar.end()
    read = b""
    with contextlib.suppress(OSError):  # the terminal's end reads as an error
        while part := os.read(parent, 100_000):
            read += part
    os.close(parent)
    told = read.decode()
    assert "5 of 10 objects" in told
    assert ("\x1b[38;" in told) is not no_color
    assert told.rstrip().splitlines()[-1].strip().split("\x1b[2K")[-1].startswith("5 of 10 objects")


def drawn(leader: int) -> str:
    found = b""
    with contextlib.suppress(BlockingIOError):
        while part := os.read(leader, 100_000):
            found += part
    return found.decode()


def test_the_bar_is_gone_while_somebody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn over the answer, and what is typed is seen."""
    leader, follower = pty.openpty()
    os.set_blocking(leader, False)
    with os.fdopen(follower, "w", closefd=False) as terminal, os.fdopen(follower) as typed:
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setattr("sys.stdin", typed)
        bar = BarProgress(terminal)
        bar.listing(Count(5, 5))
        answer = threading.Timer(1.0, os.write, (leader, b"y\n"))
        answer.start()
        assert agreed("Upload 5 files?", yes=False)
        answer.join()
        before, _, after = drawn(leader).partition("Upload 5 files? [Y/n] ")
        assert "\x1b[?25h" in before  # the cursor is there again
        assert after == "y\r\n"
        bar.begin(Count(5, 5))
        assert drawn(leader)
        bar.end()
    os.close(leader)


def test_what_is_inside_is_counted_and_objects_have_their_own_name() -> None:
    clock = [0.0]
    meter = Meter(lambda: clock[0], "zips")
    meter.begin(Count(10, 1000))
    clock[0] = 4.0
    meter.advance(Count(2, 200), {"images": 100})
    meter.advance(Count(1, 50), {"images": 20, "tables": 1})
    assert meter.text().startswith("3 of 10 zips, 250 B of 1.0 kB, 0.8 zips/s")
    assert "120 images (30/s), 1 tables (0.2/s)" in meter.text()


def test_ctrl_c_is_answered_at_once_and_only_while_something_runs() -> None:
    stream = io.StringIO()
    before = signal.getsignal(signal.SIGINT)
    lines = LogProgress(stream)
    lines.begin(Count(1, 1))
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert "Stopping" in stream.getvalue()
    assert signal.getsignal(signal.SIGINT) == before, "a second one is as before"
    lines.end()
    lines.begin(Count(1, 1))
    lines.end()
    assert signal.getsignal(signal.SIGINT) == before


def test_images_and_the_time_left_are_told_before_any_zip_is_done() -> None:
    """A zip of 50 screenshots takes half a minute: the first second has a guess, and each image makes it better."""
    clock = Clock()
    meter = Meter(clock, "zips", inside="images", guess=lambda todo: todo.bytes / 100_000 * 0.6)
    pulse.reset()
    meter.begin(Count(4, 20_000_000))
    assert meter.text().endswith("0 images (0.0/s), about 2:00 min left")
    clock.now += 15
    for _ in range(50):
        pulse.beat(100_000)
    assert meter.left() == pytest.approx(45)
    assert meter.text().endswith("50 images (3.3/s), 45 s left")
    meter.advance(Count(1, 5_000_000), {"images": 50})
    assert "1 of 4 zips" in meter.text()
    assert "50 images" in meter.text(), "none counts twice"
    for _ in range(200):
        pulse.beat(100_000)
    assert meter.fraction == pytest.approx(0.99), "a zip is done when it is recorded"
    meter.advance(Count(3, 15_000_000), {"images": 150})
    assert meter.fraction == 1


def test_the_bar_shows_images_while_no_receipt_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    parent, child = pty.openpty()
    pulse.reset()
    with os.fdopen(child, "w") as stream:
        bar = reporter(stream, "zips", inside="images", guess=lambda _: 90.0)
        bar.begin(Count(10, 1_000_000))
        time.sleep(0.5)
        for _ in range(7):
            pulse.beat(10_000)
        time.sleep(0.8)
        bar.end()
    read = b""
    with contextlib.suppress(OSError):
        while part := os.read(parent, 100_000):
            read += part
    os.close(parent)
    told = read.decode().replace("\r\n", " ")
    assert "about 1:" in told
    assert "7 images" in told
    assert "7 images" not in told.rstrip().split("\x1b[2K")[-1], "the last line tells what is recorded"
