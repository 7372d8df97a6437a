"""Secrets by reference: where a secret is kept, never what it is.

A `SecretRef` may be printed, pickled and written to a file. The `Secret` it resolves to may not: it shows as
``***`` and refuses to be pickled.

=====================  =======================================================================
``env:NAME``           an environment variable
``file:/path``         a file that only its owner can read (mode 0600 or stricter)
``keyring:svc/name``   the desktop's keyring (``pip install 'bondstore[keyring]'``)
``prompt:`` [label]    asked once per process, on the terminal, without echo
=====================  =======================================================================
"""

from __future__ import annotations

import hmac
import os
import re
import stat
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from bondstore.errors import ConfigurationError, CredentialsError, MissingExtraError
from bondstore.modes import others_may_write

SCHEMES = ("env", "file", "keyring", "prompt")
MASK = "***"
HOW_TO_REFER = "Name the place instead: env:NAME, file:/path (mode 0600), keyring:service/name or prompt: to be asked."
LINE_END = "\r\n"
"""What an editor, `echo` or a copied line leaves behind a secret: it is no part of any."""

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(#[A-Za-z]+)?")  # behind #: a field of a connection string
_SHORTEST = 6  # shorter ones would blank out ordinary words
_seen: set[str] = set()
_LONGEST = 65536  # a private key fits; a mistyped path to a data file does not fill the memory


class Secret:
    """A secret value that shows as ``***`` wherever it is printed."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value
        if len(value) >= _SHORTEST:
            _seen.add(value)

    def reveal(self) -> str:
        """Return the secret itself, to be handed to the one call that needs it."""
        return self.__value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __len__(self) -> int:
        return len(self.__value)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is never pickled. Send its SecretRef and resolve it where it is needed.")


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a secret is kept. Holds no secret: it may be printed, pickled and stored."""

    scheme: str
    place: str  # the variable, the absolute path, service/name, or the label to ask with

    @classmethod
    def parse(cls, text: str, *, base: Path | None = None) -> SecretRef:
        """Read a reference such as ``env:LAB_KEY``; a relative ``file:`` path starts at `base`, else where we are."""
        scheme, colon, place = text.partition(":")
        place = place.strip()
        if not colon or scheme not in SCHEMES:
            raise ConfigurationError(
                "A secret is given by reference, never as its value.",
                hint=HOW_TO_REFER,
            )
        if scheme == "env" and not _ENV_NAME.fullmatch(place):
            raise ConfigurationError("env: must be followed by a variable's name.", hint=HOW_TO_REFER)
        if scheme == "keyring" and not all(place.partition("/")):
            raise ConfigurationError("keyring: must be followed by service/name.", hint=HOW_TO_REFER)
        if scheme == "file":
            if not place or "\0" in place:
                raise ConfigurationError("file: must be followed by a path.", hint=HOW_TO_REFER)
            # absolute, because a worker may run in another folder
            place = os.path.normpath((base or Path.cwd()) / Path(place).expanduser())
        return cls(scheme, place)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.place}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        """Settings are read and recorded with the reference as text; see `bondstore.config.model`."""
        from pydantic_core import PydanticCustomError, core_schema

        def parsed(value: object, info: Any) -> SecretRef:
            if isinstance(value, SecretRef):
                return value
            if not isinstance(value, str) or not value.startswith(tuple(f"{scheme}:" for scheme in SCHEMES)):
                raise PydanticCustomError("literal-secret", "not a reference")
            try:
                return cls.parse(value, base=(info.context or {}).get("base"))
            except ConfigurationError as error:
                told = {"message": error.message, "hint": error.hint}
            raise PydanticCustomError("bondstore", "refused", told)

        text = core_schema.str_schema()
        return core_schema.with_info_plain_validator_function(
            parsed,
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=text),
            json_schema_input_schema=text,
        )

    def resolve(self) -> Secret:
        """Fetch the secret, without a trailing line end; raises `CredentialsError` when others could read it too."""
        with _lock:
            known = _remembered.get(self)
            if known is not None:
                return known
            if self.scheme == "prompt":
                answer = _from_prompt(self.place)
                _remembered[self] = answer
                return answer
        if self.scheme == "env":
            return _from_env(self.place)
        if self.scheme == "file":
            return _from_file(Path(self.place))
        return _from_keyring(self.place)


_lock = threading.RLock()
_remembered: dict[SecretRef, Secret] = {}


