"""Names in zips: shown so that a person can read them, never used as paths."""

from __future__ import annotations

import hashlib
import re

_LONGEST = 500
_LONGEST_BASE = 120
_DRIVE = re.compile(r"[A-Za-z]:")
_UNSAFE = re.compile(r'[<>:"|?*%/\\]')


def read_name(raw: bytes) -> tuple[str, str]:
    """Return a name with ``/`` between its parts, printable and not too long, and what is odd about it, or nothing."""
    try:
        text, foreign = raw.decode(), False
    except UnicodeDecodeError:
        text, foreign = raw.decode("cp437"), True
    shown = "".join(_shown(letter) for letter in text.replace("\\", "/"))
    if len(shown) > _LONGEST:
        shown = f"{shown[: _LONGEST - 40]}%-{hashlib.sha256(raw).hexdigest()[:32]}"
    return shown, _oddity(text, len(raw), foreign=foreign)


def base_name(name: str, number: int) -> str:
    """Return the last part of a name, harmless on every file system, its suffix kept."""
    base = _UNSAFE.sub("_", name.rpartition("/")[2]).strip(". ")
    if not base:
        return f"member-{number}"
    stem, dot, suffix = base.rpartition(".")
    if dot and len(suffix) <= 8:
        return f"{_cut(stem, _LONGEST_BASE - 9)}.{suffix}"
    return _cut(base, _LONGEST_BASE)


def _oddity(text: str, length: int, *, foreign: bool) -> str:
    parts = text.removesuffix("/").split("/")
    checks = (
        (foreign, "is not UTF-8"),
        (not text, "is empty"),
        (not text.isprintable(), "holds characters that cannot be shown"),
        (length > _LONGEST, "is very long"),
        ("\\" in text, "holds backslashes"),
        (text.startswith("/"), "is an absolute path"),
        (_DRIVE.match(text), "begins with a drive letter"),
        (".." in parts, "leads out of its folder"),
        ("" in parts or "." in parts, "has empty parts"),
    )
    return next((words for holds, words in checks if holds), "")


def _shown(letter: str) -> str:
    if letter.isprintable():
        return letter
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogatepass"))


def _cut(text: str, longest: int) -> str:
    return text.encode()[:longest].decode("utf-8", "ignore")
