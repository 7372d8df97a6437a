"""An Azure server that knows a machine by its role: a token is given by the identity endpoint, and lets requests in.

Azurite takes tokens over https alone. So a proxy in front of it gives the token, demands it, and signs each request
that has it with a shared access signature of its own (Create an account SAS;
learn.microsoft.com/rest/api/storageservices).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode, urlsplit

from tests.servers.azurite import Azurite
from tests.servers.faulty import FaultyProxy, _Handler


class AzureRole(FaultyProxy):
    """The proxy, as a context manager.

    Attributes
    ----------
    identity : str
        What ``IDENTITY_ENDPOINT`` is to be.
    endpoint : str
        Address of the account.
    """

    def __init__(self, azurite: Azurite) -> None:
        super().__init__(azurite.endpoint)
        self._server.RequestHandlerClass = _Bearing
        self.token = secrets.token_hex(16)
        self.sas = account_sas(azurite)
        self.identity = f"{self.endpoint}/identity"
        self.endpoint += urlsplit(azurite.endpoint).path


class _Bearing(_Handler):
    def _serve(self) -> None:
        proxy = self.server.proxy
        assert isinstance(proxy, AzureRole)
        if urlsplit(self.path).path == "/identity":
            given = {
                "access_token": proxy.token,
                "token_type": "Bearer",
                "expires_in": "3600",
                "expires_on": "4000000000",
            }
            self._answer(200, json.dumps(given).encode(), {"Content-Type": "application/json"})
        elif self.headers.get("Authorization") == f"Bearer {proxy.token}":
            super()._serve()
        else:
            self._read_body()
            self._answer(403, b"", {"x-ms-error-code": "AuthorizationFailure"})

    do_GET = do_HEAD = do_PUT = do_DELETE = _serve

    def do_POST(self) -> None:
        """Take a batch of removals apart: each has the token, and Azurite takes none."""
        proxy = self.server.proxy
        assert isinstance(proxy, AzureRole)
        answers = []
        for number, path in enumerate(re.findall(rb"\r\nDELETE (\S+) HTTP", self._read_body())):
            behind = HTTPConnection(*proxy.upstream, timeout=60)
            behind.request("DELETE", f"{path.decode()}?{proxy.sas}")
            with behind.getresponse() as answer:
                told = f"HTTP/1.1 {answer.status} {answer.reason}\r\n"
                code = answer.getheader("x-ms-error-code")
            behind.close()
            told += f"x-ms-error-code: {code}\r\n" if code else ""
            answers.append(f"--b\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\n{told}\r\n")
        self._answer(202, ("".join(answers) + "--b--\r\n").encode(), {"Content-Type": "multipart/mixed; boundary=b"})

    def _ask(self, body: bytes) -> HTTPResponse:
        assert isinstance(self.server.proxy, AzureRole)
        del self.headers["Authorization"]
        self.path += ("&" if "?" in self.path else "?") + self.server.proxy.sas
        return super()._ask(body)


def account_sas(azurite: Azurite) -> str:
    """Return a signature that lets everything in."""
    asked = {"sv": "2019-12-12", "ss": "b", "srt": "sco", "sp": "rwdlacup", "se": "2099-01-01T00:00:00Z"}
    order = [azurite.account, asked["sp"], asked["ss"], asked["srt"], "", asked["se"], "", "", asked["sv"], ""]
    key = base64.b64decode(azurite.account_key)
    signature = base64.b64encode(hmac.new(key, "\n".join(order).encode(), hashlib.sha256).digest()).decode()
    return urlencode({**asked, "sig": signature})