def reference_of(given: str | SecretRef | None) -> SecretRef | None:
    """Return a reference that was given as one, or as text such as ``env:LAB_KEY``."""
    return SecretRef.parse(given) if isinstance(given, str) else given


def remember(ref: SecretRef, value: Secret | str) -> None:
    """Keep a value under its reference for the life of this process.

    A worker calls this with what its parent sent through a pipe, so that nobody is asked twice.
    """
    with _lock:
        _remembered[ref] = value if isinstance(value, Secret) else Secret(value)


def remembered() -> dict[SecretRef, Secret]:
    """Return what was asked for or remembered in this process; the caller hands it to its workers."""
    with _lock:
        return dict(_remembered)


def forget() -> None:
    """Drop every remembered value."""
    with _lock:
        _remembered.clear()


def redact(text: str) -> str:
    """Blank out every secret this process has seen: the last line of defence for text that others wrote."""
    for value in sorted(_seen, key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def fields_of_text(text: str) -> dict[str, str]:
    """Take apart a connection string: ``NAME=VALUE;NAME=VALUE``."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def _from_env(place: str) -> Secret:
    name, _, field = place.partition("#")
    value = os.environ.get(name, "")
    if field:
        value = fields_of_text(value).get(field, "")
    value = value.rstrip(LINE_END)
    if not value:
        raise CredentialsError(
            f"The environment variable {name} is not set.",
            hint=f"Set it in your shell (read -rs {name} && export {name}), or refer to another place.",
        )
    return Secret(value)


def _from_file(path: Path) -> Secret:
    try:
        # non-blocking, so that a named pipe cannot make the open wait for ever
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise CredentialsError(
            f"The secret's file {path} cannot be read ({error.strerror}).",
            hint="Create it with mode 0600, holding nothing but the secret.",
        ) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise CredentialsError(f"{path} is not a regular file.", hint=HOW_TO_REFER)
        if status.st_mode & 0o077:
            raise CredentialsError(
                f"The secret's file {path} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}).",
                hint=f"Run: chmod 600 '{path}'",
            )
        above = path.parent.stat()
        # in a folder such as /tmp (sticky) anybody may make files, and nobody may exchange those of others
        if not above.st_mode & stat.S_ISVTX and others_may_write(above):
            raise CredentialsError(
                f"Others can write to the folder of the secret's file {path} (mode {stat.S_IMODE(above.st_mode):04o}), "
                "and so exchange it.",
                hint=f"Run: chmod go-w '{path.parent}'",
            )
        data = os.read(descriptor, _LONGEST + 1)
    finally:
        os.close(descriptor)
    if len(data) > _LONGEST:
        raise CredentialsError(f"{path} is too large to be a secret.", hint=HOW_TO_REFER)
    try:
        value = data.decode("utf-8-sig").rstrip(LINE_END)
    except UnicodeDecodeError:
        # `from None`: the decode error carries the bytes themselves
        raise CredentialsError(f"The secret's file {path} is not UTF-8 text.", hint=HOW_TO_REFER) from None
    if not value:
        raise CredentialsError(f"The secret's file {path} is empty.", hint="Write the secret into it.")
    return Secret(value)


def _from_keyring(place: str) -> Secret:
    service, _, name = place.partition("/")
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise MissingExtraError(
            "Reading the keyring needs an optional part.", hint="Run: pip install 'bondstore[keyring]'"
        ) from None
    try:
        value = keyring.get_password(service, name)
    except keyring.errors.KeyringError as error:
        raise CredentialsError(
            f"The keyring could not be read for keyring:{place} ({type(error).__name__}).",
            hint="Unlock it, or refer to another place, such as file:/path.",
        ) from None
    value = (value or "").rstrip(LINE_END)
    if not value:
        raise CredentialsError(
            f"The keyring holds nothing under keyring:{place}.", hint=f"Run: keyring set {service} {name}"
        )
    return Secret(value)


def _from_prompt(label: str) -> Secret:
    if not (sys.stdin and sys.stdin.isatty()):
        raise CredentialsError(
            "A secret is to be asked for, but there is no terminal to ask on.",
            hint="Refer to env:NAME, file:/path or keyring:service/name in scripts.",
        )
    import getpass

    value = getpass.getpass(f"{label or 'Secret'}: ").rstrip(LINE_END)
    if not value:
        raise CredentialsError("Nothing was entered.", hint="Run the command again.")
    return Secret(value)
