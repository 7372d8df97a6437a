"""A real PostgreSQL server on a unix socket and loopback; see `tests/servers/install.py`."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
import uuid
from pathlib import Path

from tests.servers.ports import free_ports
from tests.servers.process import start, temporary_folder

USER = "bond"


def find_programs() -> Path | None:
    """Return the folder of `initdb` and `postgres`, or None."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    candidates = [*folders, *([Path(found).resolve().parent] if found else [])]
    return next((one for one in candidates if (one / "initdb").exists() and (one / "postgres").exists()), None)


class PostgreSQL:
    """A PostgreSQL server as a context manager. It will not run as root: then it runs as another account.

    Attributes
    ----------
    port : int
        Its port on 127.0.0.1.
    """

    def __init__(self) -> None:
        self.folder = temporary_folder("pg-")
        [self.port] = free_ports(1)
        self._account = _other_account() if os.geteuid() == 0 else None
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PostgreSQL:
        programs = find_programs()
        if programs is None:
            raise RuntimeError("PostgreSQL is not installed: run `python tests/servers/install.py`")
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        data = self.folder / "data"
        settings = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run([programs / "initdb", "-D", data, *settings], check=True, capture_output=True, **self._as())
        words = [str(programs / "postgres"), "-D", str(data), "-p", str(self.port), "-k", str(self.folder)]
        words += ["-h", "127.0.0.1", "-F", "-c", "shared_buffers=16MB", "-c", "max_connections=40"]
        self._child = start(words, self.folder / "log", **self._as())
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.send_signal(3)  # SIGQUIT: at once, its data are thrown away
            self._child.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self) -> str:
        """Make a fresh database; returns its URL."""
        import psycopg

        name = f"d{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self._url(name)

    def _url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def _as(self) -> dict[str, object]:
        account = {"user": self._account.pw_uid, "group": self._account.pw_gid} if self._account else {}
        return {"cwd": self.folder, **account}

    def _wait(self) -> None:
        import psycopg

        give_up = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self._url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > give_up or (self._child is not None and self._child.poll() is not None):
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")) from None
                time.sleep(0.05)
            else:
                return


def _other_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is no account to run PostgreSQL as")
