"""Keys of the vault: pairs of this account, and the public keys of others, by name.

A pair is one private file, encrypted under a passphrase, and two public ones: ``NAME.pub`` for those who encrypt for
its owner (Crypt4GH), ``NAME.sign.pub`` for those who check what the owner signed (Ed25519, as openssl writes it). The
signing key is derived from the private key, so that there is one file to keep and one passphrase to know.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from bondstore import modes
from bondstore.codecs.crypt4gh import KEY_SIZE, PrivateKey
from bondstore.codecs.crypt4gh_keys import read_private, read_public, write_private, write_public
from bondstore.config.files import user_path
from bondstore.config.profiles import check_name
from bondstore.config.secrets import Secret, SecretRef
from bondstore.errors import ConfigurationError, CredentialsError, NotFoundError, UsageError
from bondstore.modes import make_folder, open_private, refuse_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRIVATE, PUBLIC, SIGNING = ".sec", ".pub", ".sign.pub"
SHORTEST = 12
"""Characters of a new passphrase."""
_LONGEST = 1 << 16  # no key file is longer: a mistyped path to a recording is not read
_SIGNING = b"bondstore: signing manifests"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody whose public keys are known."""

    name: str
    file: Path
    public: bytes
    signing: bytes | None = None
    """The public key of their signatures; None where it is not known."""
    is_own: bool = False

    @property
    def fingerprint(self) -> str:
        """What two people compare over the telephone: the SHA-256 of the public key."""
        return fingerprint(self.public)

    @property
    def signs_as(self) -> str:
        """The same of the key that their signatures are checked with; empty where that is not known."""
        return "" if self.signing is None else fingerprint(self.signing)

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Whether they signed some content."""
        return self.signing is not None and is_signed(self.signing, content, signature)


class OwnKey:
    """A private key of this account, unlocked. It is never pickled."""

    def __init__(self, name: str, private: PrivateKey) -> None:
        self.name, self.private = name, private
        self._signing = Ed25519PrivateKey.from_private_bytes(self.derive(b"", _SIGNING))
        raw = private.reveal()
        for form in (raw.hex(), base64.b64encode(raw).decode(), repr(raw)[2:-1]):
            Secret(form)  # known from now on, so that it is blanked out in whatever crash shows it

    @property
    def signing(self) -> bytes:
        """The public key that its signatures are checked with."""
        return self._signing.public_key().public_bytes_raw()

    def sign(self, content: bytes) -> bytes:
        """Return the Ed25519 signature of some content."""
        return self._signing.sign(content)

    def derive(self, salt: bytes, purpose: bytes) -> bytes:
        """Return 32 bytes that only this key, with this salt and for this purpose, gives (HKDF-SHA256, RFC 5869)."""
        return HKDF(SHA256(), KEY_SIZE, salt or None, purpose).derive(self.private.reveal())

    def __repr__(self) -> str:
        return f"OwnKey({self.name!r}, ***)"


def key_folder() -> Path:
    """Return where this account's keys are kept."""
    return user_path().parent / "keys"


def new_pair(name: str, passphrase: Secret, folder: Path | None = None) -> Recipient:
    """Make a pair, and write its files: the private one for its owner alone.

    Raises
    ------
    UsageError
        The name is none, a key of this name is there, or the passphrase is too short.
    """
    _check_name(name)
    if len(passphrase) < SHORTEST:
        raise UsageError(
            f"A passphrase needs at least {SHORTEST} characters.",
            hint="Four words that have nothing to do with another.",
        )
    folder = key_folder() if folder is None else folder
    make_folder(folder)
    refuse_writable(folder)
    key = OwnKey(name, PrivateKey.new())
    files = {  # the private one first: of two that make a key of this name, one gets it
        PRIVATE: write_private(key.private, passphrase),
        PUBLIC: write_public(key.private.public),
        SIGNING: write_signing(key.signing),
    }
    if any(os.path.lexists(folder / f"{name}{kind}") for kind in files):
        raise _taken(name, folder)
    try:
        for kind, content in files.items():
            modes.write_private(folder / f"{name}{kind}", content, new=True)
    except FileExistsError:
        raise _taken(name, folder) from None
    return Recipient(name, folder / f"{name}{PUBLIC}", key.private.public, key.signing, is_own=True)


def _taken(name: str, folder: Path) -> UsageError:
    return UsageError(
        f"There is a key {name} already in {folder}.", hint="Choose another name: keys are never overwritten."
    )


def trust(name: str, new: Recipient) -> Recipient:
    """Keep somebody's public keys under a name, as they were read when their fingerprints were compared.

    Raises
    ------
    UsageError
        The name is none, or stands for another key already.
    """
    _check_name(name)
    folder = key_folder()
    known = next((one for one in recipients() if one.name == name), None)
    signs_otherwise = known is not None and known.signing and new.signing and known.signing != new.signing
    if known is not None and (known.is_own or known.public != new.public or signs_otherwise):
        raise UsageError(
            f"{name} is the name of another key: {known.file}", hint="Choose another name, or remove that file first."
        )
    make_folder(folder / "trusted")
    refuse_writable(folder / "trusted")
    _write(folder / "trusted" / f"{name}{PUBLIC}", write_public(new.public))
    if new.signing is not None:
        _write(folder / "trusted" / f"{name}{SIGNING}", write_signing(new.signing))
    return find_recipient(name)


