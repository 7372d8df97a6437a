"""The environment that tests run in, in this process and in what they start: nothing of the machine or the person."""

from __future__ import annotations

import locale
import os
import signal
import time
from pathlib import Path

import pytest

_SETTINGS = ("AWS_", "BEIWE_", "AZURE_", "BONDSTORE_", "S3_", "PG", "LC_")
_ALSO = {"STUDY_FOLDER", "DECRYPTION_KEY_STRING", "LANGUAGE"}
# What makes typer, rich or Python write otherwise than they do by themselves.
_OUTPUT = {"NO_COLOR", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONWARNINGS"}
_PROXIES = {name for one in ("http", "https", "all", "no") for name in (f"{one}_proxy", f"{one}_proxy".upper())}
_TERMINAL = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
# Far from UTC, and not by whole hours: a local time where UTC should be shows.
_LOCALE = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu"}


def use_own_environment(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Set home, terminal, locale and time zone, and take everybody's settings and proxies away."""
    for name in list(os.environ):
        if name.startswith(_SETTINGS) or name in _ALSO | _OUTPUT | _PROXIES:
            patch.delenv(name)
    patch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name, value in (_TERMINAL | _LOCALE).items():
        patch.setenv(name, value)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("ORT_DISABLE_TELEMETRY", "1")  # for tests that load onnxruntime themselves
    # A shell ignores Ctrl-C in what it runs in the background, and so would all that tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Python and the C library read these once, at their start.
    locale.setlocale(locale.LC_ALL, _LOCALE["LC_ALL"])
    time.tzset()
