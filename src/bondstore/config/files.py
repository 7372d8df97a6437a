"""The two settings files: the project's ``bondstore.toml`` and the user's own. Reads are checked, writes atomic."""

from __future__ import annotations

import contextlib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bondstore.config.invalid import unknown
from bondstore.config.model import parse_toml
from bondstore.config.profiles import check_name, check_settings
from bondstore.errors import ConfigurationError
from bondstore.modes import make_path, write_private

PROJECT_FILE = "bondstore.toml"
TOP = {"profile": "profile", "store": "url", "study": "study", "key": "decryption_key"}
"""Settings at the head of a file, and the setting of a profile each one stands for."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """One settings file, checked; `top` and `profiles` go by the names that a profile has for its settings."""

    path: Path
    default_profile: str | None = None
    top: dict[str, Any] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)


def user_path() -> Path:
    """Return where the user's file is: below ``$XDG_CONFIG_HOME``, or ``~/.config``."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    # a relative path there is to be ignored, says the XDG base directory specification
    root = Path(base) if base.startswith("/") else Path("~/.config").expanduser()
    return root / "bondstore" / "config.toml"


def project_path(start: Path | None = None) -> Path | None:
    """Find the project's ``bondstore.toml`` in a folder (else the current one) or the nearest one above it."""
    try:
        here = (start or Path.cwd()).absolute()
    except FileNotFoundError:  # the current folder was removed
        return None
    candidates = (folder / PROJECT_FILE for folder in (here, *here.parents))
    return next((path for path in candidates if path.is_file()), None)


def read(path: Path) -> SettingsFile:
    """Read and check one file; a missing one is empty. Raises `ConfigurationError`."""
    document = _load(path)
    top: dict[str, Any] = {}
    profiles: dict[str, dict[str, Any]] = {}
    default: str | None = None
    for name, value in document.items():
        if name == "profile":
            profiles = _profiles(value, path)
        elif name == "default_profile":
            default = check_name(value if isinstance(value, str) else "")
        elif name in TOP:
            top |= check_settings({TOP[name]: value}, f"{path}: {name}", base=path.parent)
        else:
            raise unknown(name, ("profile", "default_profile", *TOP), str(path))
    return SettingsFile(path, default, top, profiles)


def write_profile(path: Path, name: str, settings: Mapping[str, Any] | None, *, default: bool = False) -> None:
    """Put a profile into a file, or take it out (None), and leave everything else as it was, comments included.

    `default` makes it the file's default profile. File and folders are made when missing, for the user's eyes only.
    """
    path = path.resolve()  # a symbolic link, as dotfile managers make, stays one
    try:
        make_path(str(path.parent))
        with _locked(path):
            text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
            before = _load(path).get("default_profile")  # also refuses to touch what cannot be read
            text = _without(text, name)
            if default or (settings is None and before == name):
                text = _with_default(text, name if settings is not None else None)
            if settings is not None:
                text = text.rstrip() + "\n\n" if text.strip() else ""
                text += _table(name, settings)
            _expect(text, path, name, settings)
            write_private(path, text.encode())
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}).", hint="Check the folder's owner and free space."
        ) from None


def _load(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}).", hint=f"Run: chmod 600 '{path}'"
        ) from None
    except UnicodeDecodeError:
        # `from None`: the decode error carries the bytes themselves
        raise ConfigurationError(f"{path} is not valid TOML.", hint="Save it as UTF-8.") from None
    return parse_toml(text, str(path))


def _profiles(value: object, path: Path) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise ConfigurationError(
            f"{path}: a profile is a table of its own.",
            hint='Write [profile.NAME], and default_profile = "NAME" at the head of the file.',
        )
    return {
        check_name(name): check_settings(table, f"{path} [profile.{name}]", base=path.parent)
        for name, table in value.items()
    }


def _header(line: str) -> str | None:
    """Return the table's name when a line is a table's header, white space taken out."""
    bare = line.split("#", 1)[0].strip()
    return "".join(bare[1:-1].replace('"', "").split()) if bare.startswith("[") and bare.endswith("]") else None


def _without(text: str, name: str) -> str:
    """Drop a profile's table; comments right above the next table stay with that one."""
    kept: list[str] = []
    dropped: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        header = _header(line)
        if header is not None:
            if inside:
                kept += _tail_comments(dropped)
            inside = header == f"profile.{name}"
            dropped = []
        (dropped if inside else kept).append(line)
    return "".join(kept)


def _tail_comments(lines: list[str]) -> list[str]:
    start = len(lines)
    while start > 1 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return lines[start:]


def _with_default(text: str, name: str | None) -> str:
    """Set or drop ``default_profile``, which stands before the first table."""
    lines = text.splitlines(keepends=True)
    end = next((i for i, line in enumerate(lines) if _header(line) is not None), len(lines))
    head = [line for line in lines[:end] if line.partition("=")[0].strip() != "default_profile"]
    new = [f"default_profile = {json.dumps(name)}\n"] if name is not None else []
    gap = ["\n"] if new and not head and lines[end:] else []
    return "".join([*new, *gap, *head, *lines[end:]])


def _table(name: str, settings: Mapping[str, Any]) -> str:
    return f"[profile.{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in settings.items())


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False)


def _expect(text: str, path: Path, name: str, settings: Mapping[str, Any] | None) -> None:
    """Read the new text back before it replaces the old one: an unusual layout must not lose anything."""
    wanted = _load(path)
    profiles = {key: value for key, value in wanted.get("profile", {}).items() if key != name}
    if settings is not None:
        profiles[name] = tomllib.loads(_table(name, settings))["profile"][name]
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        found = {}
    rest = {key: value for key, value in wanted.items() if key not in ("profile", "default_profile")}
    found_rest = {key: value for key, value in found.items() if key not in ("profile", "default_profile")}
    if found.get("profile", {}) != profiles or rest != found_rest:
        raise ConfigurationError(
            f"{path} is laid out in a way that cannot be changed safely.",
            hint=f"Edit it by hand: the profile is the table [profile.{name}].",
        )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time change a file; without it, two could lose each other's profile."""
    import fcntl

    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
