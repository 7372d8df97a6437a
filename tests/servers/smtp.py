"""A mail server on loopback (aiosmtpd): with TLS or without, that keeps what it takes and misbehaves on request."""

from __future__ import annotations

import asyncio
import datetime
import email
import email.policy
import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.ports import free_ports


@dataclass(frozen=True)
class Mail:
    """One message that was taken on."""

    sender: str
    recipients: list[str]
    data: bytes
    tls: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        made = email.message_from_bytes(self.data, policy=email.policy.default)
        assert isinstance(made, EmailMessage)
        return made


@dataclass
class Behaviour:
    """What the server answers; empty for what a good one does.

    Attributes
    ----------
    rcpt : dict of str to str
        By recipient.
    sender, data : str
        To MAIL FROM, and at the end of the message.
    cut : str
        Close the connection: ``before`` the message is taken on, or ``after`` it, without a word in both cases.
    on_data : callable, optional
        Called once a message was taken on, before the answer.
    """

    rcpt: dict[str, str] = field(default_factory=dict)
    sender: str = ""
    data: str = ""
    cut: str = ""
    slow: float = 0
    on_data: Callable[[], None] | None = None


class _Handler:
    def __init__(self, box: MailBox) -> None:
        self.box = box

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.box.does.sender:
            return self.box.does.sender
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.box.does.rcpt:
            return self.box.does.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        does = self.box.does
        await asyncio.sleep(does.slow)
        if does.cut == "before":
            server.transport.abort()
            return "451 gone"
        if does.data:
            return does.data
        user = session.auth_data.decode() if isinstance(session.auth_data, bytes) else None
        self.box.mails.append(
            Mail(
                envelope.mail_from,
                list(envelope.rcpt_tos),
                envelope.content,
                server.transport.get_extra_info("ssl_object") is not None,
                user,
            )
        )
        if does.on_data:
            does.on_data()
        if does.cut == "after":
            server.transport.abort()
        return f"250 OK taken on as {len(self.box.mails)}"


class MailBox:
    """The server as a context manager.

    Parameters
    ----------
    tls : {"", "starttls", "implicit"}
        How it speaks.
    context : ssl.SSLContext, optional
        Its certificate.
    login : tuple of str, optional
        The user and password that it wants.
    limit : int
        The SIZE that it names.
    idle : float
        Seconds without a word after which it hangs up.
    """

    def __init__(
        self,
        tls: str = "",
        context: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        limit: int = 33_554_432,
        idle: float = 300,
    ) -> None:
        self.mails: list[Mail] = []
        self.does = Behaviour()
        [self.port] = free_ports(1)
        words: dict[str, Any] = {"data_size_limit": limit, "timeout": idle}
        if tls == "starttls":
            words |= {"tls_context": context, "require_starttls": True}
        if login:

            def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
                good = (data.login.decode(), data.password.decode()) == login
                return AuthResult(success=good, handled=False, auth_data=data.login if good else None)

            words |= {"authenticator": check, "auth_required": True, "auth_require_tls": tls == "starttls"}
        if tls == "implicit":
            words["ssl_context"] = context
        self._controller = Controller(_Handler(self), hostname="127.0.0.1", port=self.port, **words)
        self.url = f"{'smtps' if tls == 'implicit' else 'smtp'}://127.0.0.1:{self.port}"

    def __enter__(self) -> MailBox:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def to(self, address: str) -> list[Mail]:
        """Return the mails to one address."""
        return [one for one in self.mails if one.recipients == [address]]


def make_authority(folder: Path, host: str = "127.0.0.1") -> tuple[Path, ssl.SSLContext]:
    """Make an authority and a server's certificate by it; returns the file to trust and the server's context."""
    now = datetime.datetime.now(datetime.UTC)

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def base(subject: str, key: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Test authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2))
        )

    root, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    root_id = x509.SubjectKeyIdentifier.from_public_key(root.public_key())
    authority = (
        base("Test authority", root)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(root_id, critical=False)
        .sign(root, hashes.SHA256())
    )
    place: x509.GeneralName
    try:
        place = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        place = x509.DNSName(host)
    certificate = (
        base(host, leaf)
        .add_extension(x509.SubjectAlternativeName([place]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id), critical=False)
        .sign(root, hashes.SHA256())
    )
    trusted, chain = folder / "authority.pem", folder / "server.pem"
    pem = serialization.Encoding.PEM
    trusted.write_bytes(authority.public_bytes(pem))
    key = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(key + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return trusted, context
