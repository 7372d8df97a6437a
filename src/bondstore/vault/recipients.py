"""For whom the files of a vault are encrypted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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

    @classmethod
    def recorded(cls, params: Mapping[str, Any]) -> Recipients:
        """Return those that a run recorded."""
        pairs = params["recipients"]
        names, publics = tuple(one for one, _ in pairs), tuple(one for _, one in pairs)
        return cls(names, publics, params["key"], SecretRef.parse(params["passphrase"]))

    @property
    def params(self) -> dict[str, Any]:
        """What a run records of them."""
        pairs = [list(pair) for pair in zip(self.names, self.publics, strict=True)]
        return {"recipients": pairs, "key": self.key, "passphrase": str(self.passphrase)}

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
