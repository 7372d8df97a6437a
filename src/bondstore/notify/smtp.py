"""SMTP: TLS with checked certificates, and an answer for each step that tells whom it is about.

Source: RFC 5321 (4.2.1 reply codes, 4.5.3.2 time-outs), RFC 3207 (STARTTLS), RFC 8314 (implicit TLS), RFC 1870 (SIZE).
"""

from __future__ import annotations

import ipaddress
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.policy import SMTP
from email.utils import parseaddr
from typing import TYPE_CHECKING

from bondstore.errors import BondstoreError, ConfigurationError, CredentialsError, PolicyError, UnreachableError
from bondstore.notify.transport import Accepted, Answer, Declined

if TYPE_CHECKING:
    from email.message import EmailMessage

    from bondstore.config.secrets import SecretRef

USUAL_LIMIT = 10 << 20
"""Bytes, where a server names no limit: what most of those on the way still take."""
_MOST = 100 << 20
_TIMEOUT = 30.0
_GO_ON, _TOO_LARGE = 354, 552


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """A server and how to speak to it; see `bondstore.notify.open_transport`."""

    host: str  # its certificate must be for this name
    port: int
    implicit: bool = False  # TLS from the first byte; else STARTTLS
    user: str | None = None
    password: SecretRef | None = None
    ca_file: str | None = None
    plaintext: bool = False
    timeout: float = _TIMEOUT  # seconds that any answer may take


class SmtpTransport:
    """Messages by SMTP over one connection, opened again where it broke."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._open: smtplib.SMTP | None = None
        self.url = f"{'smtps' if server.implicit else 'smtp'}://{server.host}:{server.port}"

    def limit(self) -> int:
        """Return the server's SIZE, or what is usual."""
        size_line = self._connection().esmtp_features.get("size", "").split()
        size = int(size_line[0]) if size_line and size_line[0].isascii() and size_line[0].isdigit() else 0
        return min(size or USUAL_LIMIT, _MOST)

    def send(self, message: EmailMessage, recipient: str) -> Answer:
        """Hand a message over; see `Transport.send`."""
        sender = parseaddr(str(message["From"]))[1]
        data = message.as_bytes(policy=SMTP)
        reused = self._open is not None
        answer = self._try(sender, recipient, data)
        if reused and self._open is None and isinstance(answer, Declined) and answer.again and not answer.doubt:
            # the server had hung up in the pause between two messages: nothing of this one had gone out
            answer = self._try(sender, recipient, data)
        return answer

    def _try(self, sender: str, recipient: str, data: bytes) -> Answer:
        connection = self._connection()
        whole = False
        try:
            code = self._envelope(connection, sender, recipient, len(data))
            if code == _GO_ON:
                # a connection that breaks from here on may have done so after the last byte was taken on
                whole = True
                connection.send(_stuffed(data))
                code, reply = connection.getreply()
                if code // 100 == 2:
                    return Accepted(_receipt(reply))
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Declined(f"smtp-{type(error).__name__}", again=True, doubt=whole)
        self._reset()
        return _declined(code)

    def _envelope(self, connection: smtplib.SMTP, sender: str, recipient: str, size: int) -> int:
        """Announce a message; returns `_GO_ON`, or the code of the step that was refused."""
        options = [f"SIZE={size}"] if connection.has_extn("size") else []
        code, _ = connection.mail(sender, options)
        if code // 100 == 5 and code != _TOO_LARGE:
            raise self._refused_sender(code)
        if code // 100 == 2:
            code, _ = connection.rcpt(recipient)
        if code // 100 == 2:
            code, _ = connection.docmd("DATA")
        return code

    def close(self) -> None:
        """Say good-bye."""
        if self._open is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._open.quit()
            self._drop()

    def _connection(self) -> smtplib.SMTP:
        if self._open is not None:
            return self._open
        try:
            self._open = self._connect()
        except BondstoreError:
            raise
        except ssl.SSLError:
            raise UnreachableError(
                f"The certificate of {self.url} does not hold, or it speaks no TLS there.",
                hint="Check host and port; a certificate of one's own authority is trusted by ca_file.",
            ) from None
        except smtplib.SMTPAuthenticationError:
            raise CredentialsError(f"{self.url} refused the login.", hint="Check user and password.") from None
        except smtplib.SMTPNotSupportedError:
            raise ConfigurationError(f"{self.url} takes no login.", hint="Leave user and password out.") from None
        except (smtplib.SMTPException, OSError) as error:
            raise UnreachableError(
                f"{self.url} gives no proper answer ({type(error).__name__}).", hint="Check host, port and network."
            ) from None
        return self._open

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        context = self._context()
        connection: smtplib.SMTP
        if server.implicit:
            connection = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=context)
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
        try:
            connection.ehlo_or_helo_if_needed()
            covered = server.implicit
            if not covered and connection.has_extn("starttls"):
                # offered and broken is an error: it never falls back
                connection.starttls(context=context)
                connection.ehlo()
                covered = True
            if not covered:
                self._check_plain()
            if server.user is not None:
                connection.login(server.user, server.password.resolve().reveal() if server.password else "")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_plain(self) -> None:
        here = is_loopback(self._server.host)
        if not here and not self._server.plaintext:
            raise PolicyError(
                f"{self.url} offers no TLS: everybody on the way could read the mail.",
                hint="Use smtps://, another server, or say plaintext if that is meant.",
            )
        if not here and self._server.user is not None:
            raise PolicyError(f"{self.url} offers no TLS: the password is not sent.", hint="Use smtps://.")

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._server.ca_file)
        except (OSError, ssl.SSLError):
            raise ConfigurationError(
                "The file of certificates to trust cannot be read.", hint="Check ca_file."
            ) from None

    def _refused_sender(self, code: int) -> ConfigurationError:
        self._reset()
        if code == 530:
            return CredentialsError(f"{self.url} wants a login first.", hint="Give user and password.")
        return ConfigurationError(f"{self.url} refuses the sender ({code}).", hint="Check the sender's address.")

    def _reset(self) -> None:
        """Forget the message that was begun; a server that will not hear of it is dialled anew."""
        try:
            if self._open is not None and self._open.rset()[0] // 100 != 2:
                self._drop()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _declined(code: int) -> Declined:
    """Return what a reply code means; by 421 and 452 servers ask to go slower."""
    return Declined(f"smtp-{code}", again=code // 100 != 5, busy=code in (421, 452))


def _stuffed(data: bytes) -> bytes:
    """Return a message with its dots doubled and its end marked (RFC 5321, 4.5.2)."""
    lines = data.split(b"\r\n")
    if lines[-1] == b"":
        lines.pop()
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + b".\r\n"


def _receipt(reply: bytes) -> str:
    """Return what of a server's answer may be kept: it may quote the recipient."""
    text = reply.decode("ascii", "replace")
    return "" if "@" in text else "".join(one for one in text if one.isprintable())[:200]
