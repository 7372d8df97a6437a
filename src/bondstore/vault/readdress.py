"""Headers for other recipients: who can decrypt what is behind them changes, and that stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.codecs.crypt4gh import Header, extended, header
from bondstore.errors import ConfigurationError, DamagedError
from bondstore.vault.findings import NOT_PROVED
from bondstore.vault.keys import fingerprint, recipients

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bondstore.vault.keys import OwnKey
    from bondstore.vault.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Change:
    """Who is to be able to decrypt from now on, and who is not."""

    added: tuple[tuple[str, str], ...]
    """Names and public keys, as hexadecimal digits."""
    dropped: tuple[str, ...] = ()
    """Fingerprints."""

    @property
    def keys(self) -> dict[str, str]:
        """The public keys that are added, by their fingerprints."""
        return {fingerprint(bytes.fromhex(public)): public for _, public in self.added}

    def after(self, before: Iterable[str]) -> tuple[str, ...]:
        """Return the fingerprints of the recipients that become of some."""
        return tuple(sorted({*before, *self.keys} - set(self.dropped)))

    def header(self, old: bytes, before: Iterable[str], keys: Mapping[str, str], own: OwnKey) -> bytes:
        """Return the header that becomes of one; `keys` are public keys by their fingerprints.

        Raises
        ------
        WrongKeyError
            The header is not for this key.
        DamagedError
            It is not a header.
        """
        parsed = Header.parse(old)
        if parsed is None or parsed.size != len(old):
            raise DamagedError("The header of the encrypted file is cut short.", kind=NOT_PROVED.word)
        envelope, kept = parsed.open(own.private), set(before)
        if kept.intersection(self.dropped):  # nothing says which packet is for whom: all are made again
            return header(envelope, [bytes.fromhex(keys[one]) for one in self.after(kept)], own.private)
        added = [bytes.fromhex(public) for one, public in self.keys.items() if one not in kept]
        return extended(parsed, envelope, added, own.private) if added else old


def public_keys(change: Change, manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return public keys of recipients by their fingerprints, from manifests and from those you trust.

    Raises
    ------
    ConfigurationError
        One that stays is known to neither.
    """
    known = {one.fingerprint: one.public.hex() for one in recipients()} | change.keys
    needed: set[str] = set()
    for manifest in manifests:
        known |= manifest.keys
        if set(manifest.recipients).intersection(change.dropped):
            needed.update(change.after(manifest.recipients))
    if missing := sorted(needed - set(known)):
        raise ConfigurationError(
            f"The public key of {missing[0]} is not known, who is to stay a recipient.",
            hint="Ask for the .pub file: bondstore keys trust NAME FILE.pub. Or drop this recipient too, by --drop "
            f"{missing[0]}",
        )
    return known
