"""How a message leaves: one interface for SMTP and SES, with what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from email.message import EmailMessage


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took a message on, and gave it this id, or none."""

    receipt: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider did not take a message on, or nobody knows whether it did."""

    code: str  # why, as a word without any address: ``smtp-550``, ``ses-MessageRejected``
    again: bool  # it may go through later
    busy: bool = False  # the provider asked to go slower
    doubt: bool = False  # the connection broke after the whole message had gone out: it may have been taken on


Answer: TypeAlias = Accepted | Declined


class Transport(Protocol):
    """A way for messages, one recipient each."""

    url: str

    def limit(self) -> int:
        """Return how many bytes a message may have; `ConfigurationError` where the provider cannot be used at all."""
        ...

    def send(self, message: EmailMessage, recipient: str) -> Answer:
        """Hand a message for one recipient over.

        `ConfigurationError` means that nothing can be sent at all: no answer, a wrong certificate, a refused login, an
        unverified sender. No error names an address.
        """
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...
