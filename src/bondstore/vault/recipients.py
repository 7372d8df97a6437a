"""For whom the files of a vault are encrypted."""

from __future__ import annotations

from dataclasses import dataclass

from bondstore.codecs.crypt4gh import Envelope, header, new_envelope
from bondstore.config.secrets import SecretRef
from bondstore.vault.keys import unlocked


@dataclass(frozen=True, slots=True)
class Recipients:
    """For whom is encrypted, and whose key signs. It holds no secret."""

    names: tuple[str, ...]
    publics: tuple[str, ...]
    """Their public keys, as hexadecimal digits."""
    key: str
    """The pair of this account that signs."""
    passphrase: SecretRef

    @property
    def encrypts(self) -> bool:
        """Whether anything is encrypted at all."""
        return bool(self.publics)

    @property
    def raw(self) -> list[bytes]:
        """Their public keys."""
        return [bytes.fromhex(one) for one in self.publics]

    def header(self, envelope: Envelope) -> bytes:
        """Return the header of a file for them."""
        return header(envelope, self.raw, unlocked(self.key, self.passphrase).private)

    def sealed(self, content: bytes) -> bytes:
        """Encrypt something small."""
        envelope = new_envelope()
        return self.header(envelope) + bytes(envelope.segments.seal(content))
