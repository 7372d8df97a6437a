"""AWS services on loopback: moto's server, for DynamoDB, SES, SQS and others, in a process of its own."""

from __future__ import annotations

import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

from tests.servers.ports import free_ports
from tests.servers.process import ServerProcess, temporary_folder

SERVICES = ("DYNAMODB", "SES", "SESV2", "SQS", "SNS", "LAMBDA", "IAM", "STS", "CLOUDFORMATION", "GLACIER")


class Moto:
    """Moto's server as a context manager.

    Attributes
    ----------
    endpoint : str
        ``http://127.0.0.1:port``, for every service.
    """

    region = "ap-southeast-2"

    def __init__(self) -> None:
        self._folder = temporary_folder("moto-")
        [port] = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}"
        # -P: this folder has a module called moto, too
        command = [sys.executable, "-P", str(Path(__file__).resolve().with_name("moto_serving.py")), str(port)]
        self._process = ServerProcess(command, self._folder / "moto.log", f"{self.endpoint}/moto-api/")

    def __enter__(self) -> Moto:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill9()  # it keeps everything in memory
        shutil.rmtree(self._folder, ignore_errors=True)

    def reset(self) -> None:
        """Forget all tables, mails and queues."""
        request = urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST", data=b"")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()

    def client(self, service: str) -> Any:
        """Return a plain boto3 client, as another tool would have it."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(proxies={}),
        )
