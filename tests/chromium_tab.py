"""One page of a headless Chromium, used as a person does: by keys, by clicks, by drawing. Spoken to through pipes."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

WAIT = 90.0
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
"""A browser that asks nobody for anything."""


@dataclass
class Tab:
    """A page, and what the browser said about it."""

    to: int
    back: int
    session: str = ""
    complaints: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    _number: int = 0
    _held: bytes = b""
    _events: list[dict[str, Any]] = field(default_factory=list)
    _ready: select.poll = field(default_factory=select.poll)

    def __post_init__(self) -> None:
        self._ready.register(self.back, select.POLLIN)

    def send(self, method: str, **params: Any) -> Any:
        """Ask for something and return the answer."""
        self._number += 1
        said: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self.session:
            said["sessionId"] = self.session
        os.write(self.to, json.dumps(said).encode() + b"\0")
        end = time.monotonic() + WAIT
        while True:
            answer = self._next(end)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._held:
            left = end - time.monotonic()
            assert left > 0, "the browser does not answer"
            if self._ready.poll(left * 1000):
                piece = os.read(self.back, 1 << 20)
                assert piece, "the browser is gone"
                self._held += piece
        one, _, self._held = self._held.partition(b"\0")
        said: dict[str, Any] = json.loads(one)
        self._note(said)
        return said

    def _note(self, said: dict[str, Any]) -> None:
        params = said.get("params", {})
        if said.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(params["exceptionDetails"])[:500])
        elif said.get("method") == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif said.get("method") == "Network.requestWillBeSent":
            self.asked.add(params["request"]["url"])
        elif said.get("method"):
            self._events.append(said)

    def open(self, path: Path) -> None:
        """Load a file and wait until it is there."""
        self._events.clear()
        self.send("Page.navigate", url=path.as_uri())
        self.wait_for("Page.loadEventFired")

    def wait_for(self, method: str) -> dict[str, Any]:
        """Return the next event of a kind."""
        end = time.monotonic() + WAIT
        while True:
            for said in self._events:
                if said["method"] == method:
                    self._events.remove(said)
                    return said["params"]  # type: ignore[no-any-return]
            self._next(end)

    def value(self, expression: str) -> Any:
        """Return what an expression comes to in the page."""
        done = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def text(self, query: str) -> str:
        """Return what a person reads in an element."""
        return str(self.value(f"document.querySelector({json.dumps(query)}).innerText"))

    def key(self, key: str) -> None:
        """Press a key."""
        words: dict[str, Any] = {"key": key}
        if len(key) == 1:
            words |= {"text": key, "code": f"Key{key.upper()}"}
        self.send("Input.dispatchKeyEvent", type="keyDown", **words)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def place(self, query: str) -> tuple[float, float, float, float]:
        """Return left, top, width and height of an element in the window, after scrolling to it."""
        found = self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(query)}); e.scrollIntoView({{block: 'center'}});"
            " const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; })()"
        )
        left, top, width, height = found
        return left, top, width, height

    def click(self, query: str) -> None:
        """Click in the middle of an element."""
        left, top, width, height = self.place(query)
        self.drag((left + width / 2, top + height / 2), (left + width / 2, top + height / 2))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at one place and let go at another one."""

        def mouse(kind: str, place: tuple[float, float], **words: Any) -> None:
            self.send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], **words)

        mouse("mouseMoved", start)
        mouse("mousePressed", start, button="left", buttons=1, clickCount=1)
        if start != end:
            mouse("mouseMoved", ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), button="left", buttons=1)
            mouse("mouseMoved", end, button="left", buttons=1)
        mouse("mouseReleased", end, button="left", clickCount=1)

    def picture(self) -> Image.Image:
        """Return what is to be seen."""
        shot = self.send("Page.captureScreenshot", format="png")
        return Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")

    def saved(self, folder: Path, name: str) -> Path:
        """Wait for a file that the page saves."""
        end = time.monotonic() + WAIT
        path = folder / name
        while not (path.exists() and path.stat().st_size):
            assert time.monotonic() < end, "nothing was saved"
            self.value("new Promise((done) => setTimeout(done, 50))")
        return path


@contextlib.contextmanager
def tab(program: str, folder: Path, *, size: tuple[int, int] = (1200, 1000), dark: bool = False) -> Iterator[Tab]:
    """Start a browser with one empty page; what it saves goes to `folder`."""
    theirs_in, to = os.pipe()
    back, theirs_out = os.pipe()

    def hand_over() -> None:
        # The browser reads from 3 and writes to 4.
        read, write = os.dup(theirs_in), os.dup(theirs_out)
        os.dup2(read, 3)
        os.dup2(write, 4)

    options = [
        *QUIET,
        "--remote-debugging-pipe",
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={size[0]},{size[1]}",
    ]
    browser = subprocess.Popen(
        [program, *options, "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=False,
        preexec_fn=hand_over,  # noqa: PLW1509 - no threads are needed before the browser takes over
    )
    os.close(theirs_in)
    os.close(theirs_out)
    made = Tab(to, back)
    try:
        made.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        target = made.send("Target.createTarget", url="about:blank")["targetId"]
        made.session = made.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            made.send(f"{part}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        made.send("Emulation.setEmulatedMedia", features=[scheme])
        made.send(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )
        yield made
    finally:
        os.close(to)
        browser.kill()
        browser.wait()
        os.close(back)