def _check_name(name: str) -> None:
    try:
        check_name(name)
    except ConfigurationError:
        raise UsageError(
            "A key's name is up to 64 letters, digits, - and _, and starts with a letter or digit.",
            hint="Choose another name, such as anna.",
        ) from None


def recipients() -> Iterator[Recipient]:
    """Yield this account's own pairs, then those that are trusted, by name."""
    for folder, is_own in ((key_folder(), True), (key_folder() / "trusted", False)):
        if not folder.is_dir():
            continue
        refuse_writable(folder)
        for file in sorted(folder.glob(f"*{PUBLIC}")):
            if not file.name.endswith(SIGNING):
                signing = file.with_name(f"{file.stem}{SIGNING}")
                yield read_recipient(file, signing if signing.exists() else None, is_own=is_own)


def find_recipient(text: str) -> Recipient:
    """Return the keys of a name, or those in a file of that path.

    Raises
    ------
    NotFoundError
        There is neither.
    """
    found = next((one for one in recipients() if one.name == text), None)
    if found is not None:
        return found
    if "/" in text or text.endswith(PUBLIC):
        return read_recipient(Path(text), None)
    raise NotFoundError(
        f"No key is known under the name {text}.",
        hint="bondstore keys show lists those there are; bondstore keys trust NAME FILE.pub adds one.",
    )


def read_recipient(public: Path, signing: Path | None, *, is_own: bool = False) -> Recipient:
    """Read somebody's public files."""
    key = read_public(_read(public), str(public))
    sign = None if signing is None else read_signing(_read(signing), str(signing))
    return Recipient(public.name.removesuffix(PUBLIC), public, key, sign, is_own)


def open_own(text: str, ask: Callable[[], Secret]) -> OwnKey:
    """Unlock a private key, by the name of a pair or by its path. `ask` brings the passphrase."""
    file = Path(text) if "/" in text or text.endswith(PRIVATE) else key_folder() / f"{text}{PRIVATE}"
    return OwnKey(file.name.removesuffix(PRIVATE), read_private(_read(file, is_secret=True), str(file), ask))


def fingerprint(public: bytes) -> str:
    """Return the fingerprint of a public key, as SSH writes them."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")


def is_signed(signing: bytes, content: bytes, signature: bytes) -> bool:
    """Whether a signature of some content was made with the other half of a public key."""
    try:
        Ed25519PublicKey.from_public_bytes(signing).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def write_signing(public: bytes) -> bytes:
    """Return the file of a public key for signatures."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_signing(content: bytes, name: str) -> bytes:
    """Return the public key for signatures in a file."""
    try:
        key = load_pem_public_key(content)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(
            f"{name} is not an Ed25519 public key.", hint="Its owner's bondstore keys show names the file to ask for."
        )
    return key.public_bytes_raw()


def _write(path: Path, content: bytes) -> None:
    with open_private(path) as file:
        file.write(content)


def _read(path: Path, *, is_secret: bool = False) -> bytes:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(_LONGEST)
    except OSError as error:
        raise NotFoundError(
            f"The key file {path} cannot be read ({error.strerror}).", hint="bondstore keys show lists those there are."
        ) from None
    if is_secret and mode & 0o077:
        raise CredentialsError(
            f"The private key {path} can be read by others (mode {mode:04o}).",
            hint=f"Run: chmod 600 '{path}'. On a disk that keeps no modes, copy it elsewhere first.",
        )
    return content


def own_key(name: str | None) -> str:
    """Return the name of the key that is meant: the only pair of this account where none is named.

    Raises
    ------
    ConfigurationError
        There is no pair, or there are several.
    """
    if name is not None:
        return name
    own = [one.name for one in recipients() if one.is_own]
    if not own:
        raise ConfigurationError("You have no key yet.", hint="Make one: bondstore keys new NAME")
    if len(own) > 1:
        raise ConfigurationError(f"You have several keys: {', '.join(own)}.", hint="Name one: --key NAME")
    return own[0]


_unlocked: dict[tuple[str, SecretRef], OwnKey] = {}
_guard = threading.Lock()


def passphrase_of(key: str, passphrase: SecretRef | None) -> SecretRef:
    """Return where a key's passphrase is kept; it is asked for where nobody says."""
    return passphrase or SecretRef("prompt", f"Passphrase for the key {key} (not shown)")


def unlocked(key: str, passphrase: SecretRef) -> OwnKey:
    """Return this process's unlocked key: scrypt takes its time, once."""
    with _guard:
        if (key, passphrase) not in _unlocked:
            _unlocked[key, passphrase] = open_own(key, passphrase.resolve)
        return _unlocked[key, passphrase]
